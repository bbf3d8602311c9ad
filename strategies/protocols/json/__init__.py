"""JSON as models write it: where a value ends, and what it holds.

It reads and reports; whether a call is made of it is the protocols' business.
"""

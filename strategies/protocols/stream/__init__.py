"""A reply told apart while it comes in: text, reasoning and calls.

What a call looks like is the grammar's business; this room knows only that there are blocks.
"""

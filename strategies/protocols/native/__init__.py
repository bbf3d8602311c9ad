"""Calls that come as deltas beside the text, and calls that leak into the text.

It merges and reads pieces; how a request declares its tools is for the engine.
"""

"""Calls that come as deltas beside the text, and calls that leak into the text."""

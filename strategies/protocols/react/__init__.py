"""Thoughts, actions and observations as plain labelled text: prompt, reader, results.

It reads lines instead of markers, so it has a reader of its own and may not change the shared one.
"""

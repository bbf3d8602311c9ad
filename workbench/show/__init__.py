"""A run as a story: in the terminal, as rows, as JSON lines, as traces.

It reads what a run recorded, and plays nothing itself.
"""

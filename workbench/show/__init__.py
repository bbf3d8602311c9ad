"""A run as it is shown: in the terminal, as rows, as JSON lines, as traces.

It reads what a run recorded, and plays nothing itself.
"""

"""What a user types: the commands, their options and what they print.

Only `output` writes to the terminal; how a run is played is for `workbench.stage`.
"""

"""What a user types: the commands and their options.

It reads the command line and calls the rooms below it; how a run is played is for `bench`.
"""

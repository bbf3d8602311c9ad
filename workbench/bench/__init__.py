"""Everything that stands ready for runs: plugin, models, tools and files, real, faulty or scripted.

It starts and stops the rooms below it; how a run is asked for and shown is for the rooms above.
"""

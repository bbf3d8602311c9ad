"""A plan first: steps that are small runs of the engine, side by side, and one answer from them.

It plays whole runs and changes nothing inside one; how a round goes on is for the loop.
"""

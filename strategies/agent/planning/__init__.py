"""A plan first: steps that are small runs of the engine, side by side, and one answer from them.

It plays its runs through `loop` alone; it reads no replies itself and knows nothing of Dify.
"""

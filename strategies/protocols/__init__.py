"""How a model says "call this tool": text and deltas in, events out.

Nothing here knows the engine, Dify or the network, and no model text raises an exception.
"""

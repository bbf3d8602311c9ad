"""Calling Dify back for models and tools, as the engine's ports.

Nothing here tells the reader anything or decides how a run goes on; that is for others.
"""

"""Calling Dify back: models, tools and files, as the engine's ports."""

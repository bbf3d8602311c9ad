"""A conversation kept inside the model's window and the wire's limit.

It reads messages and changes copies of them; it never asks a model.
"""

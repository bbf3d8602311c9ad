"""Dify, as far as one agent strategy can tell the difference.

It refuses and loses what Dify does; it may not know models, tools or commands.
"""

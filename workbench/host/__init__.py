"""Dify, as far as one agent strategy can tell the difference."""

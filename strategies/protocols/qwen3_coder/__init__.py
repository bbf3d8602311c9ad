"""Calls as markup in `<tool_call>` tags."""

"""Calls as JSON in `<tool_call>` tags."""

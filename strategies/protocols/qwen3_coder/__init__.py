"""Calls as markup in `<tool_call>` tags: the prompt and the form of results.

Reading them is shared and stands in `tagged`; nothing here may know other protocols.
"""

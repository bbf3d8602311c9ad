"""Calls between the markers that Qwen models before 2.5 were taught."""

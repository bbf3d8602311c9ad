"""Calls between the markers that Qwen models before 2.5 were taught: prompt, grammar, results.

The reader of replies is the shared one in `stream`; nothing here may know other protocols.
"""

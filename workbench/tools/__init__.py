"""What plays the tools: built-in ones, and those of MCP servers.

They run in the workbench's process; nothing here knows the plugin or a model.
"""

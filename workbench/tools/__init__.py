"""What plays the tools: built-in ones, and those of MCP servers."""

"""The plugin: what Dify loads, the shell for Dify, the engine in it, and the protocols below."""

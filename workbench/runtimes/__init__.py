"""The plugin's process and the three ways in which Dify speaks with it."""

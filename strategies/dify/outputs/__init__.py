"""What leaves for the reader and for later nodes: text, logs, variables, files."""

"""A run as a story: in the terminal, as rows, as JSON lines."""

"""A run as a page: one file to look at, and a chat on loopback."""

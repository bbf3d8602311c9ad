"""A run as a page: one file to look at, and a chat on loopback.

The page fetches nothing from elsewhere, and its server listens to this machine alone.
"""

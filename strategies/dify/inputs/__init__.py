"""What Dify hands to a run, read into values; anything may be missing, null or of another type.

It runs before any model is asked, and neither asks one nor sends a message itself.
"""

"""What Dify hands to a run, read into values; anything may be missing, null or of another type."""

"""Thoughts, actions and observations as plain labelled text."""

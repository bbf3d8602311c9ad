"""What a user types: the commands, their options and what they print."""

"""What plays the model: rules, a server, or a real one behind OpenAI's protocol."""

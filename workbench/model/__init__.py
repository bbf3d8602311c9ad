"""What plays the model: rules, a server, or a real one behind OpenAI's protocol.

It answers requests and knows nothing of the plugin's process or of what is shown.
"""

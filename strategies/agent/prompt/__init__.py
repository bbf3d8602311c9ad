"""What the model reads: the conversation, written natively or in a text protocol.

How much of it fits into the model's window is decided next door, in `window`.
"""

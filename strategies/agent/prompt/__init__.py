"""What the model reads: the conversation, written natively or in a text protocol.

It cuts nothing to a window and calls nothing; how much of it fits is decided in `window`.
"""

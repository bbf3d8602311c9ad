"""What the model reads: the conversation, written natively or in a text protocol.

It shortens a text where it is told to and calls nothing; how much fits is decided in `window`.
"""

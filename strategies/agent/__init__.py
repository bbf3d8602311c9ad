"""The engine: rounds of asking a model and running its calls, until it answers.

It imports the protocols alone and nothing of Dify; models and tools come in through `ports`.
"""

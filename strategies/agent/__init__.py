"""The engine: rounds of asking a model and running its calls, until it answers.

It knows neither Dify nor any protocol's form; both come in through `ports` and `prompt.formats`.
"""

"""One reply of the model: asked for, read while it comes in, asked for again where that helps.

It knows neither providers nor forms of calls; both come in through `ports` and `prompt.formats`.
"""

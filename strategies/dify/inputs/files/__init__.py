"""The files of a run: read from Dify or the internet, given to the model, handed to tools.

Nothing here reads an address that `addresses` does not allow.
"""

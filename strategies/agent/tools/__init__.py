"""From a call as the model wrote it to its one result.

What a tool is and where it runs is for the toolbox (`ports.Toolbox`); nothing here asks a model.
"""

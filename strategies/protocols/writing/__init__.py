"""What a text protocol writes for a model: tools, results, the last request, and the language.

Reading a reply is no business of this room, and nothing here knows one protocol from another.
"""

"""What a text protocol writes for a model: tools, results and the last request.

Reading a reply is no business of this room, and nothing here knows one protocol from another.
"""

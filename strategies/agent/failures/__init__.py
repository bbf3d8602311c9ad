"""What can go wrong with a model call, and what is done about it.

It decides; waiting, asking again and changing the model are done by the loop.
"""

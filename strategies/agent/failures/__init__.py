"""What can go wrong with a model call, and what is done about it.

It decides and asks no model itself; waiting, asking again and changing the model are `asking`'s.
"""

"""What went wrong: sorted, told in one sentence without secrets, and what is done about it.

It decides and asks no model itself; waiting, asking again and changing the model are `asking`'s.
"""

"""What keeps a round moving: one queue for its model and its tools, a pace for text, giving way.

It carries pieces and outcomes and reads none of them; what they mean is for the rooms beside it.
"""

"""A conversation held inside the model's window and the limit of Dify's lines.

It reads messages and changes copies of them; it asks no model and runs no tokenizer.
"""

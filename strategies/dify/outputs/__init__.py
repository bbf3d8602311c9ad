"""What leaves for the reader and for later nodes: text, logs, variables, files.

It turns the engine's events into messages, and may neither call Dify back nor change the run.
"""

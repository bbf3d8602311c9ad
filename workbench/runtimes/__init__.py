"""The plugin's process and the three ways in which Dify speaks with it.

It carries frames and starts and stops the process; what a frame means is for `host`.
"""

"""The plugin's process, the three ways in which Dify speaks with it, and their limits.

It carries frames and starts and stops the process; what a frame means is for `host`.
"""

"""Tasks played with a real model: the tasks' file, their tools, how an answer is judged, the table.

Nothing here knows how a protocol works; a task is played through the plugin's own process.
"""

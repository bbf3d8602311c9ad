"""The local runtime's input: more of a model's stream may wait for the plugin.

Dify's daemon keeps 1,024 pieces of an answer for a plugin that does not read and drops the rest
without a word. Before that, what it sends waits in the pipe of the plugin's standard input: 64 KiB,
which are some 110 pieces. A pipe of 1 MiB holds some 1,800, and costs memory only while they wait
(docs/dify.md, "Limits and losses").
"""

import sys

ROOM = 1024 * 1024
"""Bytes; what Linux grants every process (/proc/sys/fs/pipe-max-size)."""


def widen_input(descriptor: int = 0) -> None:
    """Make room in a pipe, where there is one and the system allows it."""
    if sys.platform != "linux":
        return
    import fcntl  # noqa: PLC0415 - Windows, where one may debug remotely, has none

    try:
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, ROOM)
    except OSError:
        return  # it is no pipe, as under remote debugging, or the user's pipes are used up

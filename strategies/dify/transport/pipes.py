"""The local runtime's pipes: more may wait in them.

In: Dify's daemon keeps 1,024 pieces of a model's answer for a plugin that does not read and drops
the rest without a word. Before that, what it sends waits in the pipe: 64 KiB, which are some 110
pieces. A pipe of 1 MiB holds some 1,800 (docs/dify.md, "Limits and losses").

Out: who writes into a full pipe stands still, and every run of the process with it. A request with
a long conversation has some hundred kilobytes.

The room costs memory only while it is used.
"""

import sys

ROOM = 1024 * 1024
"""Bytes; what Linux grants every process (/proc/sys/fs/pipe-max-size)."""


def widen(descriptor: int) -> None:
    """Make room in a pipe, where there is one and the system allows it."""
    if sys.platform != "linux":
        return
    import fcntl  # noqa: PLC0415 - Windows, where one may debug remotely, has none

    try:
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, ROOM)
    except OSError:
        return  # it is no pipe, as under remote debugging, or the user's pipes are used up

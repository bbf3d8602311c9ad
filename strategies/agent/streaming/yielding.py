"""Giving way: all runs share one process, and long work of one must not hold up the others.

While it does, Dify's daemon drops what it cannot hand over (docs/dify.md, "Limits and losses").
"""

import time

# Not 0: gevent wakes who sleeps 0 seconds up to fifty times before it looks at sockets and timers
# once. So the time would be shared among busy runs, and none left for what comes in.
_BRIEFLY = 1e-6


def give_way() -> None:
    """Let other runs, sockets and timers have their turn; between pieces of a few milliseconds."""
    time.sleep(_BRIEFLY)

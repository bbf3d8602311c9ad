"""How fast messages may leave.

The daemon drops without a word what its queue of 128 messages cannot take, and Dify spends up to a
millisecond on each (docs/dify.md, "Limits and losses"): text leaves at most once per 10 ms, the
first at once, and no more than 64 messages of any kind leave within 50 ms, which is slower than
the daemon drains its queue.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

TEXT_PAUSE = 0.010
"""Seconds between two text messages."""
BURST = 64
"""Messages that may leave within one `BURST_PAUSE`."""
BURST_PAUSE = 0.050
"""Seconds."""

type DifyMessage = dict[str, Any]


def paced(
    messages: Iterable[DifyMessage],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[DifyMessage]:
    """Let messages through, waiting where too many would leave at once."""
    sent: deque[float] = deque(maxlen=BURST)
    last_text = float("-inf")
    for message in messages:
        ready = clock()
        if len(sent) == BURST:
            ready = max(ready, sent[0] + BURST_PAUSE)
        if message["type"] == "text":
            ready = max(ready, last_text + TEXT_PAUSE)
        while (wait := ready - clock()) > 0:
            sleep(wait)
        now = clock()
        if message["type"] == "text":
            last_text = now
        sent.append(now)
        yield message

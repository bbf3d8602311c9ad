"""How fast messages may leave.

The daemon drops without a word what its queue of 128 messages cannot take, and Dify spends up to a
millisecond on each (docs/dify.md, "Limits and losses"): text leaves once per 10 ms, and no more
than 64 messages of any kind leave within 50 ms, which is slower than the daemon drains its queue.
A text that left late does not hold up the next: so a model that gives a hundred pieces a second,
never quite on time, is shown as it speaks. `text_pace` in `strategies/agent/streaming` keeps the
same pace before it, so that little waits here.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

TEXT_PAUSE = 0.010
"""Seconds from one text to the next, on average; two at the most leave within it."""
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
    text_due = float("-inf")
    for message in messages:
        ready = clock()
        if len(sent) == BURST:
            ready = max(ready, sent[0] + BURST_PAUSE)
        if message["type"] == "text":
            ready = max(ready, text_due)
        while (wait := ready - clock()) > 0:
            sleep(wait)
        now = clock()
        if message["type"] == "text":
            text_due = max(text_due + TEXT_PAUSE, now)
        sent.append(now)
        yield message

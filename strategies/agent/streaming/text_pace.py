"""How fast the engine gives out text.

`strategies/dify/outputs/pacing.py` keeps the same pace behind it for all that leaves for Dify: here
text that waits is joined, there it only waits.
"""

import time
from collections.abc import Callable


class TextPace:
    """How soon text may follow text, so that what comes meanwhile leaves with it.

    A piece that left late does not hold up the next: two may leave within one pause.
    """

    def __init__(self, pause: float = 0.0, sleep: Callable[[float], None] = time.sleep) -> None:
        """Take the pause in seconds."""
        self._pause = pause
        self._sleep = sleep
        self._due = float("-inf")

    def left(self) -> None:
        """Note that text has left."""
        self._due = max(self._due + self._pause, time.monotonic())

    def wait(self) -> bool:
        """Wait until the next text may leave; tell whether there was anything to wait for."""
        seconds = self._due - time.monotonic()
        if seconds > 0:
            self._sleep(seconds)
        return seconds > 0

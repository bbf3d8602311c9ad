"""The daemon's queue between the plugin and the reader of one run.

Nothing pushes back: a message that finds the queue full is gone, without an error anywhere. Here
the drain is computed instead of run, so that the verdict does not depend on our own threads.
"""


class LossyQueue:
    """Says of every message whether the real queue would have had room for it."""

    def __init__(self, room: int, drained_a_second: float) -> None:
        self._room = room
        self._drained_a_second = drained_a_second
        self._waiting = 0.0
        self._seen_at = 0.0

    def admits(self, at: float) -> bool:
        """Take one message that came at that second; False when it would have been lost."""
        drained = max(0.0, at - self._seen_at) * self._drained_a_second
        self._waiting = max(0.0, self._waiting - drained)
        self._seen_at = max(at, self._seen_at)
        if self._waiting > self._room - 1:
            return False
        self._waiting += 1
        return True

"""Runs side by side: their events as they come, in one line."""

from _thread import start_new_thread
from collections.abc import Iterator
from dataclasses import dataclass
from queue import SimpleQueue

from strategies.agent.interface.events import AnswerText, Event, ReasoningShown, TextShown
from strategies.agent.loop import Run


@dataclass(frozen=True, slots=True)
class Over:
    """A run has ended; with a fault of our own where there is one."""

    fault: Exception | None = None


class SideBySide:
    """Plays runs in threads of their own, each known by a number."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[int, Event | Over]] = SimpleQueue()
        self._left = False

    def start(self, number: int, run: Run) -> None:
        """Begin a run."""

        def play() -> None:
            try:
                for event in self._wanted(run):
                    self._queue.put((number, event))
            except Exception as fault:  # noqa: BLE001 - raised where the events are read
                self._queue.put((number, Over(fault)))
            else:
                self._queue.put((number, Over()))

        start_new_thread(play, ())

    def next(self) -> tuple[int, Event | Over]:
        """Wait for what happens next in any of them; only while one goes on."""
        number, item = self._queue.get()
        if isinstance(item, Over) and item.fault:
            raise item.fault
        return number, item

    def leave(self) -> None:
        """Let the runs end after what they are at: nobody reads them any more."""
        self._left = True

    def _wanted(self, run: Run) -> Iterator[Event]:
        """Leave out what is said for a reader: a step speaks to other steps alone."""
        for event in run.events():
            if self._left:
                return
            if not isinstance(event, TextShown | ReasoningShown | AnswerText):
                yield event

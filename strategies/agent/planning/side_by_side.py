"""Runs side by side: their events as they come, in one line."""

from _thread import start_new_thread
from collections.abc import Iterator
from queue import SimpleQueue

from strategies.agent.interface.events import AnswerText, Event, ReasoningShown, TextShown
from strategies.agent.loop import Run


class SideBySide:
    """Plays runs in threads of their own, each known by a number."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[int, Event | Exception | None]] = SimpleQueue()
        """Behind a run's events stands None, or the fault of our own that ended it."""
        self._left = False

    def start(self, number: int, run: Run) -> None:
        """Begin a run."""

        def play() -> None:
            try:
                for event in self._wanted(run):
                    self._queue.put((number, event))
            except Exception as fault:  # noqa: BLE001 - raised where the events are read
                self._queue.put((number, fault))
            else:
                self._queue.put((number, None))

        start_new_thread(play, ())

    def next(self) -> tuple[int, Event | None]:
        """Wait for what happens next in any of them, None for an end; only while one goes on."""
        number, item = self._queue.get()
        if isinstance(item, Exception):
            raise item
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

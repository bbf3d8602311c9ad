"""One queue into which the model's stream and the running tools of a round write.

`Asker` and `RoundCalls` read everything that waits at once: so text leaves at once when the line is
idle and in larger pieces when it is busy. Threads are greenlets inside Dify's runtime (gevent
patches them) and real threads in the tests; nothing here depends on which.
"""

from _thread import start_new_thread
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from strategies.agent.interface.ports import ModelDelta, ModelError, ToolOutcome
from strategies.agent.streaming.text_pace import TextPace


@dataclass(frozen=True, slots=True)
class Received:
    """A piece of the model's reply."""

    delta: ModelDelta


@dataclass(frozen=True, slots=True)
class Ended:
    """The model's reply is complete."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The model's reply broke off, or never began."""

    error: ModelError


@dataclass(frozen=True, slots=True)
class ToolDone:
    """A tool has come back."""

    call_id: str
    outcome: ToolOutcome


type Item = Received | Ended | Failed | ToolDone
"""What the queue holds; `Asker` and `RoundCalls` make events of it."""


class RoundQueue:
    """The queue of one round. What arrives after the round is over is never read."""

    def __init__(self, pace: TextPace) -> None:
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._stream: Iterator[ModelDelta] | None = None
        self._pace = pace

    def wait(self, seconds: float) -> list[Item]:
        """Wait for something to arrive and return all that is there; nothing if time runs out.

        Text alone waits until the next may leave, and leaves with all that comes meanwhile; a call,
        a result or the end of the reply is never kept waiting.
        """
        items = self._take(seconds)
        only_text = all(isinstance(item, Received) and not item.delta.calls for item in items)
        if items and only_text and self._pace.wait():
            items += self._take(0)
        return items

    def _take(self, seconds: float) -> list[Item]:
        try:
            items = [self._queue.get(timeout=max(seconds, 0.0))]
        except Empty:
            return []
        try:
            while True:
                items.append(self._queue.get_nowait())
        except Empty:
            return items

    def read_model(self, stream: Iterator[ModelDelta]) -> None:
        """Read a model's stream into the queue from a thread of its own."""
        self._stream = stream

        def put(item: Item) -> None:
            # A stream that was left may still say something; it would be taken for the next one's.
            if self._stream is stream:
                self._queue.put(item)

        def pump() -> None:
            try:
                for delta in stream:
                    if self._stream is not stream:
                        return
                    put(Received(delta))
            except ModelError as error:
                put(Failed(error))
            except Exception as error:  # noqa: BLE001 - else the round would wait for ever
                put(Failed(ModelError(f"{type(error).__name__}: {error}")))
            else:
                put(Ended())

        start_new_thread(pump, ())

    def leave_model(self) -> None:
        """Stop reading the stream: what still comes would wait for nobody."""
        self._stream = None

    def run_tool(self, call_id: str, call: Callable[[], ToolOutcome]) -> None:
        """Run one tool in a thread of its own and queue its outcome."""

        def work() -> None:
            try:
                outcome = call()
            except Exception as error:  # noqa: BLE001 - a tool must never take the run with it
                problem = f"{type(error).__name__}: {error}"
                outcome = ToolOutcome(text=problem, error=problem)
            self._queue.put(ToolDone(call_id, outcome))

        start_new_thread(work, ())

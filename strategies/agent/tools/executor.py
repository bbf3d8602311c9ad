"""The tools of one round at work: up to a limit at once, each with its own time limit.

Every call gets exactly one result. A call that comes back after its time is over has had its
result already, and what it brings then is ignored.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from strategies.agent.event_queue import EventQueue
from strategies.agent.events import CallFinished, CallStarted, Event, PlannedCall
from strategies.agent.ports import ToolOutcome

type Job = Callable[[], ToolOutcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A call at work."""

    call: PlannedCall
    due: float
    """The moment, on the executor's clock in seconds, at which its time is over."""


class ToolExecutor:
    """Runs the calls of one round."""

    def __init__(
        self,
        queue: EventQueue,
        provider: Callable[[str], str],
        *,
        parallel: int,
        tool_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._provider = provider
        self._parallel = parallel
        self._tool_seconds = tool_seconds
        self._clock = clock
        self._running: dict[str, Running] = {}
        self._waiting: deque[tuple[PlannedCall, Job]] = deque()
        self.finished: dict[str, CallFinished] = {}

    @property
    def busy(self) -> bool:
        """Whether any call is without its result."""
        return bool(self._running or self._waiting)

    @property
    def next_due(self) -> float:
        """The moment at which the next running call is out of time."""
        return min((running.due for running in self._running.values()), default=float("inf"))

    def begin(self, call: PlannedCall, job: Job) -> list[Event]:
        """Run a call now, or as soon as a place is free."""
        self._waiting.append((call, job))
        return self._fill()

    def settle(self, call: PlannedCall, outcome: ToolOutcome) -> list[Event]:
        """Give a call a result without running it."""
        return [self._started(call), self._finish(call, outcome)]

    def came_back(self, call_id: str, outcome: ToolOutcome) -> list[Event]:
        """Take the outcome of a running call; one that is out of time has had its result."""
        running = self._running.pop(call_id, None)
        if running is None:
            return []
        return [self._finish(running.call, outcome), *self._fill()]

    def give_up_overdue(self, outcome: Callable[[], ToolOutcome]) -> list[Event]:
        """Give the calls that are out of time a result, and their places to others."""
        now = self._clock()
        overdue = [running.call for running in self._running.values() if running.due <= now]
        for call in overdue:
            del self._running[call.id]
        return [*(self._finish(call, outcome()) for call in overdue), *self._fill()]

    def give_up_all(self, running: ToolOutcome, waiting: ToolOutcome) -> list[Event]:
        """Give every call without a result one, because the run is out of time."""
        events: list[Event] = [self._finish(work.call, running) for work in self._running.values()]
        self._running.clear()
        for call, _ in self._waiting:
            events += self.settle(call, waiting)
        self._waiting.clear()
        return events

    def _fill(self) -> list[Event]:
        events: list[Event] = []
        while self._waiting and len(self._running) < self._parallel:
            call, job = self._waiting.popleft()
            self._running[call.id] = Running(call=call, due=self._clock() + self._tool_seconds)
            events.append(self._started(call))
            self._queue.run_tool(call.id, job)
        return events

    def _started(self, call: PlannedCall) -> CallStarted:
        return CallStarted(call, self._provider(call.name))

    def _finish(self, call: PlannedCall, outcome: ToolOutcome) -> CallFinished:
        self.finished[call.id] = CallFinished(call, outcome)
        return self.finished[call.id]

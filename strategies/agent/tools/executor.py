"""The tools of one round at work: up to a limit at once, each with its own time limit.

Every call gets exactly one result. A call that comes back after its time is over has had its
result already, and what it brings then is ignored.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from strategies.agent.interface.events import CallFinished, CallQueued, CallStarted, Event, ToolCall
from strategies.agent.interface.ports import ToolOutcome
from strategies.agent.streaming.round_queue import RoundQueue

type Job = Callable[[], ToolOutcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A call that has been written. Moments are seconds on the executor's clock."""

    call: ToolCall
    job: Job
    written: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A call at work."""

    call: ToolCall
    written: float
    begun: float
    due: float
    """The moment at which its time is over."""


class ToolExecutor:
    """Runs the calls of one round."""

    def __init__(
        self,
        queue: RoundQueue,
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
        self._waiting: deque[Waiting] = deque()
        self.begun_ids: set[str] = set()
        """The ids of the calls that were run, whatever came of it."""
        self.finished: dict[str, CallFinished] = {}

    @property
    def busy(self) -> bool:
        """Whether any call is without its result."""
        return bool(self._running or self._waiting)

    @property
    def next_due(self) -> float:
        """The moment at which the next running call is out of time."""
        return min((running.due for running in self._running.values()), default=float("inf"))

    def begin(self, call: ToolCall, job: Job) -> list[Event]:
        """Run a call now, or as soon as a place is free."""
        self._waiting.append(Waiting(call=call, job=job, written=self._clock()))
        return self._fill() or [CallQueued(call)]

    def settle(self, call: ToolCall, outcome: ToolOutcome) -> list[Event]:
        """Give a call a result without running it."""
        return [self._started(call), self._finish(CallFinished(call, outcome))]

    def came_back(self, call_id: str, outcome: ToolOutcome) -> list[Event]:
        """Take the outcome of a running call; one that is out of time has had its result."""
        running = self._running.pop(call_id, None)
        if running is None:
            return []
        return [self._end(running, outcome), *self._fill()]

    def give_up_overdue(self, outcome: Callable[[], ToolOutcome]) -> list[Event]:
        """Give the calls that are out of time a result, and their places to others."""
        now = self._clock()
        overdue = [running for running in self._running.values() if running.due <= now]
        for running in overdue:
            del self._running[running.call.id]
        return [*(self._end(running, outcome()) for running in overdue), *self._fill()]

    def give_up_all(self, running: ToolOutcome, waiting: ToolOutcome) -> list[Event]:
        """Give every call without a result one, because the run is out of time."""
        events: list[Event] = [self._end(work, running) for work in self._running.values()]
        self._running.clear()
        for one in self._waiting:
            events.append(self._started(one.call))
            seconds_waited = self._clock() - one.written
            events.append(self._finish(CallFinished(one.call, waiting, seconds_waited)))
        self._waiting.clear()
        return events

    def _fill(self) -> list[Event]:
        events: list[Event] = []
        while self._waiting and len(self._running) < self._parallel:
            one, now = self._waiting.popleft(), self._clock()
            self._running[one.call.id] = Running(
                call=one.call, written=one.written, begun=now, due=now + self._tool_seconds
            )
            self.begun_ids.add(one.call.id)
            events.append(self._started(one.call))
            self._queue.run_tool(one.call.id, one.job)
        return events

    def _started(self, call: ToolCall) -> CallStarted:
        return CallStarted(call, self._provider(call.name))

    def _end(self, running: Running, outcome: ToolOutcome) -> CallFinished:
        seconds_waited, seconds_run = running.begun - running.written, self._clock() - running.begun
        return self._finish(CallFinished(running.call, outcome, seconds_waited, seconds_run))

    def _finish(self, done: CallFinished) -> CallFinished:
        self.finished[done.call.id] = done
        return done

"""The calls of a run: checked, begun while the model still writes, each with one result.

`RunCalls` lives as long as the run (ids stay unique, repetition is noticed); `RoundCalls` are those
of one round, in the order in which the model wrote them.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from strategies.agent.interface.events import CallFinished, Event, ToolCall
from strategies.agent.interface.ports import Toolbox, ToolOutcome
from strategies.agent.prompt.wording import Wording
from strategies.agent.streaming.round_queue import Item, RoundQueue, ToolDone
from strategies.agent.tools.approval import Approvals
from strategies.agent.tools.executor import ToolExecutor
from strategies.agent.tools.repetition import NoProgress, Progress, Repetition, Stuck
from strategies.agent.tools.validation import Ready, Rejected, failure, validated
from strategies.protocols.base import BrokenCall, Call


class RunCalls:
    """What the rounds of a run have in common."""

    def __init__(
        self,
        toolbox: Toolbox,
        wording: Wording,
        *,
        parallel: int,
        tool_seconds: float,
        tools_until: float,
        approvals: Approvals,
    ) -> None:
        """Take how many may run at once, the seconds for each, and the moment when all must end."""
        self.toolbox = toolbox
        self.wording = wording
        self.tools_until = tools_until
        self.approvals = approvals
        self._taken_ids: set[str] = set()
        self._repetition = Repetition()
        self.stuck = False
        """Whether the model repeats a call although it was told that it gets nowhere."""
        self._parallel = parallel
        self._tool_seconds = tool_seconds

    def open_round(self, queue: RoundQueue) -> "RoundCalls":
        """Make ready for the calls of one reply."""
        executor = ToolExecutor(
            queue,
            self.toolbox.provider,
            parallel=self._parallel,
            tool_seconds=self._tool_seconds,
        )
        return RoundCalls(self, queue, executor)

    @property
    def in_time(self) -> bool:
        """Whether tools may still run."""
        return time.monotonic() < self.tools_until

    def checked(self, written: Call | BrokenCall) -> Ready | Rejected:
        """Give a call an id of its own and hold it against the tool that it calls."""
        return validated(written, self.toolbox, self._taken_ids, self.wording)

    def judge_repetition(self, ready: Ready) -> ToolOutcome | None:
        """Return what a call gets that brings nothing new; None when it is to run."""
        match self._repetition.seen(ready.call.name, ready.arguments):
            case Progress():
                return None
            case NoProgress(result, times):
                self._repetition = self._repetition.hinted()
                hint = self.wording.no_progress.format(times=times)
                return ToolOutcome(text=f"{result}\n\n{hint}", remark=hint)
            case Stuck():
                self.stuck = True
                return failure(self.wording.stuck)

    def note_result(self, ready: Ready, outcome: ToolOutcome) -> None:
        """Remember what a call that was run has brought."""
        name, arguments = ready.call.name, ready.arguments
        self._repetition = self._repetition.after(name, arguments, outcome.text)

    def note_rejected(self, last: Rejected) -> None:
        """Remember that a round brought nothing but a call that must not run, as it was written."""
        name, arguments = last.call.name, last.call.arguments
        self._repetition = self._repetition.after(name, arguments, last.outcome.text)
        self.stuck = self.stuck or self._repetition.seen(name, arguments) != Progress()

    def timed_out(self) -> ToolOutcome:
        """Make the outcome of a call that took too long."""
        seconds = f"{self._tool_seconds:g}"
        return failure(self.wording.tool_timed_out.format(seconds=seconds))


class RoundCalls:
    """The calls of one round."""

    def __init__(self, run: RunCalls, queue: RoundQueue, executor: ToolExecutor) -> None:
        self._run = run
        self._queue = queue
        self._executor = executor
        self._accepted: list[Ready] = []
        """The calls that were to run, as soon as there was a place for them."""
        self._rejected: list[Rejected] = []
        self._made: list[tuple[int, ToolCall]] = []
        self.held: list[ToolCall] = []
        """The calls that the reader must approve first, with the arguments they would run with."""

    @property
    def made(self) -> tuple[ToolCall, ...]:
        """The calls in the order in which the model wrote them."""
        return tuple(call for _, call in sorted(self._made, key=lambda entry: entry[0]))

    @property
    def results(self) -> tuple[CallFinished, ...]:
        """One result per call, in the order of the calls."""
        return tuple(self._executor.finished[call.id] for call in self.made)

    @property
    def ran_ids(self) -> frozenset[str]:
        """See `ToolExecutor.begun_ids`."""
        return frozenset(self._executor.begun_ids)

    @property
    def next_due(self) -> float:
        """The moment at which the next running call is out of time."""
        return self._executor.next_due

    def knows(self, name: str) -> bool:
        """Whether there is a tool of that name."""
        return name in self._run.toolbox.known

    def begin(self, written: Call | BrokenCall) -> list[Event]:
        """Check a call and run it, now or as soon as a place is free; or refuse it."""
        checked = self._run.checked(written)
        self._made.append((written.position, checked.call))
        if not isinstance(checked, Ready):
            self._rejected.append(checked)
            return self._executor.settle(checked.call, checked.outcome)
        if refusal := self._refusal(checked):
            return self._executor.settle(checked.call, refusal)
        return self._start(checked)

    def begin_approved(self, call: ToolCall) -> list[Event]:
        """Run a call with the very arguments that the reader has approved."""
        written = Call(name=call.name, arguments=call.arguments, id=call.id, raw=call.raw)
        checked = self._run.checked(written)
        self._made.append((len(self._made), checked.call))
        if not isinstance(checked, Ready):  # the tool is gone, or takes other arguments now
            return self._executor.settle(checked.call, checked.outcome)
        return self._start(Ready(checked.call, call.arguments))

    def _start(self, ready: Ready) -> list[Event]:
        self._accepted.append(ready)
        job = partial(self._run.toolbox.call, ready.call.name, ready.arguments)
        return self._executor.begin(ready.call, job)

    def take(self, item: Item) -> list[Event]:
        """Take a tool's outcome; whatever else comes is not for tools."""
        if isinstance(item, ToolDone):
            return self._executor.came_back(item.call_id, item.outcome)
        return []

    def give_up_overdue(self) -> list[Event]:
        """Give the calls that took too long their result, and their places to others."""
        return self._executor.give_up_overdue(self._run.timed_out)

    def finish(self) -> Iterator[Event]:
        """Wait for every call's result, as long as there is time."""
        run = self._run
        while self._executor.busy:
            moment = min(run.tools_until, self.next_due)
            for item in self._queue.wait(moment - time.monotonic()):
                yield from self.take(item)
            yield from self.give_up_overdue()
            if not run.in_time:
                stopped = failure(run.wording.stopped)
                not_started = failure(run.wording.not_started)
                yield from self._executor.give_up_all(stopped, not_started)
        for ready in self._accepted:
            if ready.call.id in self._executor.begun_ids:
                run.note_result(ready, self._executor.finished[ready.call.id].outcome)
        if self._rejected and not self._accepted:
            run.note_rejected(self._rejected[-1])

    def _refusal(self, ready: Ready) -> ToolOutcome | None:
        """Return what a call gets instead of running; None when it is to run."""
        run = self._run
        if not run.in_time:
            return failure(run.wording.not_started)
        if run.approvals.asks(ready.call.name):
            self.held.append(replace(ready.call, arguments=ready.arguments))
            asked = run.approvals.can_ask
            sentence = run.wording.held if asked else run.wording.nobody_to_ask
            told = sentence.format(name=ready.call.name)
            return ToolOutcome(text=told, error=told)  # no remark: the user is to learn of it
        return run.judge_repetition(ready)

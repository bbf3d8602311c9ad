"""The run of an agent: rounds of asking the model and running its calls, until it answers.

`Run.events` is a synchronous generator of everything that happens. A round asks the model, starts
each tool as soon as its call is complete, waits for the results and returns the next step as a
value. This file knows no Dify, no protocol and no provider: those come in as ports and a dialect.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from strategies.agent.conversation import Conversation, RoundRecord
from strategies.agent.crew import Crew
from strategies.agent.cutting import cut
from strategies.agent.dialects import Dialect
from strategies.agent.errors import ModelFailure, classify
from strategies.agent.events import (
    CallFinished,
    Event,
    PlannedCall,
    ReasoningShown,
    RoundFinished,
    RoundStarted,
    RunFailed,
    RunFinished,
    StopReason,
    TextShown,
    ThoughtFinished,
    ThoughtStarted,
)
from strategies.agent.fitting import Fitting
from strategies.agent.inbox import Ended, Failed, Inbox, Item, Received, ToolDone
from strategies.agent.planning import Ready, failure, plan
from strategies.agent.ports import Model, ModelRequest, Toolbox, ToolOutcome, Usage
from strategies.agent.reading import Reading
from strategies.agent.recovery import (
    DropMedia,
    DropNativeTools,
    GiveUp,
    Recovery,
    Remedy,
    ShrinkWindow,
    SwitchModel,
    Wait,
)
from strategies.agent.repeats import Again as AgainCalled
from strategies.agent.repeats import First, Repeats
from strategies.agent.repeats import Refused as RefusedRepeat
from strategies.agent.wording import Wording
from strategies.protocols.base import BrokenCall, Call, Reasoning, Text
from strategies.protocols.base import Event as ParserEvent

# After so many pieces of a reply other runs get their turn: some 5 ms of work.
_PIECES_AT_A_TIME = 256
# Characters of a result that any model may see: more than the wire takes in one request anyway,
# and few enough to be counted in some 20 ms.
_RESULT_LENGTH = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may spend."""

    rounds: int = 10
    """Model calls."""
    parallel_tools: int = 4
    seconds: float = 540.0
    """The whole run."""
    tool_seconds: float = 120.0
    """One tool call."""

    @property
    def answer_seconds(self) -> float:
        """What is kept back of the run's time for the closing answer."""
        return min(60.0, self.seconds / 4)


@dataclass(frozen=True, slots=True)
class Again:
    """The model needs another round."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The run is over; the reader has seen the answer as it came."""

    answer: str
    reason: StopReason


@dataclass(frozen=True, slots=True)
class Composed:
    """The run is over; the engine made the answer itself, so it is still to be shown."""

    answer: str
    reason: StopReason


@dataclass(frozen=True, slots=True)
class Broken:
    """The run is over, without an answer."""

    sentence: str
    reason: StopReason


type Step = Again | Answered | Composed | Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """A model and the way to speak with it."""

    model: Model
    dialect: Dialect
    fitting: Fitting


class Round:
    """What a round works with: its inbox, its crew and its calls in the order of the model."""

    def __init__(self, number: int, closing: StopReason | None, inbox: Inbox, crew: Crew) -> None:
        self.number = number
        self.closing: StopReason | None = closing
        """Why this is the last round, in which no tool can be called; None when it is not."""
        self.inbox = inbox
        self.crew = crew
        self._calls: list[tuple[int, PlannedCall]] = []
        self.executed: list[Ready] = []
        """The calls that were run for real."""

    def add(self, position: int, call: PlannedCall) -> None:
        """Note a call at the place where the model wrote it."""
        self._calls.append((position, call))

    def run(self, ready: Ready) -> None:
        """Note that a call is run for real."""
        self.executed.append(ready)

    @property
    def calls(self) -> tuple[PlannedCall, ...]:
        """The calls in the order in which the model wrote them."""
        return tuple(call for _, call in sorted(self._calls, key=lambda entry: entry[0]))

    @property
    def results(self) -> tuple[CallFinished, ...]:
        """One result per call, in the order of the calls."""
        return tuple(self.crew.finished[call.id] for call in self.calls)


class Run:
    """One run of the agent. Made anew for every run; nothing outlives it."""

    def __init__(
        self,
        conversation: Conversation,
        speaker: Speaker,
        toolbox: Toolbox,
        wording: Wording,
        limits: Limits,
        *,
        fallback: Speaker | None = None,
        text_dialect: Dialect | None = None,
        answer_on_error: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._conversation = conversation
        self._speaker = speaker
        self._fallback = fallback
        self._text_dialect = text_dialect
        """For a provider that turns out to refuse native tools."""
        self._answer_on_error = answer_on_error
        """Whether a run that cannot go on ends with what is known, instead of an error."""
        self._recovery = Recovery(has_fallback=fallback is not None)
        self._repeats = Repeats()
        self._toolbox = toolbox
        self._wording = wording
        self._limits = limits
        self._clock = clock
        self._deadline = clock() + limits.seconds
        self._tools_until = self._deadline - limits.answer_seconds
        self._rounds_played = 0
        self._usage = Usage()
        self._taken_ids: set[str] = set()
        self._reminded = False
        self._told_to_answer: StopReason | None = None

    def events(self) -> Iterator[Event]:
        """Play rounds until the run is over; the last event is RunFinished or RunFailed."""
        step: Step = Again()
        while isinstance(step, Again):
            step = yield from self._play_round()
        match step:
            case Answered(answer, reason):
                yield RunFinished(answer, reason, self._usage)
            case Composed(answer, reason):
                yield TextShown(answer)
                yield RunFinished(answer, reason, self._usage)
            case Broken(sentence, reason) if self._answer_on_error:
                answer = "\n\n".join([sentence, *self._results_so_far()])
                yield TextShown(answer)
                yield RunFinished(answer, reason, self._usage)
            case Broken(sentence, reason):
                yield RunFailed(sentence, reason, self._usage)

    def _play_round(self) -> Generator[Event, None, Step]:
        """Ask the model, run its calls, and say what comes next."""
        this = self._open_round()
        yield RoundStarted(this.number)
        reply = yield from self._ask(this)
        yield from self._finish_calls(this)
        yield RoundFinished(this.number, reply.visible, this.results, reply.usage, reply.error)
        return self._next_step(this, reply)

    def _open_round(self) -> Round:
        self._rounds_played += 1
        inbox = Inbox()
        crew = Crew(
            inbox,
            self._toolbox.provider,
            parallel=self._limits.parallel_tools,
            tool_seconds=self._limits.tool_seconds,
            clock=self._clock,
        )
        return Round(self._rounds_played, self._reason_to_close(), inbox, crew)

    def _reason_to_close(self) -> StopReason | None:
        if self._told_to_answer:
            return self._told_to_answer
        if self._clock() >= self._tools_until:
            return "time_limit"
        if self._rounds_played == self._limits.rounds > 1:
            return "iteration_limit"
        return None

    # -- asking the model -----------------------------------------------------------------------

    def _ask(self, this: Round) -> Generator[Event, None, Reading]:
        """Ask the model, again where a failure can be cured and nothing has been shown."""
        self._recovery.asked()
        while True:
            reading = yield from self._ask_once(this)
            self._usage += reading.usage
            self._speaker.fitting.learn(reading.usage)
            if reading.failure is None or reading.began:
                return reading
            remedy = self._recovery.remedy(reading.failure, self._tools_until - self._clock())
            if isinstance(remedy, GiveUp):
                return reading
            self._apply(remedy)

    def _ask_once(self, this: Round) -> Generator[Event, None, Reading]:
        """Ask the model and show its reply as it comes; tools start while it is still coming."""
        speaker = self._speaker
        yield ThoughtStarted(speaker.model.name, speaker.model.provider)
        reading = Reading(speaker.dialect.parser(self._toolbox.specs))
        this.inbox.read_model(speaker.model.stream(self._request(this)))
        while not reading.over:
            items = this.inbox.wait(self._seconds_until(self._deadline, this))
            # Taken whole before anything is shown, so that showing never delays a tool.
            yield from _joined(list(self._take_all(items, this, reading)))
            yield from this.crew.give_up_overdue(self._timed_out)
            if not reading.over and self._clock() >= self._deadline:
                yield from self._react_all(reading.break_off(self._out_of_time()), this)
        yield ThoughtFinished(
            text=reading.visible,
            reasoning=reading.reasoning,
            calls=this.calls,
            usage=reading.usage,
            error=reading.error,
            files=tuple(reading.files),
        )
        return reading

    def _apply(self, remedy: Remedy) -> None:
        match remedy:
            case Wait(seconds):
                time.sleep(seconds)
            case SwitchModel() if self._fallback:
                self._speaker = self._fallback
            case DropNativeTools() if self._text_dialect:
                self._speaker = replace(self._speaker, dialect=self._text_dialect)
            case DropMedia():
                self._conversation = self._conversation.without_media()
            case ShrinkWindow():
                self._speaker.fitting.narrow()
            case _:
                pass

    def _request(self, this: Round) -> ModelRequest:
        dialect, fitting = self._speaker.dialect, self._speaker.fitting
        if this.closing:
            write = partial(dialect.closing_request, wording=self._wording)
            return fitting.fitted(self._conversation, "closing", write)
        write = partial(dialect.request, tools=self._toolbox.specs)
        return fitting.fitted(self._conversation, "open", write)

    def _take_all(self, items: list[Item], this: Round, reading: Reading) -> Iterator[Event]:
        for count, item in enumerate(items, start=1):
            yield from self._take(item, this, reading)
            if count % _PIECES_AT_A_TIME == 0:
                time.sleep(0)

    def _take(self, item: Item, this: Round, reading: Reading) -> Iterable[Event]:
        match item:
            case Received(delta):
                return self._react_all(reading.take(delta), this)
            case Ended():
                return self._react_all(reading.close(), this)
            case Failed(error):
                return self._react_all(reading.break_off(classify(error)), this)
            case ToolDone(call_id, outcome):
                return this.crew.came_back(call_id, outcome)

    def _react_all(self, parsed: Iterable[ParserEvent], this: Round) -> list[Event]:
        return [event for one in parsed for event in self._react(one, this)]

    def _react(self, parsed: ParserEvent, this: Round) -> list[Event]:
        match parsed:
            case Text(text):
                return [TextShown(text)]
            case Reasoning(text):
                return [ReasoningShown(text)]
            case Call() | BrokenCall():
                # In the closing round no tool was offered: a call written all the same is void.
                return [] if this.closing else self._begin(parsed, this)
            case _:
                return []

    # -- running the calls ----------------------------------------------------------------------

    def _begin(self, written: Call | BrokenCall, this: Round) -> list[Event]:
        planned = plan(written, self._toolbox.specs, self._taken_ids, self._wording)
        this.add(written.position, planned.call)
        if not isinstance(planned, Ready):
            return this.crew.settle(planned.call, planned.outcome)
        refusal = self._refusal(planned)
        if refusal is not None:
            return this.crew.settle(planned.call, refusal)
        this.run(planned)
        job = partial(self._toolbox.call, planned.call.name, planned.arguments)
        return this.crew.begin(planned.call, job)

    def _refusal(self, planned: Ready) -> ToolOutcome | None:
        """Return what a call gets instead of running; None when it is to run."""
        if self._clock() >= self._tools_until:
            return failure(self._wording.not_started)
        name, arguments = planned.call.name, planned.arguments
        match self._repeats.seen(name, arguments):
            case First():
                return None
            case AgainCalled(result):
                self._repeats = self._repeats.repeated(name, arguments)
                return ToolOutcome(text=f"{self._wording.repeated}\n{result}")
            case RefusedRepeat():
                self._told_to_answer = "repeated_calls"
                return failure(self._wording.refused_repeat)

    def _finish_calls(self, this: Round) -> Iterator[Event]:
        """Wait for every call's result, as long as there is time."""
        while this.crew.busy:
            for item in this.inbox.wait(self._seconds_until(self._tools_until, this)):
                if isinstance(item, ToolDone):
                    yield from this.crew.came_back(item.call_id, item.outcome)
            yield from this.crew.give_up_overdue(self._timed_out)
            if self._clock() >= self._tools_until:
                not_started = failure(self._wording.not_started)
                yield from this.crew.give_up_all(self._timed_out(), not_started)
        for ready in this.executed:
            outcome = this.crew.finished[ready.call.id].outcome
            self._repeats = self._repeats.ran(
                ready.call.name, ready.arguments, outcome.text, failed=bool(outcome.error)
            )

    def _seconds_until(self, moment: float, this: Round) -> float:
        return min(moment, this.crew.next_due) - self._clock()

    def _timed_out(self) -> ToolOutcome:
        seconds = f"{self._limits.tool_seconds:g}"
        return failure(self._wording.tool_timed_out.format(seconds=seconds))

    # -- what comes next ------------------------------------------------------------------------

    def _next_step(self, this: Round, reply: Reading) -> Step:
        if this.calls:
            return self._after_calls(this, reply)
        if reply.failure is not None:
            return self._after_failure(reply, reply.failure)
        if reply.visible.strip() and not self._should_mend(this, reply):
            return Answered(reply.visible, this.closing or "answered")
        return self._after_no_answer(this, reply)

    def _after_failure(self, reply: Reading, failure: ModelFailure) -> Step:
        if self._clock() < self._deadline:
            return Broken(failure.message, "error")
        if reply.visible.strip():
            return Answered(reply.visible, "time_limit")
        return Broken(failure.message, "time_limit")

    def _after_calls(self, this: Round, reply: Reading) -> Step:
        self._record(this, reply)
        if self._limits.rounds > 1:
            return Again()
        return Composed("\n\n".join(done.outcome.text for done in this.results), "iteration_limit")

    def _after_no_answer(self, this: Round, reply: Reading) -> Step:
        """Ask once more, saying what was wrong; then end with what the tools returned."""
        if not self._reminded and not this.closing and self._rounds_played < self._limits.rounds:
            self._reminded = True
            self._record(this, reply, remark=self._remark(reply))
            return Again()
        results = self._results_so_far()
        if not results:
            return Broken(self._wording.empty_answer, "empty_reply")
        found = "\n\n".join([self._wording.empty_answer_with_results, *results])
        return Composed(found, this.closing or "empty_reply")

    def _results_so_far(self) -> list[str]:
        return [text for record in self._conversation.rounds for text in record.results]

    def _should_mend(self, this: Round, reply: Reading) -> bool:
        """Whether the reply holds a call that could not be read, and the model may mend it."""
        rounds_left = self._rounds_played < self._limits.rounds
        may_ask = rounds_left and not self._reminded and not this.closing
        return bool(reply.format_errors) and may_ask

    def _remark(self, reply: Reading) -> str:
        if not reply.format_errors:
            return self._wording.nudge
        return self._wording.format_error.format(problem=reply.format_errors[0].problem)

    def _record(self, this: Round, reply: Reading, remark: str = "") -> None:
        content = reply.content if this.calls or reply.content else self._wording.placeholder
        self._conversation = self._conversation.with_round(
            RoundRecord(
                content=content,
                visible=reply.visible,
                calls=this.calls,
                results=tuple(cut(done.outcome.text, _RESULT_LENGTH) for done in this.results),
                remark=remark,
            )
        )

    def _out_of_time(self) -> ModelFailure:
        seconds = f"{self._limits.seconds:g}"
        message = self._wording.time_limit.format(seconds=seconds)
        return ModelFailure(kind="unknown", message=message)


def _joined(events: Iterable[Event]) -> Iterator[Event]:
    """Join what stands side by side, so that waiting text leaves in one piece."""
    held: TextShown | ReasoningShown | None = None
    parts: list[str] = []
    for event in events:
        if isinstance(event, TextShown | ReasoningShown) and type(event) is type(held):
            parts.append(event.text)
            continue
        if held is not None:
            yield type(held)("".join(parts))
        held = None
        if isinstance(event, TextShown | ReasoningShown):
            held, parts = event, [event.text]
        else:
            yield event
    if held is not None:
        yield type(held)("".join(parts))

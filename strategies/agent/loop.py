"""The run of an agent: rounds of asking the model and running its calls, until it answers.

`Run.events` is a synchronous generator of everything that happens. A round asks the model, starts
each tool as soon as its call is complete, waits for the results and returns the next step as a
value. This file knows no Dify, no protocol and no provider: those come in as ports and a format.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from strategies.agent.event_queue import Ended, EventQueue, Failed, Item, Received, ToolDone
from strategies.agent.events import (
    AnswerShown,
    Event,
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
from strategies.agent.failures.classify import ModelFailure, classify
from strategies.agent.failures.recovery import (
    DropMedia,
    DropNativeTools,
    GiveUp,
    Recovery,
    Remedy,
    ShrinkWindow,
    SwitchModel,
    Wait,
)
from strategies.agent.outcomes import (
    Again,
    Answered,
    Broken,
    Composed,
    Limits,
    ModelBinding,
    Policy,
    Round,
    Step,
    Streamed,
)
from strategies.agent.ports import ModelRequest, Toolbox, ToolOutcome, Usage
from strategies.agent.prompt.conversation import Conversation, RoundRecord
from strategies.agent.prompt.formats import PromptFormat
from strategies.agent.prompt.truncation import cut
from strategies.agent.prompt.wording import Wording
from strategies.agent.reply import Reading
from strategies.agent.schema.answer import AnswerShape, Shaped
from strategies.agent.tools.executor import ToolExecutor
from strategies.agent.tools.repetition import Again as AgainCalled
from strategies.agent.tools.repetition import First, Repeats
from strategies.agent.tools.repetition import Refused as RefusedRepeat
from strategies.agent.tools.validation import Ready, failure, plan
from strategies.agent.yielding import give_way
from strategies.protocols.base import BrokenCall, Call, Reasoning, ReplyEvent, Text

type Fault = Literal["unreadable", "empty", "misshapen"]
"""What can be wrong with a reply that its model may do over."""

# After so many pieces of a reply other runs get their turn: some 5 ms of work.
_PIECES_AT_A_TIME = 256
# Characters of a result that any model may see: more than the wire takes in one request anyway,
# and few enough to be counted in some 20 ms.
_RESULT_LENGTH = 500_000


class Run:
    """One run of the agent. Made anew for every run; nothing outlives it."""

    def __init__(
        self,
        conversation: Conversation,
        binding: ModelBinding,
        toolbox: Toolbox,
        wording: Wording,
        limits: Limits,
        *,
        fallback: ModelBinding | None = None,
        text_format: PromptFormat | None = None,
        policy: Policy | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._conversation = conversation
        self._binding = binding
        self._fallback = fallback
        self._text_format = text_format
        """For a provider that turns out to refuse native tools."""
        self._policy = policy or Policy()
        self._recovery = Recovery(has_fallback=fallback is not None)
        self._repeats = Repeats()
        self._toolbox = toolbox
        self._wording = wording
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._deadline = clock() + limits.seconds
        self._tools_until = self._deadline - limits.answer_seconds
        self._text_due = float("-inf")
        self._rounds_played = 0
        self._usage = Usage()
        self._taken_ids: set[str] = set()
        self._reminded_of: set[Fault] = set()
        self._told_to_answer: StopReason | None = None

    def events(self) -> Iterator[Event]:
        """Play rounds until the run is over; the last event is RunFinished or RunFailed."""
        step: Step = Again()
        while isinstance(step, Again):
            step = yield from self._play_round()
        match step:
            case Streamed(answer, reason):
                yield RunFinished(answer, reason, self._usage)
            case Answered(answer, reason):
                yield AnswerShown(answer)
                yield RunFinished(answer, reason, self._usage)
            case Composed(answer, reason, structured, error, before):
                yield TextShown(answer)
                yield AnswerShown(before + answer)
                yield RunFinished(answer, reason, self._usage, structured, error)
            case Broken(sentence, reason):
                yield RunFailed(sentence, reason, self._usage)

    def _play_round(self) -> Generator[Event, None, Step]:
        """Ask the model, run its calls, and say what comes next."""
        this = self._open_round()
        yield RoundStarted(this.number)
        reply = yield from self._ask(this)
        yield from self._finish_calls(this)
        yield RoundFinished(this.number, reply.visible, this.results, reply.usage, reply.error)
        step = self._next_step(this, reply)
        if isinstance(step, Broken) and self._policy.answer_on_error:
            return self._with_what_is_known(step, this, reply)
        return step

    def _with_what_is_known(self, broken: Broken, this: Round, reply: Reading) -> Step:
        """End with what the reader has seen of the reply, what failed and what the tools found."""
        said = _paragraphs([broken.sentence, *self._results_so_far()])
        seen = "" if self._policy.shape else reply.visible.strip()
        before = "" if not seen else "\n\n" if self._certain(this) else f"{seen}\n\n"
        return Composed(said, broken.reason, error=broken.sentence, before=before)

    def _open_round(self) -> Round:
        self._rounds_played += 1
        queue = EventQueue()
        executor = ToolExecutor(
            queue,
            self._toolbox.provider,
            parallel=self._limits.parallel_tools,
            tool_seconds=self._limits.tool_seconds,
            clock=self._clock,
        )
        return Round(self._rounds_played, self._reason_to_close(), queue, executor)

    def _reason_to_close(self) -> StopReason | None:
        if self._told_to_answer:
            return self._told_to_answer
        if self._clock() >= self._tools_until:
            return "time_limit"
        if self._rounds_played >= self._limits.rounds > 1:
            return "iteration_limit"
        return None

    # -- asking the model -----------------------------------------------------------------------

    def _ask(self, this: Round) -> Generator[Event, None, Reading]:
        """Ask the model, again where a failure can be cured and nothing has been shown."""
        self._recovery.asked()
        while True:
            request = self._request(this)
            reading = yield from self._ask_once(this, request)
            self._usage += reading.usage
            self._binding.window.learn(reading.usage)
            if reading.failure is None or self._is_out(reading):
                return reading
            time_left = self._seconds_to_answer(this)
            remedy = (
                self._recovery.remedy(reading.failure, time_left, offers_tools=bool(request.tools))
                if time_left > 0
                else GiveUp()
            )
            if isinstance(remedy, GiveUp):
                return reading
            self._apply(remedy, reading.failure)

    def _is_out(self, reading: Reading) -> bool:
        """Whether anything of a reply has left: then no other reply can take its place."""
        if reading.visible and not self._policy.shape:
            return True
        if reading.reasoning and self._policy.shows_reasoning:
            return True
        return bool(reading.calls or reading.files)

    def _seconds_to_answer(self, this: Round) -> float:
        """Say how long a round may take to begin its reply; an open one leaves time for the end."""
        return (self._deadline if this.closing else self._tools_until) - self._clock()

    def _ask_once(self, this: Round, request: ModelRequest) -> Generator[Event, None, Reading]:
        """Ask the model and show its reply as it comes; tools start while it is still coming."""
        binding = self._binding
        yield ThoughtStarted(binding.model.name, binding.model.provider)
        reading = Reading(binding.format.parser(self._toolbox.specs, self._conversation))
        this.queue.read_model(binding.model.stream(request))
        while not reading.over:
            items = self._gathered(this.queue.wait(self._seconds_until(self._deadline, this)), this)
            # Taken whole before anything is shown, so that showing never delays a tool.
            yield from self._shown(list(self._take_all(items, this, reading)), this)
            yield from this.executor.give_up_overdue(self._timed_out)
            if not reading.over and self._clock() >= self._deadline:
                this.queue.leave_model()
                yield from self._react_all(reading.break_off(self._out_of_time()), this)
        yield ThoughtFinished(
            text=reading.visible,
            reasoning=reading.reasoning,
            calls=this.calls,
            usage=reading.usage,
            error=reading.error,
            files=tuple(reading.files),
            left_out=request.left_out,
        )
        return reading

    def _gathered(self, items: list[Item], this: Round) -> list[Item]:
        """Let text wait until the next may leave, so that it leaves with all that came meanwhile.

        A call, a result or the end of the reply is never kept waiting.
        """
        wait = self._text_due - self._clock()
        only_text = all(isinstance(item, Received) and not item.delta.calls for item in items)
        if not items or not only_text or wait <= 0:
            return items
        self._sleep(wait)
        return items + this.queue.wait(0)

    def _shown(self, events: list[Event], this: Round) -> Iterator[Event]:
        """Join text that waits; say of text that it is the answer as soon as that is certain."""
        for event in _joined(events):
            yield event
            if isinstance(event, TextShown | ReasoningShown):
                # What left late does not hold up the next: two may leave within one pause.
                self._text_due = max(self._text_due + self._limits.text_pause, self._clock())
            if isinstance(event, TextShown) and self._certain(this):
                yield AnswerShown(event.text)

    def _certain(self, this: Round) -> bool:
        """Whether whatever the model says in this round is the answer."""
        return this.closing is not None or not self._toolbox.specs

    def _apply(self, remedy: Remedy, failure: ModelFailure) -> None:
        match remedy:
            case Wait(seconds):
                self._sleep(seconds)
            case SwitchModel() if self._fallback:
                self._binding = self._fallback
            case DropNativeTools() if self._text_format:
                self._binding = replace(self._binding, format=self._text_format)
                self._binding.window.forget()
            case DropMedia():
                self._conversation = self._conversation.without_media()
            case ShrinkWindow():
                self._binding.window.narrow(failure.context_size)
            case _:
                pass

    def _request(self, this: Round) -> ModelRequest:
        prompt, window = self._binding.format, self._binding.window
        if this.closing:
            write = partial(prompt.closing_request, wording=self._wording)
            return window.fitted(self._conversation, "closing", write)
        write = partial(prompt.request, tools=self._toolbox.specs)
        return window.fitted(self._conversation, "open", write)

    def _take_all(self, items: list[Item], this: Round, reading: Reading) -> Iterator[Event]:
        for count, item in enumerate(items, start=1):
            yield from self._take(item, this, reading)
            if count % _PIECES_AT_A_TIME == 0:
                give_way()

    def _take(self, item: Item, this: Round, reading: Reading) -> Iterable[Event]:
        match item:
            case Received(delta):
                return self._react_all(reading.take(delta), this)
            case Ended():
                return self._react_all(reading.close(), this)
            case Failed(error):
                return self._react_all(reading.break_off(classify(error)), this)
            case ToolDone(call_id, outcome):
                return this.executor.came_back(call_id, outcome)

    def _react_all(self, parsed: Iterable[ReplyEvent], this: Round) -> list[Event]:
        return [event for one in parsed for event in self._react(one, this)]

    def _react(self, parsed: ReplyEvent, this: Round) -> list[Event]:
        match parsed:
            case Text(text):
                # A reply that is to be JSON of some shape is checked before it is shown.
                return [] if self._policy.shape else [TextShown(text)]
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
            return this.executor.settle(planned.call, planned.outcome)
        refusal = self._refusal(planned)
        if refusal is not None:
            return this.executor.settle(planned.call, refusal)
        this.executed.append(planned)
        job = partial(self._toolbox.call, planned.call.name, planned.arguments)
        return this.executor.begin(planned.call, job)

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
        while this.executor.busy:
            for item in this.queue.wait(self._seconds_until(self._tools_until, this)):
                if isinstance(item, ToolDone):
                    yield from this.executor.came_back(item.call_id, item.outcome)
            yield from this.executor.give_up_overdue(self._timed_out)
            if self._clock() >= self._tools_until:
                not_started = failure(self._wording.not_started)
                stopped = failure(self._wording.stopped)
                yield from this.executor.give_up_all(stopped, not_started)
        for ready in this.executed:
            outcome = this.executor.finished[ready.call.id].outcome
            self._repeats = self._repeats.ran(
                ready.call.name, ready.arguments, outcome.text, failed=bool(outcome.error)
            )

    def _seconds_until(self, moment: float, this: Round) -> float:
        return min(moment, this.executor.next_due) - self._clock()

    def _timed_out(self) -> ToolOutcome:
        seconds = f"{self._limits.tool_seconds:g}"
        return failure(self._wording.tool_timed_out.format(seconds=seconds))

    # -- what comes next ------------------------------------------------------------------------

    def _next_step(self, this: Round, reply: Reading) -> Step:
        if this.calls:
            return self._after_calls(this, reply)
        if reply.failure is not None:
            return self._after_failure(this, reply, reply.failure)
        if reply.format_errors and self._may_write_calls_anew(this):
            problem = reply.format_errors[0].problem
            remark = self._wording.format_error.format(problem=problem)
            return self._ask_to_mend(this, reply, "unreadable", remark, Again())
        # A picture without a word is an answer, too.
        if not reply.visible.strip() and not reply.files:
            otherwise = self._after_no_answer(this)
            return self._ask_to_mend(this, reply, "empty", self._wording.nudge, otherwise)
        if self._policy.shape:
            return self._after_shaped_answer(this, reply, self._policy.shape)
        return self._answered(this, reply, this.closing or "answered")

    def _answered(self, this: Round, reply: Reading, reason: StopReason) -> Step:
        if self._certain(this):
            return Streamed(reply.visible, reason)
        return Answered(reply.visible, reason)

    def _after_failure(self, this: Round, reply: Reading, failure: ModelFailure) -> Step:
        if self._clock() < self._deadline:
            if not this.closing and self._may_still_answer(reply, failure):
                return Again()
            return Broken(failure.message, "error")
        if reply.visible.strip() and not self._policy.shape:
            return self._answered(this, reply, "time_limit")
        return Broken(failure.message, "time_limit")

    def _may_still_answer(self, reply: Reading, failure: ModelFailure) -> bool:
        """Whether the time kept back for the closing answer is to be used for a second try."""
        passing = failure.kind == "transient" and not self._is_out(reply)
        return passing and self._rounds_left and self._clock() >= self._tools_until

    def _after_calls(self, this: Round, reply: Reading) -> Step:
        self._record(this, reply)
        direct = [
            done.outcome
            for done in this.results
            if done.call.name in self._policy.direct_tools and not done.outcome.error
        ]
        if direct:
            return Composed(_answer(direct), "direct_result")
        # Tools brought the run on: the next empty reply is a new one.
        self._reminded_of.discard("empty")
        if self._limits.rounds > 1:
            return Again()
        return Composed(_answer([done.outcome for done in this.results]), "iteration_limit")

    def _may_write_calls_anew(self, this: Round) -> bool:
        """Whether a call that could not be read can still be asked for again."""
        in_time = not this.closing and self._rounds_left
        return in_time and "unreadable" not in self._reminded_of

    @property
    def _rounds_left(self) -> bool:
        return self._rounds_played < self._limits.rounds

    def _ask_to_mend(
        self, this: Round, reply: Reading, fault: Fault, remark: str, otherwise: Step
    ) -> Step:
        """Ask to do a reply over, once in a run for each fault; `otherwise` when it is too late."""
        if fault in self._reminded_of or not self._rounds_left or self._clock() >= self._deadline:
            return otherwise
        self._reminded_of.add(fault)
        self._record(this, reply, remark=remark)
        return Again()

    def _after_no_answer(self, this: Round) -> Step:
        results = self._results_so_far()
        if not results:
            return Broken(self._wording.empty_answer, "empty_reply")
        told = self._wording.empty_answer_with_results if any(results) else ""
        found = _paragraphs([told or self._wording.empty_answer, *results])
        return Composed(found, this.closing or "empty_reply")

    def _after_shaped_answer(self, this: Round, reply: Reading, shape: AnswerShape) -> Step:
        read = shape.read(reply.visible)
        if isinstance(read, Shaped):
            return Composed(read.text, this.closing or "answered", read.value)
        problems = "; ".join(read.problems)
        remark = self._wording.misshapen.format(problems=problems)
        otherwise = Broken(self._wording.no_shape.format(problems=problems), "error")
        return self._ask_to_mend(this, reply, "misshapen", remark, otherwise)

    def _results_so_far(self) -> list[str]:
        return [text for record in self._conversation.rounds for text in record.answers]

    def _record(self, this: Round, reply: Reading, remark: str = "") -> None:
        content = reply.content
        if not this.calls and not content.strip():
            content = self._wording.no_reply  # providers refuse a blank message
        self._conversation = self._conversation.with_round(
            RoundRecord(
                content=content,
                visible=reply.visible,
                calls=this.calls,
                results=tuple(cut(done.outcome.text, _RESULT_LENGTH) for done in this.results),
                answers=tuple(cut(done.outcome.answer, _RESULT_LENGTH) for done in this.results),
                remark=remark,
            )
        )

    def _out_of_time(self) -> ModelFailure:
        seconds = f"{self._limits.seconds:g}"
        message = self._wording.time_limit.format(seconds=seconds)
        return ModelFailure(kind="unknown", message=message)


def _answer(outcomes: Sequence[ToolOutcome]) -> str:
    """Write the results that stand for an answer; of those that brought nothing, one says so."""
    found = _paragraphs(outcome.answer for outcome in outcomes)
    if found or any(outcome.forwarded for outcome in outcomes):
        return found
    return outcomes[0].text


def _paragraphs(texts: Iterable[str]) -> str:
    return "\n\n".join(text for text in texts if text)


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

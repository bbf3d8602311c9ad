"""Tells a run to Dify: events of the engine in, messages of Dify's wire out.

What the reader sees as text is written by `reader_text`, the logs by `log_tree`; what an opened
log holds is chosen here. When a tool fails, the reader sees `✗ CALL name → reason`, and inside it
all that the model was told.
"""

import json
from collections.abc import Iterator, Mapping

from strategies.agent.interface.events import (
    AnswerText,
    AnswerWithdrawn,
    CallFinished,
    CallQueued,
    CallStarted,
    ClosingFinished,
    ClosingStarted,
    Event,
    ModelCallFinished,
    ModelCallStarted,
    Noticed,
    PartEvent,
    PlanFinished,
    PlanStarted,
    ReasoningShown,
    RoundFinished,
    RoundStarted,
    RunFailed,
    RunFinished,
    StepFinished,
    StepHeld,
    StepStarted,
    TextShown,
    ToolCall,
    Within,
    place_of,
)
from strategies.agent.interface.usage import Usage
from strategies.dify.outputs.log_data import capped
from strategies.dify.outputs.log_tree import Label, LogTree, without_blanks
from strategies.dify.outputs.messages import forwarded_messages, prices, totals_message
from strategies.dify.outputs.pacing import DifyMessage
from strategies.dify.outputs.reader_text import ReaderText

_ROUND, _THOUGHT = "round", "thought"

_CUT_OFF = {
    "length": "cut off at the token limit",
    "content_filter": "cut off by the content filter",
}
"""What the log says of a reply that is not all that the model was about to write."""


class Narrator:
    """Tells one run. `messages` is called with every event, in order."""

    def __init__(
        self,
        logs: LogTree | None = None,
        *,
        shows_reasoning: bool = True,
        titles: Mapping[str, str] | None = None,
        place: str = "",
    ) -> None:
        """Take, for a part of a run, the logs of the whole and the part's own one."""
        self._text = ReaderText(shows_reasoning=shows_reasoning)
        """It may leave out the reasoning; the Thought's log never does."""
        self._logs = logs or LogTree()
        self._place = place
        self._round, self._thought = f"{place}{_ROUND}", f"{place}{_THOUGHT}"
        self._parts: dict[str, Narrator] = {}
        """The narrators of the parts of this run."""
        self._titles = titles or {}
        """What the builder calls the tools, by the names that the model knows."""
        self.usage = Usage()
        """What the model calls told so far have cost."""
        self._queued: set[str] = set()
        """Calls that had to wait before they began."""
        self._delayed: list[tuple[CallStarted | CallFinished, float]] = []
        """Calls whose logs wait until the Thought is told, and when each came."""

    def messages(self, event: Event) -> Iterator[DifyMessage]:
        """Write what Dify is to see of an event."""
        match event:
            case RoundStarted(number):
                before = f"ROUND {number}" if number else "APPROVED CALLS"
                yield self._logs.start(self._round, Label(before=before), within=self._place)
            case ModelCallStarted(model, provider):
                label = Label(name=model, behind=" Thought")
                yield self._logs.start(self._thought, label, within=self._round, provider=provider)
            case TextShown(said):
                yield from self._text.show(said)
            case ReasoningShown(said):
                yield from self._text.show_reasoning(said)
            case CallQueued() | CallStarted() | CallFinished():
                yield from self._tell_call(event)
            case ModelCallFinished():
                yield from self._finish_thought(event)
            case RoundFinished():
                self._text.after_round()
                yield self._finish_round(event)
            case Noticed(label, detail):
                yield self._logs.start(f"notice {label}", Label(name=label), within=self._round)
                yield self._logs.finish(f"notice {label}", "", detail)
            case RunFinished(_, reason, usage):
                yield from self._text.end_reasoning()
                yield totals_message(usage, {"stop_reason": reason})
            case RunFailed(sentence, reason, usage):
                yield from self.break_off(sentence)
                yield totals_message(usage, {"stop_reason": reason})
            case AnswerText() | AnswerWithdrawn():
                pass  # It has been shown as text; the outputs tell it apart.
            case _:
                yield from self._tell_part(event)

    def _tell_part(self, event: Within | PartEvent) -> Iterator[DifyMessage]:
        match event:
            case Within(place, inner):
                yield from self._part(place).messages(inner)
            case PlanStarted() | StepStarted() | ClosingStarted():
                yield self._logs.start(place_of(event), _part_label(event))
            case _:
                yield self._finish_part(event)

    def _part(self, place: str) -> "Narrator":
        """Tell a part of the run in its own log; a reader sees only the files that it makes."""
        if place not in self._parts:
            self._parts[place] = Narrator(
                self._logs, shows_reasoning=False, titles=self._titles, place=place
            )
        return self._parts[place]

    def _finish_part(
        self, event: PlanFinished | StepFinished | StepHeld | ClosingFinished
    ) -> DifyMessage:
        part = self._parts.pop(place_of(event), None)
        self.usage += part.usage if part else Usage()
        happened, data = _part_data(event)
        error = "" if isinstance(event, StepHeld) else event.error
        return self._logs.finish(place_of(event), happened, data, error=error, usage=event.usage)

    def break_off(self, error: str) -> Iterator[DifyMessage]:
        """Finish every log that is still open as failed, the innermost first."""
        error = error or "The run was broken off."
        yield from self._text.end_reasoning()
        for part in self._parts.values():
            yield from part.break_off(error)
        if self._thought in self._logs:
            yield self._logs.finish(self._thought, "", {}, error=error)
        yield from self._tell_delayed()
        if not self._place:
            yield from self._logs.fail_all(error)

    def _tell_call(self, event: CallQueued | CallStarted | CallFinished) -> Iterator[DifyMessage]:
        """Tell a call; while the model still speaks, the logs wait until its Thought is told."""
        if isinstance(event, CallFinished):
            for forwarded in event.outcome.forwarded:
                yield from forwarded_messages(forwarded)
        elif event.call.id not in self._queued:
            # Here the reply holds the call; one that waited begins in the middle of a later word.
            self._text.after_call()
        if isinstance(event, CallQueued):
            self._queued.add(event.call.id)
            return
        if self._thought in self._logs:
            self._delayed.append((event, self._logs.clock()))
        else:
            yield self._call_log(event, self._logs.clock())

    def _tell_delayed(self) -> Iterator[DifyMessage]:
        delayed, self._delayed = self._delayed, []
        for call, moment in delayed:
            yield self._call_log(call, moment)

    def _call_log(self, event: CallStarted | CallFinished, moment: float) -> DifyMessage:
        # The model chooses the id of a call, so it may be that of another log.
        key = f"{self._place}call {event.call.id}"
        if isinstance(event, CallStarted):
            label = Label(name=self._title(event.call), before="CALL ")
            return self._logs.start(
                key, label, within=self._round, provider=event.provider, moment=moment
            )
        outcome = event.outcome
        return self._logs.finish(
            key, outcome.text, _call_data(event), error=outcome.error, moment=moment
        )

    def _finish_thought(self, event: ModelCallFinished) -> Iterator[DifyMessage]:
        usage = event.usage
        self.usage += usage
        yield from self._text.end_reasoning()
        for forwarded in event.files:
            yield from forwarded_messages(forwarded)
        data = {
            "cached_tokens": usage.cached_tokens or None,
            "from_memory": event.from_cache or None,
            "left_out": list(event.left_out),
            "output": event.text,
            "reasoning": event.reasoning.strip() and event.reasoning,
            "tool_input": _tool_input(event.calls),
            "tool_name": ";".join(call.name for call in event.calls),
        }
        tokens = _counted(usage.total_tokens, "token") if usage.total_tokens else ""
        cost = "from memory" if event.from_cache else tokens
        error = event.error or _CUT_OFF.get(event.ending, "")
        yield self._logs.finish(self._thought, cost, data, error=error, usage=usage)
        yield from self._tell_delayed()

    def _finish_round(self, event: RoundFinished) -> DifyMessage:
        output = without_blanks(
            {
                "llm_response": event.text,
                "tool_responses": [_in_one_line(done) for done in event.results],
            }
        )
        data = {"output": output, "prices": prices(event.usage)}
        happened = self._happened(event)
        error = event.error or _CUT_OFF.get(event.ending, "")
        return self._logs.finish(self._round, happened, data, error=error, usage=event.usage)

    def _happened(self, event: RoundFinished) -> str:
        """Name the tools that were called, those that failed first: a row is soon full."""
        failed = [done.call for done in event.results if done.outcome.error]
        went_well = [done.call for done in event.results if not done.outcome.error]
        called = [f"✗ {self._title(call)}" for call in failed] + [*map(self._title, went_well)]
        return ", ".join(called) or ("answer" if event.text.strip() else "nothing")

    def _title(self, call: ToolCall) -> str:
        return self._titles.get(call.name, call.name)


def _part_label(event: PlanStarted | StepStarted | ClosingStarted) -> Label:
    match event:
        case PlanStarted(number):
            return Label(before=f"REPLAN {number}" if number else "PLAN")
        case StepStarted(step):
            return Label(before=f"STEP {step.id} ", name=step.task)
        case ClosingStarted():
            return Label(before="ANSWER")


def _part_data(
    event: PlanFinished | StepFinished | StepHeld | ClosingFinished,
) -> tuple[str, dict[str, object]]:
    """Say what came of a part, and choose what its opened log shows."""
    match event:
        case PlanFinished(_, steps):
            told = [f"{step.id}. {step.task}" for step in steps]
            return (_counted(len(steps), "step") if steps else "no steps"), {"steps": told}
        case StepFinished(step, result):
            after, tools = list(step.after), list(step.tools)
            return "", {"after": after, "output": result, "task": step.task, "tools": tools}
        case StepHeld(step):
            return "needs approval", {"task": step.task, "tools": list(step.tools)}
        case ClosingFinished():
            return "", {}


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _tool_input(calls: tuple[ToolCall, ...]) -> str:
    """Write the calls as seed 004 does: one JSON object by name, a list where a name repeats."""
    by_name: object = {call.name: call.arguments for call in calls}
    if len({call.name for call in calls}) < len(calls):
        by_name = [{call.name: call.arguments} for call in calls]
    return _on_one_line(by_name) if calls else ""


def _on_one_line(arguments: object) -> str:
    # Capped before it is text: then names no longer tell what is secret.
    return json.dumps(capped({"arguments": arguments}).get("arguments"), ensure_ascii=False)


def _call_data(done: CallFinished) -> dict[str, object]:
    """Choose what an opened CALL shows; arguments on one line leave room for the result."""
    return {
        "output": {
            "tool_call_id": done.call.id,
            "tool_call_input": _on_one_line(done.call.arguments),
            "tool_call_name": done.call.name,
            "tool_response": done.outcome.text,
        },
        "seconds_run": round(done.seconds_run, 3),
        "seconds_waited": round(done.seconds_waited, 3),
    }


def _in_one_line(done: CallFinished) -> str:
    """Name a result; its text stands in its own log, once."""
    error = done.outcome.error
    return f"✗ {done.call.name}: {error}" if error else done.call.name

"""Tells a run to Dify: events of the engine in, messages of Dify's wire out.

The log tree that a reader sees folded has only labels and times, and no mark of success or failure
(docs/dify.md, "Logs"): so the label of a finish says what happened. `provider`
stands only on the finish of a Thought and a CALL, because each log with it costs Dify 30 ms.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from strategies.agent.events import (
    AnswerShown,
    CallFinished,
    CallStarted,
    Event,
    Noticed,
    PlannedCall,
    ReasoningShown,
    RoundFinished,
    RoundStarted,
    RunFailed,
    RunFinished,
    TextShown,
    ThoughtFinished,
    ThoughtStarted,
)
from strategies.agent.ports import Usage
from strategies.dify.outputs.log_data import capped, one_line
from strategies.dify.outputs.messages import (
    forwarded_messages,
    log_message,
    text_messages,
    totals_message,
)
from strategies.dify.outputs.pacing import DifyMessage

_ADDED_LENGTH = 60
_LABEL_LENGTH = 120
_ERROR_LENGTH = 500
_PARAGRAPH = "\n\n"
_ROUND, _THOUGHT = "round", "thought"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLog:
    """A log that has started and is not finished."""

    id: str
    parent_id: str | None
    label: str
    started_at: float
    """Seconds since the epoch."""
    provider: str = ""


class Narrator:
    """Tells one run. `messages` is called with every event, in order."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        shows_reasoning: bool = True,
        titles: Mapping[str, str] | None = None,
    ) -> None:
        self._shows_reasoning = shows_reasoning
        """Whether the text holds the reasoning; the Thought's log always does."""
        self._titles = titles or {}
        """What the builder calls the tools, by the names that the model knows."""
        self._clock = clock
        self.usage = Usage()
        """What the model calls told so far have cost."""
        self._open: dict[str, OpenLog] = {}
        self._held: list[tuple[CallStarted | CallFinished, float]] = []
        self._said = False
        """Whether the reader has seen anything but blanks."""
        self._last_shown = ""
        self._new_paragraph = False
        """Whether a round has ended since: what comes must not run into what was said."""
        self._thinking = False
        self._blank_reasoning = ""

    def messages(self, event: Event) -> Iterator[DifyMessage]:
        """Write what Dify is to see of an event."""
        match event:
            case RoundStarted(number):
                label = f"ROUND {number}" if number else "APPROVED CALLS"
                yield self._start(_ROUND, label, None)
            case ThoughtStarted(model, provider):
                yield self._start(_THOUGHT, f"{model} Thought", self._round_id(), provider)
            case TextShown(said):
                yield from self._show(said)
            case ReasoningShown(said):
                yield from self._show_reasoning(said)
            case CallStarted() | CallFinished():
                yield from self._tell_call(event)
            case ThoughtFinished():
                yield from self._finish_thought(event)
            case RoundFinished():
                self._new_paragraph = self._said
                yield self._finish_round(event)
            case Noticed(label, detail):
                yield self._start(f"notice {label}", label, self._round_id())
                yield self._finish(f"notice {label}", "", detail)
            case RunFinished(_, reason, usage):
                yield from self._end_reasoning()
                yield totals_message(usage, {"stop_reason": reason})
            case RunFailed(sentence, reason, usage):
                yield from self.break_off(sentence)
                yield totals_message(usage, {"stop_reason": reason})
            case AnswerShown():
                pass  # It has been shown as text; the outputs tell it apart.

    def break_off(self, error: str) -> Iterator[DifyMessage]:
        """Finish every log that is still open as failed, the innermost first."""
        error = error or "The run was broken off."
        yield from self._end_reasoning()
        if _THOUGHT in self._open:
            yield self._finish(_THOUGHT, f"✗ {error}", {"error": error}, error=error)
        yield from self._tell_held()
        for key in reversed(list(self._open)):
            yield self._finish(key, f"✗ {error}", {"error": error}, error=error)

    # -- text -----------------------------------------------------------------------------------

    def _show(self, said: str) -> Iterator[DifyMessage]:
        closed = self._closing_tag()
        if closed:
            # Dify's page makes HTML of the tags: Markdown begins again after an empty line.
            said = f"{closed}{_PARAGRAPH}{said.lstrip('\r\n')}"
        yield from self._say(said)

    def _show_reasoning(self, said: str) -> Iterator[DifyMessage]:
        """Open the reader's think block at the first word: models also think nothing at all."""
        if not self._shows_reasoning:
            return
        if self._thinking:
            yield from self._say(said)
            return
        self._blank_reasoning += said
        if self._blank_reasoning.strip():
            self._thinking = True
            opened, self._blank_reasoning = f"<think>{self._blank_reasoning}", ""
            self._new_paragraph = self._new_paragraph or self._said
            yield from self._say(opened)

    def _end_reasoning(self) -> Iterator[DifyMessage]:
        yield from self._say(self._closing_tag())

    def _closing_tag(self) -> str:
        self._blank_reasoning = ""
        closed = "</think>" if self._thinking else ""
        self._thinking = False
        return closed

    def _say(self, said: str) -> Iterator[DifyMessage]:
        if self._new_paragraph:
            said = said.lstrip("\r\n") if said.strip() else ""
            self._new_paragraph = not said
            said = self._gap() + said if said else ""
        if not said:
            return
        self._said = self._said or bool(said.strip())
        self._last_shown = said
        yield from text_messages(said)

    def _gap(self) -> str:
        if self._last_shown.endswith(_PARAGRAPH):
            return ""
        return "\n" if self._last_shown.endswith("\n") else _PARAGRAPH

    # -- logs -----------------------------------------------------------------------------------

    def _tell_call(self, event: CallStarted | CallFinished) -> Iterator[DifyMessage]:
        """Tell a call; while the model still speaks, the logs wait until its Thought is told."""
        if isinstance(event, CallFinished):
            for forwarded in event.outcome.forwarded:
                yield from forwarded_messages(forwarded)
        if _THOUGHT in self._open:
            self._held.append((event, self._clock()))
        else:
            yield self._call_log(event, self._clock())

    def _call_log(self, event: CallStarted | CallFinished, moment: float) -> DifyMessage:
        call = event.call
        # The model chooses the id of a call, so it may be that of another log.
        key = f"call {call.id}"
        if isinstance(event, CallStarted):
            label = f"CALL {self._title(call)}"
            return self._start(key, label, self._round_id(), event.provider, moment)
        outcome = event.outcome
        seconds = max(moment - self._open[key].started_at, 0.0)
        data = {"output": _call_data(call, outcome.text, outcome.error, seconds)}
        added = f"✗ {outcome.error}" if outcome.error else f"→ {outcome.text}"
        return self._finish(key, added, data, error=outcome.error, moment=moment)

    def _finish_thought(self, event: ThoughtFinished) -> Iterator[DifyMessage]:
        self.usage += event.usage
        yield from self._end_reasoning()
        for forwarded in event.files:
            yield from forwarded_messages(forwarded)
        data = {
            "output": event.text,
            "tool_name": ";".join(call.name for call in event.calls),
            "tool_input": _tool_input(event.calls),
            **({"reasoning": event.reasoning} if event.reasoning.strip() else {}),
            **({"left_out": list(event.left_out)} if event.left_out else {}),
            **({"from_memory": True} if event.remembered else {}),
            **({"error": event.error} if event.error else {}),
        }
        tokens = f"→ {event.usage.total_tokens} tokens" if event.usage.total_tokens else ""
        tokens = "→ from memory" if event.remembered else tokens
        added = f"✗ {event.error}" if event.error else tokens
        yield self._finish(_THOUGHT, added, data, error=event.error, usage=event.usage)
        yield from self._tell_held()

    def _tell_held(self) -> Iterator[DifyMessage]:
        held, self._held = self._held, []
        for call, moment in held:
            yield self._call_log(call, moment)

    def _finish_round(self, event: RoundFinished) -> DifyMessage:
        output = {
            "llm_response": event.text,
            "tool_responses": [_result_reference(done) for done in event.results],
        }
        data = {"output": output, **({"error": event.error} if event.error else {})}
        added = f"✗ {event.error}" if event.error else f"→ {self._happened(event)}"
        return self._finish(_ROUND, added, data, error=event.error, usage=event.usage)

    def _happened(self, event: RoundFinished) -> str:
        if event.results:
            return ", ".join(
                f"{self._title(done.call)} ✗" if done.outcome.error else self._title(done.call)
                for done in event.results
            )
        return "answer" if event.text.strip() else "nothing"

    def _title(self, call: PlannedCall) -> str:
        return self._titles.get(call.name, call.name)

    def _round_id(self) -> str | None:
        round_log = self._open.get(_ROUND)
        return round_log.id if round_log else None

    def _start(
        self,
        key: str,
        label: str,
        parent_id: str | None,
        provider: str = "",
        moment: float | None = None,
    ) -> DifyMessage:
        log = OpenLog(
            id=str(uuid.uuid4()),
            parent_id=parent_id,
            label=one_line(label, _LABEL_LENGTH),
            started_at=self._clock() if moment is None else moment,
            provider=provider,
        )
        self._open[key] = log
        return log_message(
            log_id=log.id,
            parent_id=parent_id,
            label=log.label,
            status="start",
            error=None,
            data={},
            metadata={"started_at": log.started_at},
        )

    def _finish(
        self,
        key: str,
        added: str,
        data: Mapping[str, object],
        *,
        error: str = "",
        usage: Usage | None = None,
        moment: float | None = None,
    ) -> DifyMessage:
        log = self._open.pop(key)
        now = self._clock() if moment is None else moment
        metadata: dict[str, object] = {
            "started_at": log.started_at,
            "finished_at": now,
            "elapsed_time": max(now - log.started_at, 0.0),
        }
        if log.provider:
            metadata["provider"] = log.provider
        if usage is not None:
            metadata["total_tokens"] = usage.total_tokens
            metadata["total_price"] = f"{usage.total_price:f}"
            metadata["currency"] = usage.currency
        return log_message(
            log_id=log.id,
            parent_id=log.parent_id,
            label=f"{log.label} {one_line(added, _ADDED_LENGTH - 1)}" if added else log.label,
            status="error" if error else "success",
            error=one_line(error, _ERROR_LENGTH) or None,
            data=capped(data),
            metadata=metadata,
        )


def _tool_input(calls: tuple[PlannedCall, ...]) -> str:
    """Write the calls as seed 004 does: one JSON object by name, a list where a name repeats."""
    if not calls:
        return ""
    by_name: object = {call.name: call.arguments for call in calls}
    if len({call.name for call in calls}) < len(calls):
        by_name = [{call.name: call.arguments} for call in calls]
    # Capped before it is text: then names no longer tell what is secret.
    return json.dumps(capped({"calls": by_name}).get("calls"), ensure_ascii=False)


def _call_data(call: PlannedCall, result: str, error: str, seconds: float) -> dict[str, object]:
    return {
        "tool_call_id": call.id,
        "tool_call_name": call.name,
        "tool_call_input": call.arguments,
        "tool_response": result,
        "meta": {"time_cost": seconds, "error": error, "tool_config": {}},
    }


def _result_reference(done: CallFinished) -> dict[str, object]:
    """Name a result; its text stands in its own log, once."""
    return {
        "tool_call_id": done.call.id,
        "tool_call_name": done.call.name,
        "meta": {"error": done.outcome.error},
    }

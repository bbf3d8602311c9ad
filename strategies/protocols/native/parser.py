"""Native function calling: calls come as deltas beside the text.

The text goes through a parser of its own, which splits reasoning off and finds calls that leaked
into the text; the deltas are merged. A model that writes a call both ways means it once.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from strategies.protocols.base import (
    BrokenCall,
    Call,
    CallDelta,
    Reasoning,
    ReasoningSoFar,
    ReplyEvent,
    ReplyParser,
    Text,
    ToolSpec,
)
from strategies.protocols.native.merge import CallMerger, call_text


@dataclass(slots=True)
class ReasoningHabit:
    """What a run has learnt of how its model's replies begin."""

    starts_in_reasoning: bool | None = None
    """They begin with reasoning that only a `</think>` ends; None as long as no reply has told."""


class NativeParser:
    """Reads one reply of a model that calls tools natively."""

    def __init__(
        self,
        text: ReplyParser,
        tools: Sequence[ToolSpec] = (),
        habit: ReasoningHabit | None = None,
    ) -> None:
        """Take the parser for the text, and the tools, whose names may come in pieces.

        `habit`: what is known of the model, for this parser to add to. As long as nothing is, calls
        in the text wait for the end of the reply: they may be drafts in reasoning.
        """
        self._text = text
        self._habit = habit or ReasoningHabit(starts_in_reasoning=False)
        self._drafts: list[ReplyEvent] = []
        self._merger = CallMerger(tools)
        self._said = False
        self._leaked: Counter[str] = Counter()
        self._merged: Counter[str] = Counter()

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[ReplyEvent]:
        """Take the next piece of the text and the deltas that came with it."""
        events = self._read(self._text.feed(text)) if text else []
        if deltas:
            events += self._once(self._merger.feed(deltas), self._leaked, self._merged)
        return events

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Return what is left of the text and of the calls."""
        events = self._read(self._text.close(cut_short=cut_short))
        events += self._once(self._drafts, self._merged, self._leaked)
        if self._habit.starts_in_reasoning is None and self._said and not cut_short:
            self._habit.starts_in_reasoning = False
        left = self._merger.close(cut_short=cut_short)
        return events + self._once(left, self._leaked, self._merged)

    def _read(self, events: Iterable[ReplyEvent]) -> list[ReplyEvent]:
        """Keep calls back as long as they may be drafts, and learn how replies begin."""
        certain: list[ReplyEvent] = []
        for event in events:
            self._said = True
            match event:
                case Text():
                    certain.append(event)
                case ReasoningSoFar():
                    self._habit.starts_in_reasoning = True
                    self._drafts.clear()
                    certain.append(event)
                case Reasoning():
                    # A protocol's own kind of thought needs no tags, and tells nothing of them.
                    if type(event) is Reasoning:
                        self._habit.starts_in_reasoning = bool(self._habit.starts_in_reasoning)
                    certain.append(event)
                case _ if self._habit.starts_in_reasoning is None:
                    self._drafts.append(_in_text(event))
                case _:
                    certain += self._once([_in_text(event)], self._merged, self._leaked)
        return certain

    def _once(
        self, events: Iterable[ReplyEvent], other_way: Counter[str], this_way: Counter[str]
    ) -> list[ReplyEvent]:
        """Drop the calls that also came the other way; note the rest."""
        kept: list[ReplyEvent] = []
        for event in events:
            if not isinstance(event, Call):
                kept.append(event)
                continue
            key = call_text(event.name, event.arguments)
            if other_way[key]:
                other_way[key] -= 1
                continue
            this_way[key] += 1
            kept.append(self._placed(event) if this_way is self._leaked else event)
        return kept

    def _placed(self, call: Call) -> Call:
        """Put a call from the text behind the calls that have come so far."""
        return replace(call, position=call.position or self._merger.next_position())


def _in_text(event: ReplyEvent) -> ReplyEvent:
    return replace(event, in_text=True) if isinstance(event, Call | BrokenCall) else event

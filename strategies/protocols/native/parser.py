"""Native function calling: calls come as deltas beside the text.

The text goes through a parser of its own, which splits reasoning off and finds calls that leaked
into the text; the deltas are merged. A model that writes a call both ways means it once.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from strategies.protocols.base import BrokenCall, Call, CallDelta, Event, ReplyParser, ToolSpec
from strategies.protocols.native.merge import CallMerger


class NativeParser:
    """Reads one reply of a model that calls tools natively."""

    def __init__(self, text: ReplyParser, tools: Sequence[ToolSpec] = ()) -> None:
        """Take the parser for the text, and the tools, whose names may come in pieces."""
        self._text = text
        self._merger = CallMerger(frozenset(tool.name for tool in tools))
        self._leaked: Counter[str] = Counter()
        self._merged: Counter[str] = Counter()

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[Event]:
        """Take the next piece of the text and the deltas that came with it."""
        read = _in_text(self._text.feed(text)) if text else []
        events = self._once(read, self._merged, self._leaked)
        if deltas:
            events += self._once(self._merger.feed(deltas), self._leaked, self._merged)
        return events

    def close(self, *, cut_short: bool = False) -> list[Event]:
        """Return what is left of the text and of the calls."""
        read = _in_text(self._text.close(cut_short=cut_short))
        events = self._once(read, self._merged, self._leaked)
        left = self._merger.close(cut_short=cut_short)
        return events + self._once(left, self._leaked, self._merged)

    def _once(
        self, events: Iterable[Event], other_way: Counter[str], this_way: Counter[str]
    ) -> list[Event]:
        """Drop the calls that also came the other way; note the rest."""
        kept: list[Event] = []
        for event in events:
            if not isinstance(event, Call):
                kept.append(event)
                continue
            key = f"{event.name} {json.dumps(event.arguments, sort_keys=True)}"
            if other_way[key]:
                other_way[key] -= 1
                continue
            this_way[key] += 1
            kept.append(self._placed(event) if this_way is self._leaked else event)
        return kept

    def _placed(self, call: Call) -> Call:
        """Put a call from the text behind the calls that have come so far."""
        return replace(call, position=call.position or self._merger.next_position())


def _in_text(events: Iterable[Event]) -> list[Event]:
    return [
        replace(event, in_text=True) if isinstance(event, Call | BrokenCall) else event
        for event in events
    ]

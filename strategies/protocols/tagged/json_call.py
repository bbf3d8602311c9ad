"""Calls written as JSON, inside `<tool_call>` or bare in the text.

A value ends where its brackets balance; markers inside its strings are data. If the model forgot a
closer, the close tag ends the value; if it forgot a quote, everything up to the end looks like one
string, and then the first close tag that stands at the end of a line is taken as the end. In doubt
a block waits for its close tag, otherwise its calls are out as soon as the last bracket is.
"""

import functools
import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from strategies.protocols.base import BrokenCall
from strategies.protocols.json.span import JsonSpan
from strategies.protocols.stream.block import (
    Closed,
    Emit,
    End,
    HandedOver,
    NotABlock,
    Verdict,
)
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.markers import Markers
from strategies.protocols.tagged.calls import CallsRead, read_calls

CLOSE, OPEN = "</tool_call>", "<tool_call>"
_TAGS = Markers((OPEN, CLOSE))
_FORGOTTEN_QUOTE = re.compile(r"</tool_call>(?=\s*(?:\Z|<tool_call>|<function=)|[ \t]*\n)")
_MARKERS = re.compile("[<`]")
"""What markers begin with that may stand inside JSON."""
CUT_PROBLEM = "The reply ended before the call was complete."


@dataclass(slots=True, kw_only=True)
class Wrapping:
    """What stood before the JSON, and what follows from it; nobody changes it."""

    start: int
    """Position after the first marker: text if this is no call after all."""
    body: int
    """Position of the JSON itself."""
    expected: frozenset[str]
    tagged: bool
    """A `<tool_call>` stands around it, not just something that often does."""
    declared: Collection[str] | None
    """The only names that count; None means all."""
    reports: bool


class JsonBlock:
    """Reads one JSON value that may be a call."""

    def __init__(self, wrapping: Wrapping) -> None:
        self._wrapping = wrapping
        self._span = JsonSpan()
        self._value_end: int | None = None
        """Where the brackets balanced, if that alone did not make a call."""

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Read up to the end of the value, or to the tag that ends it."""
        if self._value_end is None and (verdict := self._read_value(cursor, emit, ending)):
            return verdict
        if self._value_end is not None and (verdict := self._read_rest(cursor, emit, ending)):
            return verdict
        return self._end(cursor, emit, ending) if ending else None

    # ---- while the brackets are open

    def _read_value(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        while True:
            tag = _TAGS.find(cursor.text, cursor.at) if self._wrapping.tagged else None
            until = tag.start() if tag else self._settled(cursor, ending)
            filled = self._span.feed(cursor.text, cursor.at, until)
            if filled is not None:
                cursor.at += filled
                return self._balanced(cursor, emit)
            cursor.at = until
            if not tag:
                return None
            if not self._span.in_string:
                return self._at_tag(cursor, emit, tag)
            self._span.feed(tag[0])
            cursor.at = tag.end()

    def _settled(self, cursor: Cursor, ending: End | None) -> int:
        if ending or not self._wrapping.tagged:
            return len(cursor.text)
        return _TAGS.settled(cursor.text, cursor.at)

    def _balanced(self, cursor: Cursor, emit: Emit) -> Verdict | None:
        body = cursor.since(self._wrapping.body)
        if self._names_no_tool(body):
            return NotABlock(
                until=self._wrapping.start if _MARKERS.search(body) else cursor.position
            )
        found = read_calls(body)
        if found.certain or not self._wrapping.tagged:
            return self._settle(cursor, emit, found)
        self._value_end = cursor.position
        return None

    def _names_no_tool(self, body: str) -> bool:
        """Tell without reading it that JSON cannot be a call: replies hold whole documents."""
        declared = None if self._wrapping.tagged else self._wrapping.declared
        return declared is not None and not ("\\" in body or any(one in body for one in declared))

    # ---- after them, when they did not make a call

    def _read_rest(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        tag = _TAGS.find(cursor.text, cursor.at)
        if tag:
            cursor.at = tag.start()
            return self._at_tag(cursor, emit, tag)
        cursor.at = len(cursor.text) if ending else _TAGS.settled(cursor.text, cursor.at)
        return None

    def _at_tag(self, cursor: Cursor, emit: Emit, tag: re.Match[str]) -> Verdict:
        """End the value at a tag that stands outside its strings."""
        body = cursor.since(self._wrapping.body)
        found = read_calls(body)
        forgotten = None if found.certain else _FORGOTTEN_QUOTE.search(body)
        if forgotten:
            return self._cut_at(cursor, emit, forgotten)
        closed = tag[0] == CLOSE
        if closed:
            cursor.at = tag.end()
        return self._settle(cursor, emit, found, closed=closed)

    def _end(self, cursor: Cursor, emit: Emit, ending: End) -> Verdict:
        body = cursor.since(self._wrapping.body)
        forgotten = _FORGOTTEN_QUOTE.search(body) if self._wrapping.tagged else None
        if forgotten:
            return self._cut_at(cursor, emit, forgotten)
        if self._value_end is not None:
            body = cursor.since(self._wrapping.body, self._value_end)
            cursor.back_to(self._value_end)
            return self._settle(cursor, emit, read_calls(body))
        if body.startswith("[") and cursor.can_afford(self._wrapping.body):
            return self._one_by_one(cursor)
        found = read_calls(body)
        if ending.cut_short or (found.bare and self._wrapping.tagged):
            found = _cut(found, body)
        return self._settle(cursor, emit, found)

    def _one_by_one(self, cursor: Cursor) -> Verdict:
        """Read the calls of a list that was never closed: all but the last are whole."""
        cursor.back_to(self._wrapping.body + 1)
        return HandedOver(JsonBlock(replace(self._wrapping, body=cursor.position)))

    def _cut_at(self, cursor: Cursor, emit: Emit, tag: re.Match[str]) -> Verdict:
        body = cursor.since(self._wrapping.body)[: tag.start()]
        after = self._wrapping.body + tag.end()
        if cursor.can_afford(after):
            cursor.back_to(after)
        return self._settle(cursor, emit, read_calls(body), closed=True)

    # ---- verdicts

    def _settle(
        self, cursor: Cursor, emit: Emit, found: CallsRead, *, closed: bool = False
    ) -> Verdict:
        wrapping = self._wrapping
        declared = wrapping.declared
        if declared is not None and any(call.name not in declared for call in found.calls):
            found = CallsRead()
        if found.bare and not wrapping.tagged:
            found = CallsRead()
        if not found.calls:
            return self._refuse(cursor, found)
        for call in found.calls:
            emit(call)
        return after_call(wrapping, closed=closed)

    def _refuse(self, cursor: Cursor, found: CallsRead) -> NotABlock:
        wrapping = self._wrapping
        if not wrapping.tagged or not wrapping.reports:
            return NotABlock(until=wrapping.start)
        return NotABlock(
            until=cursor.position, problem=f"A tool call cannot be read. {found.problem}"
        )


_JUNK = frozenset((CLOSE, "<|im_end|>", "<|endoftext|>", "<|eot_id|>"))
JUNK_INSIDE = _JUNK | {"}", "]", ",", ";", "</function>"}


def after_call(wrapping: Wrapping, *, closed: bool = False) -> Closed:
    """Tell what may be left over from a call whose tags have been closed or not."""
    return _after_call(wrapping.expected, inside=wrapping.tagged and not closed, closed=closed)


@functools.cache  # there are few, and every call needs one
def _after_call(expected: frozenset[str], *, inside: bool, closed: bool) -> Closed:
    return Closed(
        junk=_JUNK if closed else JUNK_INSIDE,
        expected=expected,
        stray=frozenset((CLOSE,)) if inside else frozenset(),
        inside=inside,
    )


def _cut(found: CallsRead, body: str) -> CallsRead:
    """Refuse to run what the provider cut short: its last value was never finished."""
    return CallsRead(
        calls=tuple(
            BrokenCall(name=call.name, raw=body, problem=CUT_PROBLEM) for call in found.calls[-1:]
        ),
        problem=CUT_PROBLEM,
    )

"""Calls written as markup: `<function=NAME><parameter=KEY>value</parameter></function>`.

Where a value ends is told by chains of tags (`markup_chain`); here the call is put together. It
ends in one of five ways:

    at a chain    `…</parameter></function>`: it is given out, and may run
    at a guess    the reply is over without one; the tags that most probably ended it are looked for
                  once, and the call is given back, as where its value ends had to be guessed
    cut           there are no such tags, or the reply was cut short: it is given back
    refused       it has no name that counts, or prose where parameters should stand: it is
                  text, and the model is told of tags without a name
    handed over   its arguments are JSON, which `ArgumentsBlock` reads

A call that gives one parameter two values is given back as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from strategies.protocols.base import BrokenCall, Call, ToolSpec
from strategies.protocols.json.matching import past
from strategies.protocols.json.read import given_twice, guess
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
from strategies.protocols.tagged.arguments_block import ArgumentsBlock
from strategies.protocols.tagged.calls import plausible_name
from strategies.protocols.tagged.json_call import CUT_PROBLEM, Wrapping, after_call
from strategies.protocols.tagged.markup_chain import (
    LONGEST_KEY,
    OpenValue,
    Step,
    Tag,
    clean,
    find_tag,
    settled,
)
from strategies.protocols.tagged.values import typed

_NAME = re.compile(rf"[^<>\n]{{0,{LONGEST_KEY}}}")
_PLAIN_VALUE = re.compile(
    r"[^<]*+(?P<close></parameter>)\s*+"
    rf"<parameter(?:=|\ name=)(?P<key>[^<>\n]{{1,{LONGEST_KEY}}})>"
)
_ELEMENT = re.compile(rf"<(?P<key>[^<>/\s]{{1,{LONGEST_KEY}}})>(?P<value>[^<]*+)</(?P=key)>")
_NOT_BLANK = re.compile(r"\S")
_DRIFTED_CLOSE = re.compile(r"</parameter[^<>\n]*>?\s*\Z")
_BEST_ENDS = tuple(
    map(
        re.compile,
        (
            r"</parameter>\s*</function>\s*</tool_call>",
            r"</parameter>\s*</function>(?=[ \t]*(?:\n|\Z))",
            r"</function>\s*</tool_call>",
            r"</parameter>\s*</tool_call>",
            r"</tool_call>(?=\s*(?:\Z|<tool_call>))",
        ),
    )
)
_CLOSERS = Markers(("</function>", "</tool_call>"))
_NAME_PROBLEM = "A tool call has no name: write <function=NAME> with the name of a tool."
_JUNK_PROBLEM = "The arguments cannot be read: write each as <parameter=KEY>value</parameter>."


@dataclass(slots=True)
class _Span:
    """Where a value stands, counted from the start of the reply."""

    start: int
    end: int
    announced: bool
    """It ended with a proper close tag."""

    def of(self, held: str, offset: int) -> str:
        """Cut the value out, without the line breaks that belong to the tags."""
        value = held[self.start - offset : self.end - offset]
        drifted = -1 if self.announced else value.rfind("</parameter")
        if drifted >= 0 and _DRIFTED_CLOSE.match(value, drifted):
            value = value[:drifted].rstrip(" \t")
        return _without_line_break(value)


class FunctionBlock:
    """Reads one call in markup; `<function=` has been read."""

    def __init__(self, wrapping: Wrapping, tools: Mapping[str, ToolSpec]) -> None:
        self._wrapping = wrapping
        self._tools = tools
        self._properties: Mapping[str, object] = {}
        self._name = ""
        self._body = 0
        """Where what follows the name begins."""
        self._junk = False
        """What follows the name is neither a parameter nor JSON."""
        self._spans: dict[str, _Span] = {}
        """Where the values that have ended stand."""
        self._twice = ""
        """A parameter that was given two values; blank where there is none."""
        self._value: OpenValue | None = None
        self._chain: list[Tag] = []
        """Tags with only white space between, whose meaning depends on what follows."""

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Read up to the close tag, or to what shows that it was forgotten."""
        if not self._name:
            verdict = self._read_name(cursor, ending)
            if verdict or not self._name:
                return verdict
        return self._read_body(cursor, emit, ending)

    # ---- the name

    def _read_name(self, cursor: Cursor, ending: End | None) -> Verdict | None:
        end = past(_NAME, cursor.text, cursor.at)
        name = clean(cursor.text[cursor.at : end])
        if end == len(cursor.text) and end - cursor.at < LONGEST_KEY:
            hopeless = ending or not self._could_become(name)
            return self._refuse(cursor) if hopeless else None
        cursor.at = end + (cursor.text[end] == ">" if end < len(cursor.text) else 0)
        if not self._may_be_called(name):
            return self._refuse(cursor)
        self._name = name
        self._body = cursor.position
        tool = self._tools.get(name)
        self._properties = tool.properties if tool else {}
        return None

    def _could_become(self, name: str) -> bool:
        declared = self._wrapping.declared
        if declared is None:
            return True
        return not name or any(one.startswith(name) for one in declared)

    def _may_be_called(self, name: str) -> bool:
        declared = self._wrapping.declared
        return name in declared if declared is not None else plausible_name(name)

    # ---- tags and what stands between them

    def _read_body(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        while True:
            self._read_plain_values(cursor)
            tag = find_tag(cursor.text, cursor.at)
            if tag:
                until = tag.start()
            else:
                until = len(cursor.text) if ending else settled(cursor.text, cursor.at)
            if verdict := self._read_between(cursor, emit, until):
                return verdict
            if not tag:
                return self._end_with_reply(cursor, emit, ending) if ending else None
            self._chain.append(Tag.of(cursor, tag))
            cursor.at = tag.end()
            if verdict := self._decide(cursor, emit, ""):
                return verdict

    def _read_plain_values(self, cursor: Cursor) -> None:
        """Take values in which no tag stands: most are such, and none of them needs a chain."""
        while (value := self._value) and not self._chain and cursor.position == value.start:
            found = _PLAIN_VALUE.match(cursor.text, cursor.at)
            if not found:
                return
            self._end_value(value, cursor.position_of(found.start("close")), announced=True)
            cursor.at = found.end()
            self._value = OpenValue(clean(found["key"]), cursor.position)

    def _read_between(self, cursor: Cursor, emit: Emit, until: int) -> Verdict | None:
        """Take what stands between two tags: white space continues a chain, text ends it."""
        value = self._value
        if value and cursor.position == value.start and until > cursor.at:
            value.compact = cursor.text[cursor.at] not in "\r\n"
        found = _NOT_BLANK.search(cursor.text, cursor.at, until)
        if not found:
            cursor.at = until
            return None
        if self._value is None and not self._junk:
            return self._read_text_in_head(cursor, found.start(), until)
        verdict = self._decide(cursor, emit, ".")
        if not verdict:
            cursor.at = until
        return verdict

    def _read_text_in_head(self, cursor: Cursor, index: int, until: int) -> Verdict | None:
        """Tell arguments in JSON or in tags of another kind from prose that mentions the tag."""
        first = cursor.text[index]
        if first == "{":
            cursor.at = index
            return HandedOver(
                ArgumentsBlock(
                    name=self._name,
                    start=cursor.position,
                    tags=_CLOSERS,
                    closed=after_call(self._wrapping),
                )
            )
        is_markup = first == "<" and self._wrapping.reports
        if self._wrapping.declared is not None and not is_markup:
            return self._refuse(cursor)
        self._junk = True
        cursor.at = until
        return None

    # ---- what the chain does

    def _decide(self, cursor: Cursor, emit: Emit, then: str) -> Verdict | None:
        """Take the tags at hand for what they are, as far as what follows them is known."""
        while chain := self._chain:
            word = "".join(tag.kind for tag in chain) + then
            value = self._value
            step = value.step(word, chain, self._is_due) if value else self._step_in_head(word)
            match step:
                case "wait":
                    return None
                case "next":
                    self._open_next()
                case "end":
                    return self._end_at_chain(cursor, emit)
                case "refuse":
                    return self._refuse(cursor)
                case _:
                    chain.pop(0)
        return None

    def _step_in_head(self, word: str) -> Step:
        """Say what a tag does before the first parameter."""
        if word[0] in "ft":
            return "end"
        if word[0] == "P" and not self._junk:
            return "next"
        return "data" if self._junk or word[0] == "p" else "refuse"

    def _is_due(self, key: str) -> bool:
        """Tell whether a key is one that the tool has and the call has not."""
        given = key in self._spans or (self._value and key == self._value.key)
        return not given and (not self._properties or key in self._properties)

    def _open_next(self) -> None:
        self._end_value_at(self._chain[0])
        tag = next(tag for tag in self._chain if tag.kind == "P")
        self._value = OpenValue(tag.key, tag.end)
        self._chain.clear()

    def _end_value_at(self, tag: Tag) -> None:
        if self._value:
            self._end_value(self._value, tag.start, announced=tag.kind == "p")
            self._value = None

    def _end_value(self, value: OpenValue, end: int, *, announced: bool) -> None:
        if value.key in self._spans:
            self._twice = value.key
        self._spans[value.key] = _Span(value.start, end, announced)

    # ---- its ends

    def _end_at_chain(self, cursor: Cursor, emit: Emit) -> Verdict:
        """End the call where its chain says so, such as behind the `f` of `pf`."""
        self._end_value_at(self._chain[0])
        end = next((tag.end for tag in self._chain if tag.kind == "f"), None)
        if end is None:
            end = next((tag.start for tag in self._chain if tag.kind == "t"), cursor.position)
        self._give_call(cursor, emit, end)
        return self._go_on(cursor, end)

    def _end_with_reply(self, cursor: Cursor, emit: Emit, ending: End) -> Verdict:
        """End the call as well as can be, for nothing follows."""
        more_was_coming = ending.cut_short and self._value
        if not more_was_coming and (verdict := self._decide(cursor, emit, "$")):
            return verdict
        if not self._value and not self._wrapping.tagged:
            return self._refuse(cursor)
        if not ending.cut_short and (verdict := self._end_at_guess(cursor, emit)):
            return verdict
        emit(self._broken(cursor, cursor.position, CUT_PROBLEM))
        return Closed()

    def _end_at_guess(self, cursor: Cursor, emit: Emit) -> Verdict | None:
        """Look once for the tags that most probably ended the call, and read anew from there."""
        held = cursor.held()
        start = cursor.position - len(held)
        if not self._value or not cursor.can_afford(start):
            return None
        for pattern in _BEST_ENDS:
            if found := pattern.search(held, self._value.start - start):
                announced = found[0].startswith("</p")
                span = _Span(self._value.start, start + found.start(), announced)
                self._spans[self._value.key] = span
                end = start + found.end()
                self._give_guess(cursor, emit, end)
                return self._go_on(cursor, end)
        return None

    def _refuse(self, cursor: Cursor) -> NotABlock:
        """Take it for no call."""
        wrapping = self._wrapping
        if wrapping.tagged and wrapping.reports:
            return NotABlock(until=cursor.position, problem=_NAME_PROBLEM)
        return NotABlock(until=wrapping.start)

    def _go_on(self, cursor: Cursor, end: int) -> Closed:
        """Let the text go on where the call has ended."""
        if end < cursor.position:
            cursor.back_to(end)
        return after_call(self._wrapping)

    # ---- what is given out

    def _give_call(self, cursor: Cursor, emit: Emit, end: int) -> None:
        if self._junk:
            emit(self._in_own_tags(cursor.since(self._body, end)))
        elif self._twice:
            emit(self._broken(cursor, end, given_twice(self._twice)))
        else:
            emit(Call(name=self._name, arguments=self._arguments(cursor)))

    def _give_guess(self, cursor: Cursor, emit: Emit, end: int) -> None:
        """Give the call back: where its last value ends had to be guessed."""
        twice = self._twice
        problem = given_twice(twice) if twice else guess(self._arguments(cursor)).problem
        emit(self._broken(cursor, end, problem))

    def _arguments(self, cursor: Cursor) -> dict[str, object]:
        held = cursor.held()
        start = cursor.position - len(held)
        return {
            key: typed(span.of(held, start), self._properties.get(key))
            for key, span in self._spans.items()
        }

    def _broken(self, cursor: Cursor, end: int, problem: str) -> BrokenCall:
        return BrokenCall(name=self._name, raw=cursor.since(self._body, end), problem=problem)

    def _in_own_tags(self, raw: str) -> Call | BrokenCall:
        """Read `<KEY>value</KEY>`, which small models write, where the tool has such keys."""
        found = list(_ELEMENT.finditer(raw))
        given = {one["key"]: _without_line_break(one["value"]) for one in found}
        rest = _ELEMENT.sub("", raw).removesuffix("</function>").strip()
        if rest or len(given) < len(found) or not given.keys() <= self._properties.keys():
            return BrokenCall(name=self._name, raw=raw, problem=_JUNK_PROBLEM)
        arguments = {key: typed(value, self._properties[key]) for key, value in given.items()}
        return Call(name=self._name, arguments=arguments)


def _without_line_break(value: str) -> str:
    """Take off one line break at each end: they belong to the tags."""
    start = 2 if value.startswith("\r\n") else int(value.startswith("\n"))
    value = value[start:]
    end = 2 if value.endswith("\r\n") else int(value.endswith("\n"))
    return value[: len(value) - end]

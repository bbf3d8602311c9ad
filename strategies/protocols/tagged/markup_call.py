"""Calls written as markup: `<function=NAME><parameter=KEY>value</parameter></function>`.

Nothing is escaped in this form, so a value may hold the very tags that delimit it. What a tag means
is decided by what follows it, with nothing but white space between; such a chain of tags is at most
three long, and it is written here as a word of one letter per tag:

    P `<parameter=…>`   p `</parameter>`   F `<function=…>`   f `</function>`
    T `<tool_call>`     t `</tool_call>`   . other text       $ the end of the reply

`pP` ends a value and opens the next one, `pf` ends the call, `f.` inside a value is data. A whole
call inside a value is data up to its own `</function>`. Models forget close tags too: `P` alone
ends a value where it stands on its own line and names a parameter that is still to come. If no
chain has ended the call when the reply is over, the best chain that could have is looked for once;
the call is given back then, as where its value ends had to be guessed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from strategies.protocols.base import BrokenCall, Call, ToolSpec
from strategies.protocols.json.read import given_twice, guess
from strategies.protocols.matching import past
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
from strategies.protocols.tagged.json_call import Wrapping, after_call
from strategies.protocols.tagged.values import typed

_LONGEST_KEY = 200
_NAME = re.compile(rf"[^<>\n]{{0,{_LONGEST_KEY}}}")
_TAG = re.compile(
    r"<(?:(?P<t>/tool_call>)|(?P<T>tool_call>)|(?P<f>/function>)|(?P<p>/parameter>)"
    rf"|(?P<F>function(?:=|\ name=)[^<>\n]{{1,{_LONGEST_KEY}}}>)"
    rf"|(?P<P>parameter(?:=|\ name=)[^<>\n]{{1,{_LONGEST_KEY}}}>))"
)
_LITERALS = ("</tool_call>", "<tool_call>", "</function>", "</parameter>")
_OPENINGS = ("<function=", "<function name=", "<parameter=", "<parameter name=")
_CUT_TAG = re.compile(
    "(?:"
    + "|".join(
        re.escape(tag[:length])
        for tag in sorted((*_LITERALS, *_OPENINGS), key=len, reverse=True)
        for length in range(len(tag) - 1, 0, -1)
    )
    + "|(?:"
    + "|".join(map(re.escape, _OPENINGS))
    + rf")[^<>\n]{{0,{_LONGEST_KEY}}})\Z"
)
_TAIL = _LONGEST_KEY + len("<parameter name=")
_PLAIN_VALUE = re.compile(
    r"[^<]*+(?P<close></parameter>)\s*+"
    rf"<parameter(?:=|\ name=)(?P<key>[^<>\n]{{1,{_LONGEST_KEY}}})>"
)
_ELEMENT = re.compile(rf"<(?P<key>[^<>/\s]{{1,{_LONGEST_KEY}}})>(?P<value>[^<]*+)</(?P=key)>")
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
_ENDS_WITHOUT_CLOSE = re.compile(r"ft[PfFtT.$]|t[T$]|f[TF$]")
_CLOSERS = Markers(("</function>", "</tool_call>"))
_NAME_PROBLEM = "A tool call has no name: write <function=NAME> with the name of a tool."
_JUNK_PROBLEM = "The arguments cannot be read: write each as <parameter=KEY>value</parameter>."
_CUT_PROBLEM = "The reply ended before the call was complete."

type _Step = Literal["wait", "next", "end", "refuse", "data"]


@dataclass(frozen=True, slots=True)
class _Tag:
    kind: str
    start: int
    end: int
    text: str
    own_line: bool

    @property
    def key(self) -> str:
        """The name inside the tag."""
        return _clean(self.text[self.text.index("=") + 1 : -1])


@dataclass(slots=True)
class _Value:
    """The parameter whose value is being read."""

    key: str
    start: int
    compact: bool = False
    """It starts on the line of its tag, so the next tag may stand anywhere too."""
    functions: int = 0
    parameters: int = 0
    """Open tags inside the value that are data."""


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
        self._twice = ""
        """A parameter that was given two values; blank where there is none."""
        self._value: _Value | None = None
        self._chain: list[_Tag] = []
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
        name = _clean(cursor.text[cursor.at : end])
        if end == len(cursor.text) and end - cursor.at < _LONGEST_KEY:
            hopeless = ending or not self._could_become(name)
            return self._refuse(cursor) if hopeless else None
        cursor.at = end + (cursor.text[end] == ">" if end < len(cursor.text) else 0)
        if not self._counts(name):
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

    def _counts(self, name: str) -> bool:
        declared = self._wrapping.declared
        return name in declared if declared is not None else plausible_name(name)

    # ---- tags and what stands between them

    def _read_body(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        while True:
            self._read_plain_values(cursor)
            tag = _TAG.search(cursor.text, cursor.at)
            until = tag.start() if tag else self._settled(cursor, ending)
            if verdict := self._read_between(cursor, emit, until):
                return verdict
            if not tag:
                return self._end(cursor, emit, ending) if ending else None
            self._chain.append(_tag(cursor, tag))
            cursor.at = tag.end()
            if verdict := self._decide(cursor, emit, ""):
                return verdict

    def _read_plain_values(self, cursor: Cursor) -> None:
        """Take values in which no tag stands: most are such, and none of them needs a chain."""
        while (value := self._value) and not self._chain and cursor.position == value.start:
            found = _PLAIN_VALUE.match(cursor.text, cursor.at)
            if not found:
                return
            end = cursor.position_of(found.start("close"))
            self._put_down(value.key, _Span(value.start, end, announced=True))
            cursor.at = found.end()
            self._value = _Value(_clean(found["key"]), cursor.position)

    def _settled(self, cursor: Cursor, ending: End | None) -> int:
        if ending:
            return len(cursor.text)
        cut = _CUT_TAG.search(cursor.text, max(cursor.at, len(cursor.text) - _TAIL))
        return cut.start() if cut else len(cursor.text)

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

    # ---- chains of tags

    def _decide(self, cursor: Cursor, emit: Emit, then: str) -> Verdict | None:
        """Take the tags at hand for what they are, as far as what follows them is known."""
        while self._chain:
            word = "".join(tag.kind for tag in self._chain) + then
            step = self._in_value(word) if self._value else self._in_head(word)
            match step:
                case "wait":
                    return None
                case "next":
                    self._open_next()
                case "end":
                    return self._end_call(cursor, emit)
                case "refuse":
                    return self._refuse(cursor)
                case _:
                    self._chain.pop(0)
        return None

    def _in_head(self, word: str) -> _Step:
        if word[0] in "ft":
            return "end"
        if word[0] == "P" and not self._junk:
            return "next"
        return "data" if self._junk or word[0] == "p" else "refuse"

    def _in_value(self, word: str) -> _Step:
        value = self._value
        if word == "F" or not value:
            return "wait"
        if word[0] == "F" or value.functions:
            _count_functions(value, word)
            return "data"
        if word[0] == "P":
            return self._unannounced(value, self._chain[0])
        if word[0] == "p":
            return self._after_close(value, word)
        if word in {"f", "ft", "t"}:
            return "wait"
        return "end" if _ENDS_WITHOUT_CLOSE.match(word) else "data"

    def _after_close(self, value: _Value, word: str) -> _Step:
        if word == "p":
            return "wait"
        if word[1] in "ft$":
            return "end"
        if word[1] == "P" and not (value.parameters and not self._is_due(self._chain[1])):
            return "next"
        value.parameters = max(0, value.parameters - 1)
        return "data"

    def _unannounced(self, value: _Value, tag: _Tag) -> _Step:
        """Judge an open tag before the close tag of the value it stands in."""
        if (tag.own_line or value.compact) and self._is_due(tag):
            return "next"
        value.parameters += 1
        return "data"

    def _is_due(self, tag: _Tag) -> bool:
        """Tell whether a tag names a parameter that the tool has and the call has not."""
        given = tag.key in self._spans or (self._value and tag.key == self._value.key)
        return not given and (not self._properties or tag.key in self._properties)

    def _open_next(self) -> None:
        if self._value:
            self._close_value(self._chain[0])
        tag = next(tag for tag in self._chain if tag.kind == "P")
        self._value = _Value(tag.key, tag.end)
        self._chain.clear()

    def _close_value(self, tag: _Tag) -> None:
        if self._value:
            announced = tag.kind == "p"
            self._put_down(self._value.key, _Span(self._value.start, tag.start, announced))
            self._value = None

    def _put_down(self, key: str, span: _Span) -> None:
        self._twice = key if key in self._spans else self._twice
        self._spans[key] = span

    # ---- verdicts

    def _end_call(self, cursor: Cursor, emit: Emit) -> Verdict:
        self._close_value(self._chain[0])
        end = next((tag.end for tag in self._chain if tag.kind == "f"), None)
        if end is None:
            end = next((tag.start for tag in self._chain if tag.kind == "t"), cursor.position)
        return self._finish(cursor, emit, end)

    def _finish(self, cursor: Cursor, emit: Emit, end: int, *, guessed: bool = False) -> Verdict:
        held = cursor.held()
        start = cursor.position - len(held)
        if self._junk:
            emit(self._in_own_tags(cursor.since(self._body, end)))
        else:
            arguments = {
                key: typed(span.of(held, start), self._properties.get(key))
                for key, span in self._spans.items()
            }
            if guessed or self._twice:
                raw = cursor.since(self._body, end)
                problem = given_twice(self._twice) if self._twice else guess(arguments).problem
                emit(BrokenCall(name=self._name, raw=raw, problem=problem))
            else:
                emit(Call(name=self._name, arguments=arguments))
        if end < cursor.position:
            cursor.back_to(end)
        return after_call(self._wrapping)

    def _in_own_tags(self, raw: str) -> Call | BrokenCall:
        """Read `<KEY>value</KEY>`, which small models write, where the tool has such keys."""
        found = list(_ELEMENT.finditer(raw))
        given = {one["key"]: _without_line_break(one["value"]) for one in found}
        rest = _ELEMENT.sub("", raw).removesuffix("</function>").strip()
        if rest or len(given) < len(found) or not given.keys() <= self._properties.keys():
            return BrokenCall(name=self._name, raw=raw, problem=_JUNK_PROBLEM)
        arguments = {key: typed(value, self._properties[key]) for key, value in given.items()}
        return Call(name=self._name, arguments=arguments)

    def _end(self, cursor: Cursor, emit: Emit, ending: End) -> Verdict:
        more_was_coming = ending.cut_short and self._value
        if not more_was_coming and (verdict := self._decide(cursor, emit, "$")):
            return verdict
        if not self._value and not self._wrapping.tagged:
            return self._refuse(cursor)
        return (None if ending.cut_short else self._best_end(cursor, emit)) or self._cut(
            cursor, emit
        )

    def _best_end(self, cursor: Cursor, emit: Emit) -> Verdict | None:
        """Look once for the tags that most probably ended the call, and read anew from there."""
        held = cursor.held()
        start = cursor.position - len(held)
        if self._value and cursor.can_afford(start):
            for pattern in _BEST_ENDS:
                if found := pattern.search(held, self._value.start - start):
                    span = _Span(
                        self._value.start, start + found.start(), found[0].startswith("</p")
                    )
                    self._spans[self._value.key] = span
                    return self._finish(cursor, emit, start + found.end(), guessed=True)
        return None

    def _cut(self, cursor: Cursor, emit: Emit) -> Verdict:
        emit(BrokenCall(name=self._name, raw=cursor.since(self._body), problem=_CUT_PROBLEM))
        return Closed()

    def _refuse(self, cursor: Cursor) -> NotABlock:
        wrapping = self._wrapping
        if wrapping.tagged and wrapping.reports:
            return NotABlock(until=cursor.position, problem=_NAME_PROBLEM)
        return NotABlock(until=wrapping.start)


def _count_functions(value: _Value, word: str) -> None:
    """Keep account of whole calls inside a value; a mere mention opens none."""
    if word[0] == "F":
        value.functions += word[1] in "Pf"
    else:
        value.functions -= word[0] == "f"


def _tag(cursor: Cursor, found: re.Match[str]) -> _Tag:
    return _Tag(
        kind=found.lastgroup or "",
        start=cursor.position_of(found.start()),
        end=cursor.position_of(found.end()),
        text=found[0],
        own_line=cursor.text[found.start() - 1] == "\n",
    )


def _without_line_break(value: str) -> str:
    """Take off one line break at each end: they belong to the tags."""
    start = 2 if value.startswith("\r\n") else int(value.startswith("\n"))
    value = value[start:]
    end = 2 if value.endswith("\r\n") else int(value.endswith("\n"))
    return value[: len(value) - end]


def _clean(name: str) -> str:
    return name.strip().strip("\"'").strip()

"""The grammar of calls in tags, which hermes, qwen3_coder and leaked calls share.

Models trained on one of these forms also write the other, and forget or rename the tags around it.
Inside `<tool_call>` anything that reads as a call is one; the agent answers calls of unknown tools.
Everything weaker (another tag, a code fence, bare JSON where a line starts, `<function=…>` alone)
counts only if it names a tool that was declared, and is let go as text the moment it cannot.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strategies.protocols.base import ToolSpec
from strategies.protocols.json.call_keys import ARGUMENT_KEYS, NAME_KEYS
from strategies.protocols.stream import reasoning
from strategies.protocols.stream.block import (
    Block,
    Closed,
    Emit,
    End,
    Grammar,
    HandedOver,
    MarkerFound,
    NotABlock,
    Rest,
    Verdict,
)
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.markers import Markers, after_blank
from strategies.protocols.tagged.calls import ENVELOPES
from strategies.protocols.tagged.json_call import CLOSE, JUNK_INSIDE, OPEN, JsonBlock, Wrapping
from strategies.protocols.tagged.markup_call import FunctionBlock

_INVENTED = ("<tool_response>", "<|im_start|>")
_FUNCTION = ("<function=", "<function name=")
_ALIASES = ("<function_call>", "<tool>", "<tools>", "<response>", "<json>", "<JSON>", "<xml>")
_FENCE = "```"
_JSON = ("{", "[")
_CLOSES = {one: one.replace("<", "</") for one in (OPEN, *_ALIASES)} | {_FENCE: _FENCE}
_THINK = (reasoning.OPEN, reasoning.CLOSE)
_CANDIDATES = frozenset((OPEN, *_FUNCTION, *_JSON, *_ALIASES, _FENCE))

_INSIDE = Markers((OPEN, CLOSE, *_FUNCTION, *_ALIASES, _FENCE, *_JSON))
_FENCE_LANGUAGE = re.compile(r"[ \t]{0,8}(\w{0,20})")
_LANGUAGES = ("json", "jsonc", "json5", "xml", "tool_call", "tool_calls", "tool_code", "tool")
_AHEAD = re.compile(
    r"\[?\s{0,80}\{{0,2}\s{0,80}[\"']?(?P<key>\w{0,24})(?P<end>[\"']?)\s{0,20}(?P<colon>:?)"
    r"\s{0,20}(?:(?P<quote>[\"'])(?P<value>[^\"'\\\n]{0,130})(?P<closed>[\"']?))?"
)
_FIRST_KEYS = frozenset((*NAME_KEYS, *ARGUMENT_KEYS, *ENVELOPES, "id", "type"))

# What shows at once that a fence or bracket begins no call. Each agrees with what a `CallCandidate`
# would say; that costs a hundred times as much, and replies are full of code and links.
_OTHER_LANGUAGE = rf"[ \t]{{0,8}}(?!(?i:{'|'.join(_LANGUAGES)})\b)\w{{1,20}}+(?s:.)"
_TEXT_IN_FENCE = r"[ \t]*+\n\s*+[^\s<`{\[]"
_OTHER_KEY = (
    rf"\s{{0,20}}(?:[\"']?(?!(?:{'|'.join(sorted(_FIRST_KEYS))})\b)\w{{1,24}}+(?s:.)|[^\s\w\"'{{])"
)
_NO_CALL = {
    _FENCE: rf"{_OTHER_LANGUAGE}|{_TEXT_IN_FENCE}",
    "{": _OTHER_KEY,
    "[": rf"{_OTHER_KEY}|\s{{0,20}}\{{{_OTHER_KEY}",
}
_PROBLEM = (
    "A <tool_call> block holds no call: write a JSON object with the keys"
    ' "name" and "arguments", then </tool_call>.'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How much it takes to be a call."""

    tools: Mapping[str, ToolSpec]
    taught: bool
    """The model was told of this form: calls of unknown tools count inside `<tool_call>`, and a
    block that cannot be read is a fault, not a quotation."""


def tag_grammar(tools: Sequence[ToolSpec], *, taught: bool = True) -> Grammar:
    """Build the grammar for one set of tools.

    `taught`: the model was told of this form; else only calls of declared tools count.
    """
    trust = Trust(tools={tool.name: tool for tool in tools}, taught=taught)
    in_text, after_block = _markers(taught=taught, has_tools=bool(tools))
    opens = functools.partial(_open, trust=trust)
    return Grammar(in_text=in_text, after_block=after_block, open=opens)


@functools.cache
def _markers(*, taught: bool, has_tools: bool) -> tuple[Markers, Markers]:
    anywhere = [*_THINK]
    line_starts: dict[str, str] = {}
    left_over: list[str] = []
    if taught or has_tools:
        anywhere += [OPEN, CLOSE]
        left_over = [*JUNK_INSIDE, *_CLOSES.values()]
    if has_tools:
        anywhere += [*_FUNCTION, *_ALIASES]
        line_starts = _NO_CALL
    invented = _INVENTED if taught else ()
    after_block = [*anywhere, *line_starts, *left_over, *invented]
    return Markers(anywhere, line_starts), Markers(after_block)


def _open(found: MarkerFound, trust: Trust) -> Block | None:
    marker, after = found.marker, found.after
    if marker in _INVENTED:
        return Rest() if after and after.called else None
    inside = bool(after and after.inside)
    if marker in _CANDIDATES:
        return CallCandidate(found, trust, inside=inside)
    return None


class CallCandidate:
    """Reads tags, fences and white space in front of what may be a call."""

    def __init__(self, found: MarkerFound, trust: Trust, *, inside: bool) -> None:
        self._found = found
        self._trust = trust
        self._after_call = bool(found.after and found.after.called)
        self._tagged = inside
        self._start = found.position + len(found.marker)
        self._expected: frozenset[str] = frozenset()
        self._marker: str = found.marker
        """The marker that was read last."""
        self._broken_line = False

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Hand over to the reader of the call, or give the markers back to the text."""
        del emit
        while True:
            if self._marker in _FUNCTION:
                return HandedOver(FunctionBlock(self._wrapping(cursor, 0), self._trust.tools))
            if self._marker in _JSON:
                return self._read_json(cursor, ending)
            if self._marker == CLOSE:
                return self._empty(cursor)
            if self._marker == _FENCE and (verdict := self._read_language(cursor, ending)):
                return None if verdict == "wait" else self._refuse()
            self._expected |= {_CLOSES[self._marker]} if self._marker else set()
            self._tagged = self._tagged or self._marker == OPEN
            self._marker = ""
            if not self._next_marker(cursor):
                return self._end_or_wait(cursor, ending)

    def _end_or_wait(self, cursor: Cursor, ending: End | None) -> Verdict | None:
        over = cursor.at == len(cursor.text)
        if not ending and (over or _INSIDE.begins_here(cursor.text, cursor.at)):
            return None
        if over and self._after_call and self._found.marker == OPEN:
            return Closed()  # an open tag for a close tag, and nothing after it
        return self._refuse()

    def _next_marker(self, cursor: Cursor) -> bool:
        end = after_blank(cursor.text, cursor.at)
        self._broken_line = self._broken_line or "\n" in cursor.text[cursor.at : end]
        cursor.at = end
        self._marker = _INSIDE.here(cursor.text, cursor.at)
        cursor.at += len(self._marker)
        return bool(self._marker)

    def _read_language(self, cursor: Cursor, ending: End | None) -> str:
        """Read `json` after a fence; other languages are no calls, and some never are."""
        found = _FENCE_LANGUAGE.match(cursor.text, cursor.at)
        language = found[1].lower() if found else ""
        if found and found.end() == len(cursor.text) and not ending:
            return "wait" if any(one.startswith(language) for one in _LANGUAGES) else "no"
        if language and language not in _LANGUAGES:
            return "no"
        cursor.at = found.end() if found else cursor.at
        return ""

    def _read_json(self, cursor: Cursor, ending: End | None) -> Verdict | None:
        index = cursor.at - 1
        promising = self._any_name() or self._promises(cursor.text, index, ending)
        if promising is None:
            return None
        if not promising:
            return self._refuse()
        wrapping = self._wrapping(cursor, 1)
        cursor.at = index
        return HandedOver(JsonBlock(wrapping))

    def _promises(self, text: str, index: int, ending: End | None) -> bool | None:
        """Tell from its first key, and the name if that is first, whether JSON may be a call."""
        found = next(_AHEAD.finditer(text, index))  # it matches anything
        open_ended = found.end() == len(text) and not ending
        if not found["colon"]:
            undecided = open_ended and _fits(found["key"], found["end"], _FIRST_KEYS)
            return None if undecided else False
        if found["key"] != "name":
            return found["key"] in _FIRST_KEYS
        if found["closed"]:
            return found["value"].strip() in self._trust.tools
        undecided = open_ended and _fits(found["value"] or "", "", self._trust.tools)
        return None if undecided else False

    def _any_name(self) -> bool:
        return self._tagged and self._trust.taught

    def _wrapping(self, cursor: Cursor, back: int) -> Wrapping:
        return Wrapping(
            start=self._start,
            body=cursor.position - back,
            expected=self._expected,
            tagged=self._tagged,
            declared=None if self._any_name() else self._trust.tools,
            reports=self._trust.taught,
        )

    def _empty(self, cursor: Cursor) -> Verdict:
        """Judge `<tool_call></tool_call>`: after a call it is a slip, alone it is a failed call."""
        if self._after_call:
            return Closed(junk=JUNK_INSIDE - {CLOSE})
        problem = _PROBLEM if self._trust.taught else ""
        return NotABlock(until=cursor.position, problem=problem)

    def _refuse(self) -> NotABlock:
        reported = self._trust.taught and self._found.marker == OPEN and self._found.line_start
        if not reported:
            return NotABlock(until=self._start)
        return NotABlock(
            until=self._start, problem=_PROBLEM, unless_open="" if self._broken_line else CLOSE
        )


def _fits(text: str, end: str, words: Mapping[str, object] | frozenset[str]) -> bool:
    """Tell whether a word is one of `words`, or may still become one if it has no end."""
    return text in words if end else any(word.startswith(text) for word in words)

"""One ✿ call: a name, and all the arguments that the tool is called with."""

import re
from collections.abc import Mapping

from strategies.protocols.base import BrokenCall, Call, IsQuoted, ReplyEvent, ToolSpec
from strategies.protocols.json.matching import past
from strategies.protocols.qwen.marks import (
    ARGS,
    CLOSED,
    FUNCTION,
    IN_TEXT,
    MARKERS,
    passes_colon,
    skip_blank,
)
from strategies.protocols.stream.block import Emit, End, MarkerFound, NotABlock, Verdict
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.judgement import DECORATION, goes_on
from strategies.protocols.stream.markers import Markers, after_blank
from strategies.protocols.tagged.arguments_block import CUT_ARGUMENTS, ArgumentsBlock
from strategies.protocols.tagged.calls import plausible_name

_MARKERS = Markers(MARKERS)
_FENCE_END = Markers(("\n```",))
_NAME = re.compile(r"[^\n✿]{0,200}")
_SENTENCE = re.compile(r"\S\s+\S")
_FENCE = re.compile(r"```[ \t]{0,8}(\w{0,20})[ \t]{0,8}")
_TICKS = re.compile(r"`*")
_JUNK = re.compile(r"[ \t\r}\],;`]*")

_NAME_PROBLEM = f"{FUNCTION} must be followed by a colon and the name of one tool."
_CODE_PROBLEM = "The arguments must be one JSON object."


class QwenCall:
    """Reads one name and all the arguments that it is called with."""

    def __init__(
        self, found: MarkerFound, tools: Mapping[str, ToolSpec], is_quoted: IsQuoted
    ) -> None:
        self._is_quoted = is_quoted
        self._start = found.position + len(found.marker)
        self._line_start = found.line_start
        self._standing = found.standing
        self._tools = tools
        self._name = ""
        self._marked = False
        """✿ARGS✿ has been read."""
        self._colon = False
        self._arguments: ArgumentsBlock | FencedCode | None = None
        self._called = False
        self._pending: list[Call | BrokenCall] = []
        """Calls that may turn out to be shown only."""

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Read name, arguments, and what may follow them, as far as they have come."""
        while True:
            before = self._place(cursor)
            if not self._name:
                verdict = self._read_name(cursor, ending)
            elif self._arguments:
                verdict = self._read_arguments(cursor, ending)
            elif self._pending:
                verdict = self._judge(cursor, emit, ending)
            elif self._called:
                verdict = self._read_rest(cursor, ending)
            elif self._marked:
                verdict = self._start_arguments(cursor, ending)
            else:
                verdict = self._await_arguments(cursor, ending)
            if verdict:
                return verdict
            if before == self._place(cursor):
                return None

    def _place(self, cursor: Cursor) -> object:
        return cursor.at, self._marked, self._called, self._arguments, len(self._pending)

    # ---- the name

    def _read_name(self, cursor: Cursor, ending: End | None) -> Verdict | None:
        self._colon = self._colon or passes_colon(cursor)
        if not skip_blank(cursor):
            return self._refuse() if ending else None
        end = past(_NAME, cursor.text, cursor.at)
        name = cursor.text[cursor.at : end].strip().strip("\"'`*")
        if _SENTENCE.search(name):
            return self._refuse()
        if end == len(cursor.text) and not ending:
            return None
        if not plausible_name(name):
            return self._refuse()
        self._name = name
        cursor.at = end
        return None

    def _refuse(self) -> NotABlock:
        told = self._line_start and self._colon and self._standing == "free"
        return NotABlock(until=self._start, problem=_NAME_PROBLEM if told else "")

    # ---- the arguments

    def _await_arguments(self, cursor: Cursor, ending: End | None) -> Verdict | None:
        skip_blank(cursor)
        marker = _MARKERS.here(cursor.text, cursor.at)
        if marker == ARGS:
            cursor.at += len(marker)
            self._marked, self._colon = True, False
            return None
        if not marker and self._may_go_on(cursor, ending):
            if ending:
                self._end_without_arguments(cursor, ending)
            return None
        if cursor.text[cursor.at : cursor.at + 1] == "{":
            self._marked = self._colon = True
            return None
        if not marker and self._name not in self._tools:
            return self._refuse()
        self._call()
        return None

    def _may_go_on(self, cursor: Cursor, ending: End | None) -> bool:
        return (
            cursor.at == len(cursor.text)
            or _MARKERS.begins_here(cursor.text, cursor.at)
            or (ending is not None and cursor.text.startswith("✿", cursor.at))
        )

    def _end_without_arguments(self, cursor: Cursor, ending: End) -> None:
        arguments_began = cursor.text[cursor.at : cursor.at + 2] in {"✿", "✿A"}
        cursor.at = len(cursor.text)
        if ending.cut_short or arguments_began or self._name not in self._tools:
            self._break()
        else:
            self._call()

    def _start_arguments(self, cursor: Cursor, ending: End | None) -> Verdict | None:
        self._colon = self._colon or passes_colon(cursor)
        if not skip_blank(cursor):
            if ending and ending.cut_short:
                self._break()
            elif ending:
                self._call()
            return None
        if cursor.text[cursor.at] == "`":
            return self._start_fenced(cursor, ending)
        if _MARKERS.here(cursor.text, cursor.at):
            self._call()
        elif ending or not _MARKERS.begins_here(cursor.text, cursor.at):
            self._arguments = self._json(cursor)
        return None

    def _start_fenced(self, cursor: Cursor, ending: End | None) -> None:
        """Tell JSON in a fence from code: both are common for tools that run code."""
        found = _FENCE.match(cursor.text, cursor.at)
        if not found:
            may_be_fence = len(cursor.text) - cursor.at < len("```") and not ending
            cursor.at += 0 if may_be_fence and _TICKS.fullmatch(cursor.text, cursor.at) else 1
            return
        beyond = after_blank(cursor.text, found.end())
        following = cursor.text[beyond : beyond + 1]
        if not following and not ending:
            return
        cursor.at = found.end()
        if following in {"{", "["} and found[1].lower() in {"", "json", "json5", "jsonc"}:
            self._arguments = self._json(cursor)
        else:
            tool = self._tools.get(self._name)
            properties: Mapping[str, object] = tool.properties if tool else {}
            self._arguments = FencedCode(self._name, cursor.position, properties)

    def _json(self, cursor: Cursor) -> ArgumentsBlock:
        return ArgumentsBlock(name=self._name, start=cursor.position, tags=_MARKERS, closed=CLOSED)

    def _read_arguments(self, cursor: Cursor, ending: End | None) -> None:
        if self._arguments and self._arguments.read(cursor, self._keep, ending):
            self._arguments = None

    def _keep(self, event: ReplyEvent) -> None:
        if isinstance(event, Call | BrokenCall):
            self._pending.append(event)

    def _call(self) -> None:
        self._keep(Call(name=self._name, arguments={}))

    def _break(self) -> None:
        self._keep(BrokenCall(name=self._name, raw="", problem=CUT_ARGUMENTS))

    # ---- what follows

    def _judge(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Hand out the call, or give it back where it is only shown."""
        at = past(_JUNK, cursor.text, cursor.at)
        if self._standing == "alone":
            at = _after_decoration(cursor.text, at)
        after = cursor.text[at:]
        if not after and not ending:
            return None
        quoted = any(self._is_quoted(call, cursor.held()) for call in self._pending)
        if quoted or self._is_shown(cursor.text[cursor.at : at], after):
            return NotABlock(until=cursor.position)
        for call in self._pending:
            emit(call)
        self._pending.clear()
        self._called = True
        cursor.release()
        return None

    def _is_shown(self, gap: str, after: str) -> bool:
        if self._standing == "shown":
            return True
        if not after or after[0] in "\n✿<":
            return False
        if self._standing == "alone":
            return True
        return goes_on(sentence_is_over=self._line_start, gap=gap, after=after)

    def _read_rest(self, cursor: Cursor, ending: End | None) -> Verdict | None:
        found = IN_TEXT.find(cursor.text, cursor.at)
        if not found:
            until = IN_TEXT.settled(cursor.text, cursor.at)
            cursor.at = len(cursor.text) if ending else until
            return CLOSED if ending else None
        cursor.at = found.start()
        if found[0] != ARGS:
            return CLOSED
        cursor.hold()
        cursor.at = found.end()
        self._called, self._marked, self._colon = False, True, False
        return None


class FencedCode:
    """Reads a fenced block of code as the one argument that can take it.

    It stands in the place of arguments, as is common for tools that run code.
    """

    def __init__(self, name: str, start: int, properties: Mapping[str, object]) -> None:
        self._name = name
        self._start = start
        self._key = (
            "code" if "code" in properties or len(properties) != 1 else next(iter(properties))
        )
        self._known = self._key in properties

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Read up to the fence that closes the block."""
        found = _FENCE_END.find(cursor.text, cursor.at)
        if not found:
            cursor.at = len(cursor.text) if ending else _FENCE_END.settled(cursor.text, cursor.at)
            if not ending:
                return None
            code = cursor.since(self._start)
            emit(BrokenCall(name=self._name, raw=code, problem=CUT_ARGUMENTS))
            return CLOSED
        cursor.at = found.start()
        code = cursor.since(self._start)
        cursor.at = found.end()
        if self._known:
            arguments = {self._key: code.removeprefix("\n")}
            emit(Call(name=self._name, arguments=arguments))
        else:
            emit(BrokenCall(name=self._name, raw=code, problem=_CODE_PROBLEM))
        return CLOSED


def _after_decoration(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip(DECORATION))

"""The grammar of calls between ✿ markers, which Qwen-Agent's own template taught its models.

    ✿FUNCTION✿: name
    ✿ARGS✿: {"key": "value"}
    ✿RESULT✿: … written by us
    ✿RETURN✿: … the model's reply to it

Nothing closes a call, so what follows its arguments on later lines, up to the next marker, is
dropped; a sentence that goes on after them only speaks about the call. The model writes on past its
own ✿RESULT✿ if the server ignores stop words; all of that is invented. A reply may begin in the
middle of the template, with ✿RETURN✿ or just the colon after it.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from strategies.protocols.base import IsQuoted, ToolSpec
from strategies.protocols.qwen.call import QwenCall
from strategies.protocols.qwen.marks import (
    ARGS,
    BORDERS,
    CLOSED,
    COLONS,
    FUNCTION,
    IN_TEXT,
    passes_colon,
    skip_blank,
)
from strategies.protocols.stream.block import (
    Block,
    Closed,
    Emit,
    End,
    Grammar,
    MarkerFound,
    NotABlock,
    Rest,
    Verdict,
)
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.markers import Markers

_SMILES = frozenset(")(-DPpo'|/\\*3")
_AFTER_BLOCK = Markers((*BORDERS, *COLONS, *CLOSED.junk))

_ARGS_PROBLEM = f"{ARGS} without a tool: write {FUNCTION}: and the name of the tool before it."


def qwen_grammar(tools: Sequence[ToolSpec], is_quoted: IsQuoted) -> Grammar:
    """Build the grammar for one set of tools; a call that is quoted is text."""
    opens = partial(_open, tools={tool.name: tool for tool in tools}, is_quoted=is_quoted)
    return Grammar(in_text=IN_TEXT, after_block=_AFTER_BLOCK, open=opens, certain=True)


def _open(found: MarkerFound, tools: Mapping[str, ToolSpec], is_quoted: IsQuoted) -> Block | None:
    called = bool(found.after and found.after.called)
    match found.marker:
        case "✿FUNCTION✿":
            return QwenCall(found, tools, is_quoted)
        case "✿ARGS✿":
            stray = found.line_start and found.standing == "free"
            return StrayArguments(found) if stray else None
        case "✿RESULT✿":
            return Rest()
        case "✿RETURN✿":
            return Rest() if called else Return()
        case ":" | "：":
            return None if called else Colon(found)
        case _:
            return None


class Return:
    """Hides a ✿RETURN✿ and its colon: what follows is the answer."""

    def __init__(self) -> None:
        self._colon = False

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Read white space and one colon."""
        del emit
        self._colon = self._colon or passes_colon(cursor)
        return Closed(called=False) if skip_blank(cursor) or ending else None


class Colon:
    """Hides the colon that continues a prompt which ended with ✿RETURN✿, but no smile."""

    def __init__(self, found: MarkerFound) -> None:
        self._start = found.position + len(found.marker)

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Look at the next character."""
        del emit
        if cursor.at == len(cursor.text) and not ending:
            return None
        if cursor.text[cursor.at : cursor.at + 1] in _SMILES:
            return NotABlock(until=self._start)
        return Closed(called=False)


class StrayArguments:
    """Gives back an ✿ARGS✿ that follows no name."""

    def __init__(self, found: MarkerFound) -> None:
        self._until = found.position + len(found.marker)

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Verdict | None:
        """Refuse at once."""
        del cursor, emit, ending
        return NotABlock(until=self._until, problem=_ARGS_PROBLEM)

"""Reasoning inside a reply: `<think>…</think>`.

No call in it counts, so nothing but its own tags is looked at. A second `<think>` right after the
first is a repetition (the prompt had opened one already) and is dropped. Later on it may be a
nested block or only be talked about; which of the two shows at the end alone: if every tag is
closed, all of it was reasoning, otherwise the first close tag was the end and the reply is read
anew from there.

Prompts that open `<think>` themselves make for replies with a lone `</think>`: all before it was
reasoning. A tag inside a sentence, in a quotation or in code is only talked about.
"""

from strategies.protocols.base import Reasoning, ReasoningSoFar
from strategies.protocols.stream.block import Closed, Emit, End, NotABlock
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.judgement import goes_on
from strategies.protocols.stream.markers import Markers

OPEN, CLOSE = "<think>", "</think>"
_TAGS = Markers((OPEN, CLOSE))
_CLOSE_TAG = Markers((CLOSE,))
_CLOSED = Closed(called=False, stray=frozenset((CLOSE,)))


class ReasoningBlock:
    """Reads reasoning up to its close tag; the open tag has been read."""

    def __init__(self, *, apart: bool = False) -> None:
        self._depth = 1
        self._blank = True
        self._apart = apart
        """Reasoning came before: a line break keeps the two from running together."""
        self._first_end: int | None = None
        """Where it ended if the open tags after the first were only talked about."""

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Closed | None:
        """Emit what is certainly reasoning; close after the last close tag."""
        if self._first_end is None:
            cursor.release()
        while found := _TAGS.find(cursor.text, cursor.at):
            self._think(cursor.text[cursor.at : found.start()], emit)
            cursor.at = found.end()
            if found[0] == CLOSE:
                self._close(cursor)
                if not self._depth:
                    if self._first_end is not None:
                        emit(Reasoning(cursor.held().replace(OPEN, "").replace(CLOSE, "")))
                    return _CLOSED
            elif not self._blank and cursor.text[found.start() - 1] != "`":  # else talk of the tag
                self._depth += 1
        until = len(cursor.text) if ending else _TAGS.settled(cursor.text, cursor.at)
        self._think(cursor.text[cursor.at : until], emit)
        cursor.at = until
        if ending and self._first_end is not None:
            cursor.back_to(self._first_end)
        return _CLOSED if ending else None

    def _think(self, text: str, emit: Emit) -> None:
        if not text:
            return
        self._blank = self._blank and text.isspace()
        if self._apart:
            self._apart = False
            emit(Reasoning("\n"))
        if self._first_end is None:
            emit(Reasoning(text))

    def _close(self, cursor: Cursor) -> None:
        self._depth -= 1
        if self._first_end is None and self._depth:
            if cursor.can_afford(0):
                self._first_end = cursor.hold()
            else:
                self._depth = 0


class LaterReasoning:
    """Reads reasoning in the middle of a reply, where a tag that is never closed is just text."""

    def __init__(self, *, apart: bool, start: int | None = None) -> None:
        """Take where the text is read anew if the tag is never closed; None for nowhere."""
        self._apart = apart
        self._start = start

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Closed | NotABlock | None:
        """Emit it once its close tag has come."""
        found = _CLOSE_TAG.find(cursor.text, cursor.at)
        if found:
            cursor.at = found.end()
            written = cursor.held().removeprefix(OPEN).removesuffix(CLOSE)
            emit(Reasoning(f"\n{written}" if self._apart and written else written))
            return _CLOSED
        until = len(cursor.text) if ending else _CLOSE_TAG.settled(cursor.text, cursor.at)
        cursor.at = until
        if not ending:
            return None
        anew = None if ending.cut_short else self._start
        return NotABlock(until=anew or cursor.position)


class LoneClose:
    """Tells a `</think>` without its open tag from the mention of one."""

    def __init__(self, *, sentence_is_over: bool) -> None:
        self._sentence_is_over = sentence_is_over

    def read(self, cursor: Cursor, emit: Emit, ending: End | None) -> Closed | NotABlock | None:
        """Look at what follows the tag on its line."""
        start = cursor.at
        after = cursor.text[start:].lstrip(" \t\r")
        if not after and not ending:
            return None
        gap = cursor.text[start : len(cursor.text) - len(after)]
        over = self._sentence_is_over
        line_goes_on = bool(after) and after[0] != "\n"
        if line_goes_on and not over and goes_on(sentence_is_over=over, gap=gap, after=after):
            return NotABlock(until=cursor.position)
        emit(ReasoningSoFar(""))
        return _CLOSED


def behind_lone_close(written: str, drafts: int) -> str:
    """Return what a reply says once its reasoning, which the prompt had opened, is over.

    Args:
        written: the reply as the model wrote it.
        drafts: how many of its characters are known to be reasoning.
    """
    _, tag, meant = written[drafts:].partition(CLOSE)
    opened = written.lstrip().startswith(OPEN)
    return meant.lstrip() if tag and not opened else written

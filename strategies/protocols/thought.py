"""Reasoning inside a reply: `<think>…</think>`.

No call in it counts, so nothing but its own tags is looked at. A second `<think>` right after the
first is a repetition (the prompt had opened one already) and is dropped. Later on it may be a
nested block or only be talked about; which of the two shows at the end alone: if every tag is
closed, all of it was reasoning, otherwise the first close tag was the end and the reply is read
anew from there.
"""

from strategies.protocols.base import Reasoning
from strategies.protocols.block import Closed, Emit, Ending
from strategies.protocols.scanner import Markers
from strategies.protocols.tape import Tape

OPEN, CLOSE = "<think>", "</think>"
_TAGS = Markers((OPEN, CLOSE))
_CLOSED = Closed(called=False, loose=frozenset((CLOSE,)))


class Thought:
    """Reads reasoning up to its close tag; the open tag has been read."""

    def __init__(self, *, apart: bool = False) -> None:
        self._depth = 1
        self._blank = True
        self._apart = apart
        """Reasoning came before: a line break keeps the two from running together."""
        self._first_end: int | None = None
        """Where it ended if the open tags after the first were only talked about."""
        self._emit: Emit = _nowhere

    def read(self, tape: Tape, emit: Emit, ending: Ending | None) -> Closed | None:
        """Emit what is certainly reasoning; close after the last close tag."""
        self._emit = emit
        if self._first_end is None:
            tape.release()
        while found := _TAGS.find(tape.text, tape.at):
            self._think(tape.text[tape.at : found.start()])
            tape.at = found.end()
            if found[0] == CLOSE:
                self._close(tape)
                if not self._depth:
                    return self._closed(tape)
            elif not self._blank and not _quoted(tape, found.start()):
                self._depth += 1
        until = len(tape.text) if ending else _TAGS.settled(tape.text, tape.at)
        self._think(tape.text[tape.at : until])
        tape.at = until
        return self._end(tape) if ending else None

    def _think(self, text: str) -> None:
        if not text:
            return
        self._blank = self._blank and text.isspace()
        if self._apart:
            self._apart = False
            self._emit(Reasoning("\n"))
        if self._first_end is None:
            self._emit(Reasoning(text))

    def _close(self, tape: Tape) -> None:
        self._depth -= 1
        if self._first_end is None and self._depth:
            if tape.can_afford(0):
                self._first_end = tape.hold()
            else:
                self._depth = 0

    def _closed(self, tape: Tape) -> Closed:
        if self._first_end is not None:
            self._emit(Reasoning(_without_tags(tape.held())))
        return _CLOSED

    def _end(self, tape: Tape) -> Closed:
        if self._first_end is not None:
            tape.back_to(self._first_end)
        return _CLOSED


def _quoted(tape: Tape, index: int) -> bool:
    return tape.text[index - 1] == "`"


def _without_tags(text: str) -> str:
    return text.replace(OPEN, "").replace(CLOSE, "")


def _nowhere(_event: object) -> None: ...

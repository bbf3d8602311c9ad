"""The reader of replies: text, reasoning and calls, told apart while they stream in.

Theory of operation. A reply is text until a marker; the protocol's grammar may make a block of
that marker, which then reads on its own and ends with a verdict:

    closed   → its events are out; white space and left-over markers after it are layout
    refused  → what was no call after all is shown as it stands, and the reading goes on behind it
    handed   → another block reader goes on in its place

Reasoning is a block that every protocol knows. Text is shown as soon as it cannot begin a marker.
White space after a block is the one exception: it waits for the text that it would separate, so
that a reply of calls alone shows nothing at all.
"""

from collections.abc import Sequence
from dataclasses import replace

from strategies.protocols.base import CallDelta, Event, FormatError, Reasoning, Text
from strategies.protocols.stream import reasoning as thought
from strategies.protocols.stream.block import (
    Block,
    Closed,
    Ending,
    Grammar,
    Handed,
    Opening,
    Refused,
)
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.markers import after_blank

_AT_ONCE = 1 << 16
"""Longer pieces are read in parts: what is copied then stays in the processor's cache."""


class ReplyReader:
    """Reads one reply in the given grammar; a `ReplyParser`."""

    def __init__(self, grammar: Grammar, *, starts_in_reasoning: bool = False) -> None:
        self._grammar = grammar
        self._cursor = Cursor()
        self._events: list[Event] = []
        self._block: Block | None = thought.Thought() if starts_in_reasoning else None
        self._at_start = True
        """Nothing but white space since the reply began or a block ended."""
        self._after: Closed | None = None
        self._expected: frozenset[str] = frozenset()
        self._stray: frozenset[str] = frozenset()
        self._suspicion: dict[str, str] = {}
        self._space: list[str] = []
        """The first white space after a block, held back until text follows."""
        self._space_is_whole = False
        self._last_shown = " "
        self._last_thought = " "

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[Event]:
        """Read the next piece; this reader knows nothing of native deltas."""
        del deltas
        if len(text) <= _AT_ONCE:
            self._cursor.add(text)
            return self._read(None)
        return [
            event
            for at in range(0, len(text), _AT_ONCE)
            for event in self.feed(text[at : at + _AT_ONCE])
        ]

    def close(self, *, cut_short: bool = False) -> list[Event]:
        """Read what was held back."""
        return self._read(Ending(cut_short))

    def _read(self, ending: Ending | None) -> list[Event]:
        while self._read_block(self._block, ending) if self._block else self._read_text(ending):
            pass
        events, self._events = self._events, []
        return events

    def _read_text(self, ending: Ending | None) -> bool:
        """Read up to the next block; tell whether one was found."""
        if self._at_start and not self._read_layout(ending):
            return self._block is not None
        cursor, markers = self._cursor, self._grammar.in_text
        found = markers.find(cursor.text, cursor.at)
        if not found:
            until = len(cursor.text) if ending else markers.settled(cursor.text, cursor.at)
            self._show_until(until)
            return False
        self._show_until(found.start())
        if not self._open(found[0]):
            self._show_until(found.end())
            self._suspect(found[0])
        return True

    def _read_layout(self, ending: Ending | None) -> bool:
        """Read white space and left-over markers; tell whether text follows them."""
        cursor, markers = self._cursor, self._grammar.after_block
        while True:
            self._read_blank()
            if marker := markers.here(cursor.text, cursor.at):
                if self._open(marker):
                    if self._block:
                        return False
                    continue
            elif markers.begins_here(cursor.text, cursor.at):
                if ending and self._after and self._after.called:
                    cursor.at = len(cursor.text)  # a tag that was cut off: not for the user
                if not ending or cursor.at == len(cursor.text):
                    return False
            if cursor.at == len(cursor.text):
                return False
            self._at_start = False
            self._after = None
            return True

    def _read_blank(self) -> None:
        cursor = self._cursor
        end = after_blank(cursor.text, cursor.at)
        if not self._after:
            self._show_until(end)
        elif end > cursor.at:
            if not self._space_is_whole:
                self._space.append(cursor.text[cursor.at : end])
            cursor.at = end

    def _open(self, marker: str) -> bool:
        """Take a marker that is more than text: it opens a block, or is left over from one."""
        cursor = self._cursor
        if self._is_left_over(marker):
            if not self._space_is_whole:
                self._space.clear()
            cursor.at += len(marker)
            return True
        opening = Opening(
            marker=marker,
            position=cursor.position,
            line_start=self._at_start or cursor.text[cursor.at - 1] == "\n",
            after=self._after,
        )
        block = self._think(opening) or self._grammar.open(opening)
        if block:
            cursor.hold()
            cursor.at += len(marker)
            self._block = block
        return block is not None

    def _is_left_over(self, marker: str) -> bool:
        """Tell whether a marker belongs to the last block, and settle what it was expected."""
        after = self._after
        is_junk = bool(after and marker in after.junk)
        expected = bool(after and marker in self._expected)
        if marker in self._stray:
            self._stray -= {marker}
            self._after = replace(after, inside=False) if after else None
            return True
        if expected and not is_junk:
            self._expected -= {marker}
        return is_junk or expected

    def _think(self, opening: Opening) -> Block | None:
        if opening.marker != thought.OPEN or self._cursor.text[self._cursor.at - 1] == "`":
            return None
        return thought.Thought(apart=not self._last_thought.isspace())

    def _read_block(self, block: Block, ending: Ending | None) -> bool:
        """Let the block read on; tell whether it has ended."""
        match block.read(self._cursor, self._emit, ending):
            case None:
                return False
            case Handed() as handed:
                self._block = handed.to
            case Closed() as closed:
                self._end_block(closed)
            case refused:
                self._give_back(refused)
        return True

    def _end_block(self, closed: Closed) -> None:
        self._block = None
        self._cursor.release()
        self._at_start = True
        self._after = closed
        self._expected = closed.expected
        self._stray = closed.stray
        self._space_is_whole = bool(self._space)

    def _give_back(self, refused: Refused) -> None:
        cursor = self._cursor
        held = cursor.held()
        start = cursor.position - len(held)
        until = refused.until if cursor.can_afford(refused.until) else cursor.position
        if until < cursor.position:
            cursor.back_to(until)
        cursor.release()
        self._block = None
        self._at_start = False
        self._after = None
        self._show(held[: until - start])
        if refused.unless_open:
            self._suspicion[refused.unless_open] = refused.problem
        elif refused.problem:
            self._events.append(FormatError(refused.problem))

    def _suspect(self, marker: str) -> None:
        if problem := self._suspicion.pop(marker, ""):
            self._events.append(FormatError(problem))

    def _show_until(self, index: int) -> None:
        self._show(self._cursor.text[self._cursor.at : index])
        self._cursor.at = index

    def _show(self, text: str) -> None:
        if not text:
            return
        if self._space:
            if not self._last_shown.isspace():
                text = "".join((*self._space, text))
            self._space.clear()
        self._last_shown = text[-1]
        self._events.append(Text(text))

    def _emit(self, event: Event) -> None:
        if isinstance(event, Reasoning):
            self._last_thought = event.text[-1:]
        self._events.append(event)

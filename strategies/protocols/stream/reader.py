"""The reader of replies: text, reasoning and calls, told apart while they stream in.

Theory of operation. A reply is text until a marker; the protocol's grammar may make a block of
that marker, which then reads on its own and ends with a verdict:

    Closed      → its events are out; white space and left-over markers after it are layout
    NotABlock   → what was no call after all is shown as it stands, and is read on behind it
    HandedOver  → another block reader goes on in its place

Reasoning is a block that every protocol knows. Text is shown as soon as it cannot begin a marker.
What leaves at once and what waits for more is the business of the `Outlet`.
"""

from collections.abc import Sequence
from dataclasses import replace

from strategies.protocols.base import (
    BrokenCall,
    Call,
    CallDelta,
    FormatError,
    Reasoning,
    ReasoningSoFar,
    ReplyEvent,
)
from strategies.protocols.stream import reasoning
from strategies.protocols.stream.block import (
    Block,
    Closed,
    End,
    Grammar,
    HandedOver,
    MarkerFound,
    NotABlock,
)
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.judgement import FENCE, Judge, TextCalls, UndecidedCalls
from strategies.protocols.stream.markers import after_blank
from strategies.protocols.stream.outlet import Outlet

_AT_ONCE = 1 << 16
"""Longer pieces are read in parts: what is copied then stays in the processor's cache."""


class ReplyReader:
    """Reads one reply in the given grammar; a `ReplyParser`."""

    def __init__(
        self,
        grammar: Grammar,
        judge: Judge | None = None,
        *,
        starts_in_reasoning: bool | None = False,
    ) -> None:
        self._grammar = grammar
        self._cursor = Cursor()
        self._outlet = Outlet(judge or TextCalls())
        self._block: Block | None = reasoning.ReasoningBlock() if starts_in_reasoning else None
        self._marker: MarkerFound | None = None
        """What opened the block: the `<tool_call>` of `<tool_call>{"name": …`"""
        self._block_calls: list[Call | BrokenCall] = []
        """The calls of the block so far."""
        self._at_start = True
        """Nothing but layout since the reply began or a block ended."""
        self._after: Closed | None = None
        """The block that ended, as long as nothing but layout follows: `</tool_call>\\n`"""
        self._stray: frozenset[str] = frozenset()
        """Close tags that are passed over wherever they come: `<think>…</think>So</think>`"""
        self._suspicion: dict[str, FormatError] = {}
        """By its close tag what is wrong with an open tag that may be mere talk, as in "<tool_call>
        begins a call": it is told if the close tag turns up in the text later on."""
        self._so_far: list[str] | None = [] if starts_in_reasoning is None else None
        """All of the reply, as long as a lone `</think>` may show that it was reasoning."""
        self._has_reasoned = False
        self._last_thought = " "
        """The last character of the reasoning: unless it is white space, more begins a new line."""

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[ReplyEvent]:
        """Read the next piece; this reader knows nothing of native deltas."""
        del deltas
        if len(text) <= _AT_ONCE:
            if self._so_far is not None:
                self._so_far.append(text)
            self._cursor.add(text)
            self._read(None)
            return self._outlet.take()
        return [
            event
            for at in range(0, len(text), _AT_ONCE)
            for event in self.feed(text[at : at + _AT_ONCE])
        ]

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Read what was held back."""
        ending = End(cut_short)
        self._read(ending)
        self._outlet.end(ending)
        return self._outlet.take()

    def _read(self, ending: End | None) -> None:
        goes_on = True
        while goes_on:
            if self._block:
                goes_on = self._read_block(self._block, ending)
            elif self._at_start:
                goes_on = self._read_layout(ending)
            else:
                goes_on = self._read_text(ending)

    # ---- text and layout: each tells whether there is more to read behind it

    def _read_text(self, ending: End | None) -> bool:
        """Read text up to the next marker, and see what that is."""
        cursor, markers = self._cursor, self._grammar.in_text
        found = markers.find(cursor.text, cursor.at)
        if not found:
            until = len(cursor.text) if ending else markers.settled(cursor.text, cursor.at)
            self._show_until(until)
            return False
        self._show_until(found.start())
        if not self._take_left_over(found[0]) and not self._open(found[0]):
            self._show_until(found.end())
            self._confirm_suspicion(found[0])
        return True

    def _read_layout(self, ending: End | None) -> bool:
        """Read white space and left-over markers, up to text or another block."""
        cursor, markers = self._cursor, self._grammar.after_block
        self._read_blank()
        while (marker := markers.here(cursor.text, cursor.at)) and self._take_left_over(marker):
            self._read_blank()
        if marker:
            if self._open(marker):
                return True
        elif cursor.at == len(cursor.text):
            return False
        elif markers.begins_here(cursor.text, cursor.at):
            if not ending:
                return False
            if self._after and self._after.called:
                self._outlet.pass_over(cursor.text[cursor.at :])  # a cut tag: not for the user
                cursor.at = len(cursor.text)
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
            blank = cursor.text[cursor.at : end]
            cursor.at = end
            self._outlet.pass_space(blank)
            if "\n" in blank and not self._after.inside:
                self._outlet.end_line()

    def _show_until(self, index: int) -> None:
        cursor = self._cursor
        self._outlet.show(cursor.text[cursor.at : index])
        cursor.at = index

    def _take_left_over(self, marker: str) -> bool:
        """Pass over a marker if it belongs to the last block; tell whether it does."""
        after = self._after
        if marker in self._stray:
            self._stray -= {marker}
            self._after = replace(after, inside=False) if after else None
        elif not after:
            return False
        elif marker not in after.junk:
            if marker not in after.expected:
                return False
            self._after = replace(after, expected=after.expected - {marker})
        self._cursor.at += len(marker)
        self._outlet.pass_left_over(marker)
        return True

    def _confirm_suspicion(self, close_tag: str) -> None:
        if error := self._suspicion.pop(close_tag, None):
            self._outlet.give(error)

    # ---- a block begins

    def _open(self, marker: str) -> bool:
        """Open the block that a marker begins; tell whether it begins one."""
        cursor = self._cursor
        found = MarkerFound(
            marker=marker,
            position=cursor.position,
            line_start=self._at_start or cursor.text[cursor.at - 1] == "\n",
            after=self._after,
            standing=self._outlet.around.standing(marker),
        )
        block = self._open_reasoning(found) or self._open_call(found)
        if not block:
            return False
        cursor.hold()
        cursor.at += len(marker)
        self._block = block
        self._marker = found
        return True

    def _open_call(self, found: MarkerFound) -> Block | None:
        """Open what may be a call; a fence that ends an example begins none."""
        ends_fence = found.marker == FENCE and self._outlet.around.in_fence
        return None if ends_fence else self._grammar.open(found)

    def _open_reasoning(self, found: MarkerFound) -> Block | None:
        """Open reasoning; a tag that is only talked about opens none."""
        around = self._outlet.around
        if found.marker not in (reasoning.OPEN, reasoning.CLOSE) or around.in_example:
            return None
        if found.marker == reasoning.CLOSE:
            over = found.line_start or around.sentence_is_over
            return None if self._so_far is None else reasoning.LoneClose(sentence_is_over=over)
        apart = not self._last_thought.isspace()
        if self._after or (self._at_start and not around.said):
            self._so_far = None
            return reasoning.ReasoningBlock(apart=apart)
        if found.line_start or around.sentence_is_over:
            return reasoning.LaterReasoning(apart=apart)
        if self._has_reasoned:
            start = found.position + len(found.marker)
            return reasoning.LaterReasoning(apart=apart, start=start)
        return None

    # ---- a block reads on, and ends

    def _read_block(self, block: Block, ending: End | None) -> bool:
        """Let the block read on; tell whether it has ended."""
        match block.read(self._cursor, self._emit, ending):
            case None:
                return False
            case HandedOver() as handed:
                self._block = handed.to
            case Closed() as closed:
                self._end_block(closed)
            case refused:
                self._give_back(refused)
        return True

    def _emit(self, event: ReplyEvent) -> None:
        match event:
            case Call() | BrokenCall() if not self._grammar.certain:
                self._block_calls.append(event)
            case ReasoningSoFar():
                self._begin_after_reasoning()
            case Reasoning():
                self._has_reasoned = True
                self._last_thought = event.text[-1:]
                self._outlet.give(event)
            case _:
                self._outlet.give(event)

    def _begin_after_reasoning(self) -> None:
        """Take all that came for reasoning: the reply begins behind a lone close tag."""
        before = "".join(self._so_far or ())
        if self._marker:
            before = before[: self._marker.position]
        self._outlet.begin_anew(ReasoningSoFar(before))
        self._so_far = None
        self._suspicion.clear()
        self._last_thought = before[-1:] or " "

    def _end_block(self, closed: Closed) -> None:
        raw = self._cursor.held() if self._block_calls else ""
        self._block = None
        self._cursor.release()
        self._at_start = True
        self._after = closed
        self._stray = closed.stray
        self._outlet.end_block()
        if self._block_calls and self._marker:
            self._hand_on_calls(raw, self._marker)

    def _hand_on_calls(self, raw: str, found: MarkerFound) -> None:
        """Hand on the calls of a block that was written so; in an example they are text."""
        calls, self._block_calls = self._block_calls, []
        if found.standing == "shown":
            self._at_start = False
            self._after = None
            self._stray = frozenset()
            self._outlet.show(raw)
            return
        self._outlet.keep_undecided(
            UndecidedCalls(
                calls=calls, raw=[raw], standing=found.standing, line_start=found.line_start
            )
        )

    def _give_back(self, refused: NotABlock) -> None:
        """Show what was no block, up to where it is read anew."""
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
        error = FormatError(refused.problem, stands_first=self._outlet.is_blank)
        self._outlet.show(held[: until - start])
        if refused.unless_open:
            self._suspicion[refused.unless_open] = error
        elif refused.problem:
            self._outlet.give(error)

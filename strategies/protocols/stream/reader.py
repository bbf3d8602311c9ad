"""The reader of replies: text, reasoning and calls, told apart while they stream in.

Theory of operation. A reply is text until a marker; the protocol's grammar may make a block of
that marker, which then reads on its own and ends with a verdict:

    Closed      → its events are out; white space and left-over markers after it are layout
    NotABlock   → what was no call after all is shown as it stands, and is read on behind it
    HandedOver  → another block reader goes on in its place

Reasoning is a block that every protocol knows. Text is shown as soon as it cannot begin a marker.
White space after a block is the one exception: it waits for the text that it would separate, so
that a reply of calls alone shows nothing at all.

Calls that may turn out to be quoted are held, with all that was passed over since they began, until
a `Judge` says which of them are meant; the others are shown as they were written.
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
    Text,
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
from strategies.protocols.stream.judgement import (
    DECORATION,
    FENCE,
    Judge,
    Surroundings,
    TextCalls,
    UndecidedCalls,
)
from strategies.protocols.stream.markers import after_blank

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
        self._judge = judge or TextCalls()
        self._cursor = Cursor()
        self._events: list[ReplyEvent] = []
        self._around = Surroundings()
        self._marker: MarkerFound | None = None
        """What opened the block."""
        self._found: list[Call | BrokenCall] = []
        """The calls of the block."""
        self._held: list[UndecidedCalls] = []
        self._so_far: list[str] | None = [] if starts_in_reasoning is None else None
        """All of the reply, as long as it may turn out to be reasoning."""
        self._block: Block | None = reasoning.ReasoningBlock() if starts_in_reasoning else None
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
        self._has_reasoned = False

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[ReplyEvent]:
        """Read the next piece; this reader knows nothing of native deltas."""
        del deltas
        if len(text) <= _AT_ONCE:
            if self._so_far is not None:
                self._so_far.append(text)
            self._cursor.add(text)
            return self._read(None)
        return [
            event
            for at in range(0, len(text), _AT_ONCE)
            for event in self.feed(text[at : at + _AT_ONCE])
        ]

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Read what was held back."""
        ending = End(cut_short)
        events = self._read(ending)
        if self._held:
            self._settle(self._judge.at_end(self._held, self._around, ending))
            events += self._taken()
        return events

    def _read(self, ending: End | None) -> list[ReplyEvent]:
        while self._read_block(self._block, ending) if self._block else self._read_text(ending):
            pass
        return self._taken()

    def _taken(self) -> list[ReplyEvent]:
        events, self._events = self._events, []
        return events

    def _read_text(self, ending: End | None) -> bool:
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

    def _read_layout(self, ending: End | None) -> bool:
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
                    self._pass(len(cursor.text))  # a tag that was cut off: not for the user
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
            blank = cursor.text[cursor.at : end]
            if not self._space_is_whole:
                self._space.append(blank)
            self._pass(end)
            line_is_over = "\n" in blank and not self._after.inside
            if self._held and line_is_over and (meant := self._judge.after_line(self._held)):
                self._settle(meant)

    def _pass(self, index: int) -> None:
        """Pass over what is not shown, unless the calls before it are."""
        if self._held:
            self._held[-1].raw.append(self._cursor.text[self._cursor.at : index])
        self._cursor.at = index

    def _open(self, marker: str) -> bool:
        """Take a marker that is more than text: it opens a block, or is left over from one."""
        cursor = self._cursor
        if self._is_left_over(marker):
            if not self._space_is_whole:
                self._space.clear()
            self._pass(cursor.at + len(marker))
            return True
        found = MarkerFound(
            marker=marker,
            position=cursor.position,
            line_start=self._at_start or cursor.text[cursor.at - 1] == "\n",
            after=self._after,
            standing=self._around.standing(marker),
        )
        block = self._reasoning(found) or self._call(found)
        if block:
            cursor.hold()
            cursor.at += len(marker)
            self._block = block
            self._marker = found
        return block is not None

    def _call(self, found: MarkerFound) -> Block | None:
        """Open what may be a call; a fence that ends an example begins none."""
        ends_fence = found.marker == FENCE and self._around.in_fence
        return None if ends_fence else self._grammar.open(found)

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

    def _reasoning(self, found: MarkerFound) -> Block | None:
        """Open reasoning; a tag that is only talked about opens none."""
        if found.marker not in (reasoning.OPEN, reasoning.CLOSE) or self._around.in_example:
            return None
        if found.marker == reasoning.CLOSE:
            over = found.line_start or self._around.sentence_is_over
            return None if self._so_far is None else reasoning.LoneClose(sentence_is_over=over)
        apart = not self._last_thought.isspace()
        if self._after or (self._at_start and not self._around.said):
            self._so_far = None
            return reasoning.ReasoningBlock(apart=apart)
        if found.line_start or self._around.sentence_is_over:
            return reasoning.LaterReasoning(apart=apart)
        if self._has_reasoned:
            start = found.position + len(found.marker)
            return reasoning.LaterReasoning(apart=apart, start=start)
        return None

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

    def _end_block(self, closed: Closed) -> None:
        raw = self._cursor.held() if self._found else ""
        self._block = None
        self._cursor.release()
        self._at_start = True
        self._after = closed
        self._expected = closed.expected
        self._stray = closed.stray
        self._space_is_whole = bool(self._space)
        if self._found and self._marker:
            self._hold(raw, self._marker)

    def _hold(self, raw: str, found: MarkerFound) -> None:
        """Keep the calls of a block until it is certain that they are meant."""
        calls, self._found = self._found, []
        if found.standing == "shown":
            self._at_start = False
            self._after = None
            self._expected = self._stray = frozenset()
            self._show(raw)
            return
        self._held.append(
            UndecidedCalls(
                calls=calls, raw=[raw], standing=found.standing, line_start=found.line_start
            )
        )

    def _settle(self, verdicts: list[bool]) -> None:
        """Hand out the held calls that are meant, and show the others."""
        held, self._held = self._held, []
        for one, is_meant in zip(held, verdicts, strict=True):
            if is_meant:
                self._events += one.calls
            else:
                self._space.clear()
                self._tell(one.written)

    def _give_back(self, refused: NotABlock) -> None:
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
        if self._held:
            text = self._judged(text)
            if not text:
                return
        if self._space:
            if not self._last_shown.isspace():
                text = "".join((*self._space, text))
            self._space.clear()
        self._tell(text)

    def _judged(self, text: str) -> str:
        """Settle the held calls by the text that follows; return what of it is left to show."""
        held = self._held
        if any(one.standing == "alone" for one in held):
            rest = text.lstrip(DECORATION)
            held[-1].raw.append(text[: len(text) - len(rest)])
            if not rest:
                return ""
            text = rest
        self._settle(self._judge.before_text(held, self._around, text))
        return text

    def _tell(self, text: str) -> None:
        self._last_shown = text[-1]
        self._around.add(text)
        self._events.append(Text(text))

    def _emit(self, event: ReplyEvent) -> None:
        match event:
            case Call() | BrokenCall() if not self._grammar.certain:
                self._found.append(event)
            case ReasoningSoFar():
                self._begin_after_reasoning()
            case Reasoning():
                self._has_reasoned = True
                self._last_thought = event.text[-1:]
                self._events.append(event)
            case _:
                self._events.append(event)

    def _begin_after_reasoning(self) -> None:
        """Take all that came for reasoning: the reply begins behind a lone close tag."""
        before = "".join(self._so_far or ())
        if self._marker:
            before = before[: self._marker.position]
        self._events.append(ReasoningSoFar(before))
        self._so_far = None
        self._held.clear()
        self._space.clear()
        self._suspicion.clear()
        self._around = Surroundings()
        self._last_thought = before[-1:] or " "
        self._last_shown = " "

"""What leaves the reader of a reply: text at once, the rest when it is known what follows.

White space after a block waits for the text that it would separate, so that a reply of calls alone
shows nothing at all. Calls that may turn out to be quoted wait, with all that was passed over since
they began, until a `Judge` says which of them are meant; the others are shown as they were written.
"""

from strategies.protocols.base import ReasoningSoFar, ReplyEvent, Text
from strategies.protocols.stream.block import End
from strategies.protocols.stream.judgement import (
    DECORATION,
    Judge,
    Surroundings,
    UndecidedCalls,
)


class Outlet:
    """Takes what the reader finds, and has it ready as events."""

    def __init__(self, judge: Judge) -> None:
        self.around = Surroundings()
        """What has been shown, as far as it tells how the next call stands."""
        self._has_shown = False
        self._judge = judge
        self._events: list[ReplyEvent] = []
        self._undecided: list[UndecidedCalls] = []
        self._space: list[str] = []
        """White space that waits for text: the line break of `Hi.<think>…</think>\\nDone.`"""
        self._space_is_whole = False
        """Another block follows it, behind which there is no more: `</tool_call>\\n<tool_call>…`"""
        self._last_shown = " "
        """The last character that was shown: behind white space none that waits is needed."""

    @property
    def is_blank(self) -> bool:
        """Whether nothing but white space has been shown, and no call waits that may yet be."""
        return not (self._has_shown or self._undecided)

    def take(self) -> list[ReplyEvent]:
        """Hand out the events that are ready."""
        events, self._events = self._events, []
        return events

    def give(self, event: ReplyEvent) -> None:
        """Let an event out that waits for nothing."""
        self._events.append(event)

    def show(self, text: str) -> None:
        """Show text; it decides about the calls before it."""
        if text and self._undecided:
            text = self._decide_before(text)
        if not text:
            return
        if self._space:
            if not self._last_shown.isspace():
                text = "".join((*self._space, text))
            self._space.clear()
        if not self._has_shown:
            self._has_shown = not text.isspace()
        self._last_shown = text[-1]
        self.around.add(text)
        self._events.append(Text(text))

    # ---- between blocks

    def keep_undecided(self, calls: UndecidedCalls) -> None:
        """Keep the calls of a block until it is certain that they are meant."""
        self._undecided.append(calls)

    def end_block(self) -> None:
        """Note that a block has ended: of the white space before it nothing more comes."""
        self._space_is_whole = bool(self._space)

    def pass_space(self, blank: str) -> None:
        """Pass over white space behind a block."""
        if not self._space_is_whole:
            self._space.append(blank)
        self.pass_over(blank)

    def pass_left_over(self, marker: str) -> None:
        """Pass over a marker that is left over; the white space before it separates nothing."""
        if not self._space_is_whole:
            self._space.clear()
        self.pass_over(marker)

    def pass_over(self, text: str) -> None:
        """Pass over what is not shown, unless the calls before it are."""
        if self._undecided:
            self._undecided[-1].raw.append(text)

    # ---- what decides about calls

    def end_line(self) -> None:
        """Let the calls out that are certain once their line is over."""
        if self._undecided and (meant := self._judge.after_line(self._undecided)):
            self._settle(meant)

    def end(self, ending: End) -> None:
        """Decide about all calls that still wait: nothing follows."""
        if self._undecided:
            self._settle(self._judge.at_end(self._undecided, self.around, ending))

    def begin_anew(self, so_far: ReasoningSoFar) -> None:
        """Take back what was found: all of it was reasoning."""
        self.give(so_far)
        self._undecided.clear()
        self._space.clear()
        self.around = Surroundings()
        self._has_shown = False
        self._last_shown = " "

    def _decide_before(self, text: str) -> str:
        """Settle calls by the text that follows them; return what of it is left to show."""
        undecided = self._undecided
        if any(one.standing == "alone" for one in undecided):
            rest = text.lstrip(DECORATION)
            undecided[-1].raw.append(text[: len(text) - len(rest)])
            if not rest:
                return ""
            text = rest
        self._settle(self._judge.before_text(undecided, self.around, text))
        return text

    def _settle(self, verdicts: list[bool]) -> None:
        """Let the calls out that are meant, and show the others."""
        undecided, self._undecided = self._undecided, []
        for one, is_meant in zip(undecided, verdicts, strict=True):
            if is_meant:
                self._events += one.calls
            else:
                self._space.clear()
                self.show(one.written)

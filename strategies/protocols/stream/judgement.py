"""Whether a call that stands in a text is meant, or only shown.

A model that explains a call, quotes a page or gives an example writes the very same letters as one
that calls. What tells them apart is what stands round them, so a call waits until that is known:

* in a code fence, in a quotation (`>`) or in inline code a call is shown, unless the reply is
  nothing else;
* in the middle of a sentence it is shown: the sentence goes on after it, on the same line;
* what the model has read from others it only quotes, whatever stands round it;
* where the model has calls beside the text (`NativeCalls`), a call in the text is meant only if the
  reply is nothing else, or ends with whole tagged calls on lines of their own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from strategies.protocols.base import BrokenCall, Call, IsQuoted, never_quoted
from strategies.protocols.stream.block import End, Standing

FENCE = "```"
DECORATION = " \t\r\n`~>"
_FENCE_LINE = re.compile(r"^[ \t>]{0,12}(?P<mark>`{3,}|~{3,})(?P<info>[^\n`]*)\n", re.MULTILINE)
_SENTENCE_ENDS = frozenset(".!?。！？…")
_TICKS = re.compile(r"`+")
_HEAD = 40


class Surroundings:
    """What has been shown of the reply, as far as it tells what comes next."""

    def __init__(self) -> None:
        self._unread: list[str] = []
        self._head = ""
        """The beginning of the line."""
        self._ticks = 0
        """Stretches of backticks on the line so far."""
        self._last = ""
        """The last character of the line that is not white space."""
        self._fence = ""
        self._said = False

    def add(self, text: str) -> None:
        """Take what is shown next."""
        self._unread.append(text)

    @property
    def said(self) -> bool:
        """Whether anything but white space and the marks of an example was shown."""
        self._look()
        return self._said

    @property
    def in_fence(self) -> bool:
        """Whether a code fence is open."""
        self._look()
        return bool(self._fence)

    @property
    def in_example(self) -> bool:
        """Whether what comes next stands in a fence, a quotation or inline code."""
        self._look()
        return bool(self._fence) or self._head.lstrip().startswith(">") or self._ticks % 2 == 1

    @property
    def sentence_is_over(self) -> bool:
        """Whether what comes next on the line cannot be part of a sentence that began before."""
        self._look()
        return not self._last or self._last in _SENTENCE_ENDS

    def standing(self, marker: str) -> Standing:
        """Say how a call stands that begins here."""
        if marker != FENCE and not self.in_example:
            return "free"
        return "shown" if self.said else "alone"

    def _look(self) -> None:
        if not self._unread:
            return
        text = "".join(self._unread)
        self._unread.clear()
        lines, newline, rest = text.rpartition("\n")
        if newline:
            before = f"{self._head}{lines}\n"
            if "```" in before or "~~~" in before:  # looking at each line costs much more
                for found in _FENCE_LINE.finditer(before):
                    self._pass_fence(found["mark"], found["info"])
            self._head, self._ticks, self._last = "", 0, ""
        self._head = (self._head + rest)[:_HEAD]
        self._ticks += len(_TICKS.findall(rest))
        self._last = rest.rstrip()[-1:] or self._last
        self._said = self._said or bool(text.strip(DECORATION))

    def _pass_fence(self, mark: str, info: str) -> None:
        if not self._fence:
            self._fence = mark
        elif mark.startswith(self._fence) and not info.strip():
            self._fence = ""


def goes_on(*, sentence_is_over: bool, gap: str, after: str) -> bool:
    """Tell whether the sentence in which something stands goes on behind it.

    `gap` is what stands between the two and `after` what follows, beginning with what is not white
    space. Where only a guess is possible the answer is yes: then nothing runs.
    """
    if "\n" in gap or not after:
        return False
    first = after[0]
    if not gap and first.isascii() and first.isalnum():
        return False  # glued to it: no sentence is written so
    return not (sentence_is_over and first.isupper())


@dataclass(slots=True)
class UndecidedCalls:
    """A block of calls that waits for what follows."""

    calls: Sequence[Call | BrokenCall]
    raw: list[str]
    """The block as it was written, and what was passed over behind it."""
    standing: Standing
    line_start: bool

    @property
    def gap(self) -> str:
        """What was passed over behind the block."""
        return "".join(self.raw[1:])

    @property
    def written(self) -> str:
        """All of it."""
        return "".join(self.raw)

    def is_quoted(self, is_quoted: IsQuoted) -> bool:
        """Tell whether one of the calls stands in what others have said."""
        return any(is_quoted(call, self.raw[0]) for call in self.calls)


class Judge(Protocol):
    """Decides about calls that wait; each answer is one per block."""

    def after_line(self, undecided: Sequence[UndecidedCalls]) -> list[bool] | None:
        """Say which calls are meant, now that their line is over; None while that is uncertain."""
        ...

    def before_text(
        self, undecided: Sequence[UndecidedCalls], around: Surroundings, after: str
    ) -> list[bool]:
        """Say which calls are meant if this text follows; `around` is what stands before them."""
        ...

    def at_end(
        self, undecided: Sequence[UndecidedCalls], around: Surroundings, end: End
    ) -> list[bool]:
        """Say which calls are meant if the reply ends here."""
        ...


class TextCalls:
    """Judges calls of a model that has no other way to call."""

    def __init__(self, is_quoted: IsQuoted = never_quoted) -> None:
        """Take what tells a call that the model has read from others."""
        self._is_quoted = is_quoted

    def after_line(self, undecided: Sequence[UndecidedCalls]) -> list[bool] | None:
        """Take what stands in running text and is not followed by more of a sentence."""
        if any(one.standing != "free" for one in undecided):
            return None
        return [self._is_own(one) for one in undecided]

    def before_text(
        self, undecided: Sequence[UndecidedCalls], around: Surroundings, after: str
    ) -> list[bool]:
        """Take them unless they stand in an example or in a sentence that goes on."""
        gap = _TAGS.split(undecided[-1].gap)[-1]
        shown = goes_on(sentence_is_over=around.sentence_is_over, gap=gap, after=after)
        return [one.standing == "free" and not shown and self._is_own(one) for one in undecided]

    def at_end(
        self, undecided: Sequence[UndecidedCalls], around: Surroundings, end: End
    ) -> list[bool]:
        """Take all, an example only if the reply is nothing else."""
        del end
        alone = not around.said
        return [(one.standing == "free" or alone) and self._is_own(one) for one in undecided]

    def _is_own(self, calls: UndecidedCalls) -> bool:
        return not calls.is_quoted(self._is_quoted)


class NativeCalls:
    """Judges calls in the text of a model that has native calls."""

    def __init__(self, is_quoted: IsQuoted = never_quoted) -> None:
        """Take what tells a call that the model has read from others."""
        self._is_quoted = is_quoted

    def after_line(self, undecided: Sequence[UndecidedCalls]) -> list[bool] | None:
        """Wait for the end in any case."""
        del undecided

    def before_text(
        self, undecided: Sequence[UndecidedCalls], around: Surroundings, after: str
    ) -> list[bool]:
        """Take none: the model speaks about them."""
        del around, after
        return [False] * len(undecided)

    def at_end(
        self, undecided: Sequence[UndecidedCalls], around: Surroundings, end: End
    ) -> list[bool]:
        """Take all or none."""
        alone = not around.said and not around.in_example
        meant = alone or all(_is_whole(one, end) for one in undecided)
        quoted = any(one.is_quoted(self._is_quoted) for one in undecided)
        return [meant and not quoted] * len(undecided)


_TAGS = re.compile(r"</?\w+>|<\|\w+\|>")


def _is_whole(calls: UndecidedCalls, end: End) -> bool:
    """Tell whether a block is made of tags, on lines of its own, as a server lets it through."""
    written = calls.written.strip()
    if calls.standing != "free" or not calls.line_start:
        return False
    if all(isinstance(call, BrokenCall) for call in calls.calls):
        return written.startswith("<")
    whole = written.endswith("</tool_call>" if written.startswith("<tool_call>") else "</function>")
    return whole and written.startswith(("<tool_call>", "<function")) and not end.cut_short

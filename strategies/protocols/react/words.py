"""What becomes of the words of a ReAct reply: they are thoughts, the answer, or both in turn.

Text before the first label is held: it is a thought if an action follows and the answer if none
does; once it has grown long it can only be an answer, and is shown while it streams.
"""

from collections.abc import Callable
from dataclasses import dataclass

from strategies.protocols.base import FormatError, Reasoning, ReplyEvent, Text

_OPENING = 300
"""Longer text without a label is an answer."""


@dataclass(frozen=True, slots=True)
class LabelledThought(Reasoning):
    """What stands behind `Thought:`, reasoning that the protocol itself asked for."""


class Words:
    """Sorts the words of one reply, and holds the events that have become certain."""

    def __init__(self) -> None:
        self.events: list[ReplyEvent] = []
        self.keep: Callable[[str], None] = self._hold_opening
        """Takes the text between labels."""
        self._opening: list[str] = []
        """Text before the first label, whose meaning that label tells."""
        self._opening_length = 0
        self._unlabelled: list[str] | None = []
        """The whole text so far; None once the first word of the reply was a label."""
        self._thoughts: list[str] = []
        self._gap = ""
        """White space at the end of a thought, shown only if more of it follows."""
        self._shown = False
        self._failed = False

    @property
    def are_shown(self) -> bool:
        """Whether the reply is being shown: it answers without a label."""
        return self.keep == self.show

    @property
    def are_thoughts(self) -> bool:
        """Whether text between labels is a thought."""
        return self.keep == self.think

    @property
    def begins_with_label(self) -> bool:
        """Whether the first word of the reply was a label: the model keeps to the form."""
        return self._unlabelled is None

    @property
    def are_open(self) -> bool:
        """Whether anything but white space stands before the first label."""
        return bool("".join(self._opening).strip())

    @property
    def have_thoughts(self) -> bool:
        """Whether the model has thought anything."""
        return bool(self._thoughts)

    def take(self, text: str) -> None:
        """Remember the next piece of the reply as it was written."""
        if self._unlabelled is not None:
            self._unlabelled.append(text)

    def pass_label(self) -> None:
        """Take note of a label."""
        if not self.are_open:
            self._unlabelled = None

    def think(self, text: str) -> None:
        """Take text as a thought."""
        said = text.rstrip()
        if said:
            said_so_far = self._gap + said if self._thoughts else text.strip()
            self._thoughts.append(said_so_far)
            self.events.append(LabelledThought(said_so_far))
            self._gap = ""
        self._gap += text[len(said) :]

    def think_opening(self) -> None:
        """Take what stands before the first label as a thought."""
        self.think(self._opening_read().strip())

    def begin_thought(self) -> None:
        """Begin another thought on a line of its own."""
        self.think_opening()
        self._gap = "\n"

    def go_on_thinking(self) -> None:
        """Take all that comes between labels as thoughts."""
        self.think_opening()
        self.keep = self.think

    def show(self, text: str) -> None:
        """Take text as the answer."""
        if text:
            self._shown = True
            self.events.append(Text(text))

    def fail(self, problem: str, written: str = "") -> None:
        """Show what the model wrote, and tell it that this could not be read."""
        error = FormatError(problem, stands_first=not self._shown)
        self._failed = True
        self.show(written)
        self.events.append(error)

    def close(self, *, acted: bool, problem: str) -> None:
        """Decide about what was held; the words of a reply that does nothing else are its answer.

        `problem`: what to tell the model unless it acted or answered.
        """
        self.show(self._opening_read())
        if acted or self._shown:
            return
        if problem:
            self.fail(problem)
        elif not self._failed:
            said = self._thoughts if self._unlabelled is None else self._unlabelled
            self.show("".join(said))

    def _hold_opening(self, text: str) -> None:
        self._opening.append(text)
        self._opening_length += len(text)
        if self._opening_length > _OPENING:
            self.keep = self.show
            self.show(self._opening_read())

    def _opening_read(self) -> str:
        text = "".join(self._opening)
        self._opening.clear()
        return text

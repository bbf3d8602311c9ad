"""The unread part of a reply, and the way back.

Readers look at `text` from index `at` on and move `at` forward. Positions that must outlive a piece
of the reply are counted from its start (`position`). A reader that may have to give up holds the
place where it began (`hold`): from there on everything can be read again (`held`) or anew
(`back_to`). What is neither unread nor held is forgotten, so memory stays as small as the longest
block, and no character is copied more than a few times however the reply is cut.
"""

CONTEXT = 2
"""How many characters that were read already stay in front of the unread ones."""
_REREADS = 4
_FREE_REREADS = 4096


class Cursor:
    """Text that arrives in pieces, read once from left to right."""

    def __init__(self) -> None:
        self.text = "\n" * CONTEXT
        """What was read already, for what looks behind, then the unread characters."""
        self.at = CONTEXT
        self._base = -CONTEXT
        self._held: int | None = None
        self._kept: list[str] = []
        self._reread = 0

    @property
    def position(self) -> int:
        """How many characters of the reply have been read."""
        return self._base + self.at

    def position_of(self, index: int) -> int:
        """Translate an index of `text`."""
        return self._base + index

    def add(self, piece: str) -> None:
        """Put the next piece of the reply behind what is unread."""
        if self._held is not None:
            self._kept.append(self.text[self._held : self.at])
            self._held = CONTEXT
        forgotten = self.at - CONTEXT
        self.text = self.text[forgotten:] + piece
        self._base += forgotten
        self.at = CONTEXT

    def hold(self) -> int:
        """Remember this place, and return its position."""
        self._held = self.at
        self._kept = []
        return self.position

    def release(self) -> None:
        """Forget the place that was held."""
        self._held = None
        self._kept = []

    def held(self) -> str:
        """Return all that was read since the place that is held."""
        recent = self.text[self.at if self._held is None else self._held : self.at]
        return "".join((*self._kept, recent)) if self._kept else recent

    def since(self, start: int, until: int | None = None) -> str:
        """Return what was read from a position that is held, or after it, up to another one."""
        held = self.held()
        first = self.position - len(held)
        return held[start - first : (self.position if until is None else until) - first]

    def can_afford(self, position: int) -> bool:
        """Tell whether going back to `position` keeps the whole reading linear.

        A hostile reply could make every block fail at its very end and read the rest anew for each.
        """
        cost = self._reread + self.position - position
        return cost <= _REREADS * self.position + _FREE_REREADS

    def back_to(self, position: int) -> None:
        """Go back to a place that is held or after it; what follows will be read anew."""
        self._reread += self.position - position
        index = position - self._base
        if index >= CONTEXT:
            self.at = index
            return
        held = self.held()
        place = position - self.position + len(held)
        before = held[max(place - CONTEXT, 0) : place].rjust(CONTEXT, "\n")
        self.text = before + held[place:] + self.text[self.at :]
        self._base = position - CONTEXT
        self.at = CONTEXT
        self._kept = [held[:place]]
        self._held = CONTEXT

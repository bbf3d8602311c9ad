"""The brackets that are open while JSON is read, and what has been read inside of them."""

from dataclasses import dataclass, field

from strategies.protocols.json.malformed import DEPTH_LIMIT, MalformedError
from strategies.protocols.json.marks import OPENERS


@dataclass(slots=True)
class Bracket:
    """A bracket that is still open."""

    closer: str
    members: dict[str, object] = field(default_factory=dict[str, object])
    items: list[object] = field(default_factory=list[object])
    key: str = ""
    doubled: int = 0
    """Openers of `{{…}}` beyond the first."""

    def add(self, value: object) -> str:
        """Take the next member or item; name the key whose other value it replaces, if any."""
        if self.closer != "}":
            self.items.append(value)
            return ""
        lost = self.key if self.members.get(self.key, value) != value else ""
        self.members[self.key] = value
        return lost

    def value(self) -> object:
        """Return what the bracket holds; parentheses around one value mean that value."""
        if self.closer == "}":
            return self.members
        if self.closer == ")" and len(self.items) == 1:
            return self.items[0]
        return self.items


class OpenBrackets:
    """The brackets around the place that is read, the innermost last."""

    def __init__(self) -> None:
        self._open: list[Bracket] = []
        self._counts = {"}": 0, "]": 0, ")": 0}

    @property
    def depth(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def inner(self) -> Bracket:
        """The innermost; there must be one."""
        return self._open[-1]

    @property
    def in_object(self) -> bool:
        """Whether the innermost is an object's; there must be one."""
        return self._open[-1].closer == "}"

    def awaits(self, closer: str) -> bool:
        """Tell whether one that is open ends with `closer`."""
        return bool(self._counts[closer])

    def closers(self) -> str:
        """Return what would close all of them."""
        return "".join(bracket.closer for bracket in reversed(self._open))

    def push(self, opener: str, at: int) -> None:
        """Open one more.

        Raises:
            MalformedError: there are `DEPTH_LIMIT` already.
        """
        if len(self._open) >= DEPTH_LIMIT:
            raise MalformedError.too_deep(at)
        closer = OPENERS[opener]
        self._counts[closer] += 1
        self._open.append(Bracket(closer))

    def pop(self) -> Bracket:
        """Close the innermost."""
        closed = self._open.pop()
        self._counts[closed.closer] -= 1
        return closed

"""The arguments of one native call while they come in.

Providers send them as fragments to be joined, or as ever longer snapshots of the whole. Both
readings are kept until a piece does not begin with all that came before; then it is fragments. A
fragment may look like a snapshot (`{"a": ` and then `{"a": 1}}`), so a reading counts only once
it is a whole JSON object and the other one can no longer become one.

The object is there as soon as it is certain. Joined fragments are parsed once.
"""

import json

from strategies.protocols.json.read import plain_object
from strategies.protocols.json.span import JsonSpan, split_objects
from strategies.protocols.json.strict import STRICT

_MOST_BLANKS = 64
_LONGEST_LITERAL = 6  # an error in a literal that was cut is reported where the literal starts


class Fragments:
    """Joins the pieces of one call's arguments."""

    def __init__(self) -> None:
        self.object: dict[str, object] | None = None
        """The arguments, once they are certain."""
        self.raw = ""
        """The text of `object`."""
        self.rest = ""
        """What followed `object` in the last piece."""
        self._pieces: list[str] = []
        self._length = 0
        self._span: JsonSpan | None = JsonSpan()
        """Follows the joined fragments to the end of the object; None behind it."""
        self._snapshot: str | None = ""
        """The last piece, as long as every piece began with the one before."""

    @property
    def empty(self) -> bool:
        """Whether nothing has come yet but white space."""
        return self._length <= _MOST_BLANKS and not "".join(self._pieces).strip()

    @property
    def text(self) -> str:
        """What has come, in the likelier reading."""
        joined = "".join(self._pieces)
        if self.object is not None:
            return self.raw
        snapshot = self._ambiguous
        if snapshot is None or plain_object(joined) is not None:
            return joined
        certain = plain_object(snapshot) is not None or not could_continue(joined)
        return snapshot if certain else joined

    @property
    def _ambiguous(self) -> str | None:
        return self._snapshot if len(self._pieces) > 1 else None

    def continues(self, piece: str) -> bool:
        """Tell whether the piece is a longer snapshot of what has come."""
        return bool(self._snapshot) and piece.startswith(self._snapshot or "")

    def add(self, piece: str) -> None:
        """Take the next piece, never an empty one, of arguments that are not certain yet."""
        if self._snapshot is not None:
            self._snapshot = piece if piece.startswith(self._snapshot) else None
        self._pieces.append(piece)
        self._length += len(piece)
        if self._span:
            end = self._span.feed(piece)
            if end is not None:
                self._span = None
                self._try_joined(piece, end)
        if self.object is None and self._ambiguous is not None:
            self._try_snapshot(piece)

    def _try_joined(self, piece: str, end: int) -> None:
        raw = "".join(self._pieces)[: self._length - len(piece) + end]
        self._settle(plain_object(raw), raw, piece[end:])

    def _try_snapshot(self, piece: str) -> None:
        first = split_objects(piece)[0] if piece.rstrip().endswith("}") else ""
        found = plain_object(first) if first else None
        if found is not None and not could_continue("".join(self._pieces)):
            self._settle(found, first, piece.lstrip()[len(first) :])

    def _settle(self, found: dict[str, object] | None, raw: str, rest: str) -> None:
        if found is not None:
            self.object, self.raw, self.rest = found, raw.strip(), rest


def could_continue(text: str) -> bool:
    """Tell whether more text could still make this JSON."""
    try:
        STRICT.decode(text)
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(text.rstrip()) - _LONGEST_LITERAL
        return at_end or error.msg.startswith("Unterminated")
    except (ValueError, RecursionError):
        return False
    return False

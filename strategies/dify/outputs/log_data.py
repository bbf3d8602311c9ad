"""What stands in a log once it is opened: small enough to be kept twice by Dify, and readable.

Dify stores every log in the node's outputs and in its metadata, so the data of one log is capped.
The longest texts give way first, and each says how much of it was left out. A text is cut before
anything else is done with it: results may have 20 MB, and nothing may hold the process.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import cast

from strategies.agent.failures.redaction import HIDDEN, is_secret, redacted
from strategies.agent.prompt.shortening import shortened_line
from strategies.dify.transport.frames import as_json, writable_text

LIMIT = 16 * 1024
"""Bytes of one log's data as JSON."""
_SHORTEST = 32
_FEWEST = 4
_ITEMS = 128
_KEY_LENGTH = 128
_DEEPEST = 12
_SHORTEST_SECRET, _LONGEST_SECRET = 8, 256


class _TooMuchError(Exception):
    """The data does not fit with texts and lists as long as they are."""


def capped(data: Mapping[str, object]) -> dict[str, object]:
    """Hide secrets and shorten long texts and lists of a log's data until it fits."""
    # The names of the data and the note on what was left out want some room, too.
    length, items = LIMIT * 3 // 4, _ITEMS
    while length >= _SHORTEST:
        try:
            fitting = _Shortening(length, items).of(data, 0)
            if _size(fitting) <= LIMIT:
                return cast("dict[str, object]", fitting)
        except _TooMuchError:
            pass
        # Lists within lists multiply, so their number gives way faster.
        length, items = length // 2, max(items // 4, _FEWEST)
    return {"left_out": "too large for a log"}


def one_line(said: str, length: int) -> str:
    """Write text on one line of at most so many characters, without secrets."""
    # Four times the length is enough to fold white space in, and spares reading a long text.
    seen = writable_text(said[: length * 4 + _LONGEST_SECRET])
    return shortened_line(redacted(seen), length)


class _Shortening:
    """One attempt: texts of at most `length` characters, lists of at most `items`.

    It is given up as soon as it is clear that the result will not fit, so that an attempt costs
    the same however large the data is.
    """

    def __init__(self, length: int, items: int) -> None:
        self._length = length
        self._items = items
        self._room = LIMIT

    def of(self, value: object, depth: int) -> object:
        """Return a value shortened."""
        match value:
            case str():
                return self._text(value)
            case dict() | Mapping() | list() | tuple() if depth > _DEEPEST:
                return self._spent("…", 1)
            case dict() | Mapping():  # the former is told much faster
                return self._object(cast("Mapping[object, object]", value), depth)
            case list() | tuple():
                return self._list(cast("Sequence[object]", value), depth)
            case _:
                return self._scalar(value)

    def _scalar(self, value: object) -> object:
        match value:
            case None | bool():
                return self._spent(value, 4)
            case int() | float():
                return self._number(value)
            case bytes() | bytearray():
                return self._text(f"({len(value)} bytes)")
            case _:
                return self._text(str(value))

    def _object(self, value: Mapping[object, object], depth: int) -> dict[str, object]:
        kept: dict[str, object] = {}
        for key, item in islice(value.items(), self._items):
            name = str(key)
            shown = self._name(name[:_KEY_LENGTH])
            secret = item and is_secret(name[-_KEY_LENGTH:])
            kept[shown] = HIDDEN if secret else self.of(item, depth + 1)
        if len(value) > self._items:
            kept["…"] = f"{len(value) - self._items} more"
        return kept

    def _name(self, name: str) -> str:
        if len(name) > _SHORTEST:
            return self._text(name)
        shown = _shown_name(name)
        return self._spent(shown, len(shown))

    def _list(self, value: Sequence[object], depth: int) -> list[object]:
        kept = [self.of(item, depth + 1) for item in value[: self._items]]
        return [*kept, f"… {len(value) - len(kept)} more"] if len(value) > len(kept) else kept

    def _text(self, said: str) -> str:
        if len(said) < _SHORTEST_SECRET:
            shown = writable_text(said)
        elif len(said) <= self._length:
            shown = redacted(writable_text(said))
        else:
            half = self._length // 2
            # A secret must be seen whole to be hidden, so the ends are cut after hiding.
            first = redacted(writable_text(said[: half + _LONGEST_SECRET]))[:half]
            last = redacted(writable_text(said[-half - _LONGEST_SECRET :]))[-half:]
            shown = f"{first} … {len(said) - 2 * half} characters left out … {last}"
        return self._spent(shown, len(shown))

    def _number(self, value: float) -> object:
        if isinstance(value, float):
            return self._spent(value if math.isfinite(value) else str(value), 8)
        if value.bit_length() > 1_024:  # noqa: PLR2004 - what a float can hold
            return self._text("(a number of hundreds of digits)")
        return self._spent(value, value.bit_length() // 4)

    def _spent[T](self, value: T, length: int) -> T:
        # Commas, quotes and brackets; what is left of the room is measured at the end.
        self._room -= length + 2
        if self._room < 0:
            raise _TooMuchError
        return value


@lru_cache(maxsize=1_024)
def _shown_name(name: str) -> str:
    """Hide a secret in a short name; the same few stand in every log."""
    return redacted(writable_text(name))


def _size(data: object) -> int:
    return len(as_json(data))

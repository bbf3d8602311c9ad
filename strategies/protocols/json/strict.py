"""Strict JSON, read in C: all of a text, or each of its brackets that is fit for it.

Most brackets that a model writes are strict JSON, or are once they are spelled as JSON; only what
is left is worth a reader that goes step by step.
"""

import json
import math
from typing import NoReturn

from strategies.protocols.json import spelling
from strategies.protocols.json.malformed import DEPTH_LIMIT, MalformedError
from strategies.protocols.json.span import exceeds_depth


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def _without_loss(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs) and any(members[key] != value for key, value in pairs):
        _refuse("a key with two values")
    return members


STRICT = json.JSONDecoder(
    strict=False,
    parse_constant=_refuse,
    parse_float=_finite,
    object_pairs_hook=_without_loss,
)
"""Plain JSON, with control characters allowed, without NaN, infinite numbers and lost values."""

_ATTEMPTS, _REREADS = 100, 4


class StrictBrackets:
    """Reads whole brackets of one text; attempts that fail may together look at it a few times."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._attempts = _ATTEMPTS  # each failure counts the lines before it: that adds up
        self._budget = _REREADS * (len(text) - at)
        self._spelling_attempts = _ATTEMPTS

    def read(self, at: int, depth: int) -> tuple[object, int] | None:
        """Read the bracket that opens at `at`, inside of `depth` others; return where it ends, too.

        None if it is not strict JSON and does not become so by spelling alone.

        Raises:
            MalformedError: it nests too deep.
        """
        if self._attempts <= 0 or self._budget <= 0:
            return self._respelled(at, depth)
        try:
            value, end = STRICT.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            self._budget -= error.pos - at
            self._attempts -= 1
            return self._respelled(at, depth) if spelling.may_help(error) else None
        except (ValueError, RecursionError):
            self._attempts = 0
            return None
        if exceeds_depth(self._text[at:end], DEPTH_LIMIT - depth):
            raise MalformedError.too_deep(at)
        return value, end

    def _respelled(self, at: int, depth: int) -> tuple[object, int] | None:
        if self._spelling_attempts <= 0 or depth + spelling.DEPTH > DEPTH_LIMIT:
            return None
        found = spelling.rewritten(self._text, at)
        if not found:
            return None
        try:
            return STRICT.decode(found[0]), found[1]
        except ValueError:
            self._spelling_attempts -= 1
            return None

"""JSON for a model to read: compact, valid, and no longer than asked for.

The standard encoder writes all of it or nothing, holds the process as long as that takes, and
writes NaN. This one stops at the limit and lets others run in between.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import cast

from strategies.agent.yielding import give_way
from strategies.dify.loose_json import sequence

_DEEPEST = 100
_LONGEST = 1_000_000
_PIECES_AT_A_TIME = 5_000
_LEFT_OUT = "… (the rest is left out)"


def compact(value: object, limit: int = 1_000_000) -> str:
    """Write a value as JSON of at most some `limit` characters; text stands for itself."""
    if isinstance(value, str):
        return value
    written: list[str] = []
    length = 0
    for piece in _pieces(value, 0):
        written.append(piece[: limit - length])
        length += len(piece)
        if length > limit:
            return "".join([*written, _LEFT_OUT])
        if len(written) % _PIECES_AT_A_TIME == 0:
            give_way()
    return "".join(written)


def _pieces(value: object, depth: int) -> Iterator[str]:
    match value:
        case str():
            yield json.dumps(value[:_LONGEST], ensure_ascii=False)
        case None | bool():
            yield json.dumps(value)
        case int() | float():
            yield _number(value)
        case _ if depth > _DEEPEST:
            yield '"…"'
        case Mapping():
            yield from _object(cast("Mapping[object, object]", value), depth)
        case list() | tuple():
            yield from _list(sequence(cast("object", value)), depth)
        case bytes() | bytearray():
            yield f'"({len(value)} bytes)"'
        case _:
            yield json.dumps(str(value), ensure_ascii=False)


def _object(value: Mapping[object, object], depth: int) -> Iterator[str]:
    separator = "{"
    for key, item in value.items():
        yield f"{separator}{json.dumps(str(key), ensure_ascii=False)}:"
        yield from _pieces(item, depth + 1)
        separator = ","
    yield "}" if value else "{}"


def _list(items: object, depth: int) -> Iterator[str]:
    separator = "["
    for item in sequence(items):
        yield separator
        yield from _pieces(item, depth + 1)
        separator = ","
    yield "]" if items else "[]"


def _number(value: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "null"
    try:
        return json.dumps(value)
    except ValueError:
        # Python refuses to write integers of more than 4,300 digits.
        return '"(a number of thousands of digits)"'

"""JSON for a model to read: compact, valid, and no longer than asked for."""

import json
import re

from strategies.agent.streaming.yielding import give_way

_PIECES_AT_A_TIME = 5_000
_LEFT_OUT = "… (the rest is left out)"
_NOT_JSON = re.compile(r"(?:NaN|-?Infinity)$")
"""At the end of a piece, where text has a quotation mark: a number that JSON lacks."""


def compact(value: object, limit: int = 1_000_000) -> str:
    """Write a value as JSON of at most some `limit` characters; text stands for itself."""
    if isinstance(value, str):
        return value
    # The encoder's own loop writes piece by piece, so that it can be stopped and interrupted.
    pieces = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
    written: list[str] = []
    length = 0
    try:
        for piece in pieces.iterencode(value):
            written.append(_NOT_JSON.sub("null", piece[: limit - length]))
            length += len(piece)
            if length > limit:
                return "".join([*written, _LEFT_OUT])
            if len(written) % _PIECES_AT_A_TIME == 0:
                give_way()
    except (RecursionError, ValueError):
        # Nested a thousand times, or a number of thousands of digits.
        written.append(_LEFT_OUT)
    return "".join(written)

"""What stands in a log once it is opened: small enough to be kept twice by Dify, and readable.

Dify stores every log in the node's outputs and in its metadata, so the data of one log is capped.
The longest texts give way first, and each says how much of it was left out.
"""

import json
from collections.abc import Mapping, Sequence
from typing import cast

LIMIT = 16 * 1024
"""Bytes of one log's data as JSON."""
_SHORTEST = 64
_FEWEST = 5


def capped(data: Mapping[str, object]) -> dict[str, object]:
    """Shorten the long texts and lists of a log's data until it fits."""
    limit, items = LIMIT, 200
    shortened = cast("dict[str, object]", _shortened(data, limit, items))
    while _size(shortened) > LIMIT and limit > _SHORTEST:
        limit, items = limit // 2, max(items // 2, _FEWEST)
        shortened = cast("dict[str, object]", _shortened(data, limit, items))
    if _size(shortened) > LIMIT:
        return {"left_out": "too large for a log"}
    return shortened


def one_line(said: str, length: int) -> str:
    """Write text on one line of at most so many characters."""
    # Four times the length is enough to fold white space in, and spares reading a long text.
    folded = " ".join(said[: length * 4].split())
    return folded if len(folded) <= length else f"{folded[: length - 1]}…"


def _shortened(value: object, limit: int, items: int) -> object:
    match value:
        case str():
            return _shortened_text(value, limit)
        case Mapping():
            mapping = cast("Mapping[object, object]", value)
            kept = list(mapping.items())[:items]
            return {str(key)[:limit]: _shortened(item, limit, items) for key, item in kept}
        case list() | tuple():
            entries = cast("Sequence[object]", value)
            kept = [_shortened(entry, limit, items) for entry in entries[:items]]
            left_out = len(entries) - len(kept)
            return [*kept, f"… {left_out} more"] if left_out else kept
        case None | bool() | int() | float():
            return value
        case _:
            return _shortened_text(str(value), limit)


def _shortened_text(said: str, limit: int) -> str:
    if len(said) <= limit:
        return said
    half = limit // 2
    return f"{said[:half]} … {len(said) - 2 * half} characters left out … {said[-half:]}"


def _size(data: object) -> int:
    return len(json.dumps(data, ensure_ascii=False, default=str).encode(errors="replace"))

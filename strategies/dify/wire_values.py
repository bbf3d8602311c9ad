"""Values read off the wire to Dify: anything may be missing, null or of another type."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

type Json = Mapping[str, Any]


def mapping(value: object) -> Json:
    """Return an object as it is, and anything else as an empty one."""
    # A `dict` is told much faster than any other mapping.
    return cast("Json", value) if isinstance(value, dict | Mapping) else {}


def sequence(value: object) -> Sequence[object]:
    """Return a list as it is, and anything else as an empty one."""
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def text_of(value: object) -> str:
    """Return text as it is, null as blank, and anything else as JSON has it."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def only_text(value: object) -> str:
    """Return text as it is, and anything else as blank: for names, which nothing else can be."""
    return value if isinstance(value, str) else ""


def number_of(value: object) -> float | None:
    """Read a number, or text of one; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def decoded(said: str) -> object:
    """Read JSON text; text that is not JSON stays as it is."""
    try:
        return cast("object", json.loads(said))
    except (ValueError, RecursionError):
        return said

"""Small readers for JSON from outside: anything may be missing, null or of another type."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

type Json = Mapping[str, Any]


def mapping(value: object) -> Json:
    """Return an object as it is, and anything else as an empty one."""
    return cast("Json", value) if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[object]:
    """Return a list as it is, and anything else as an empty one."""
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def text(value: object) -> str:
    """Return text as it is, null as blank, and anything else as its plain form."""
    return value if isinstance(value, str) else "" if value is None else str(value)

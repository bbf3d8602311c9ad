"""Which calls are the same: those of one tool whose arguments are the same JSON value.

Order of keys, white space, and 1 against 1.0 make no difference. Two others compare for reasons of
their own: what a page quotes may be written in any form (`quotations`), and what a provider sends
twice is the same to the letter (`native/merge`).
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Protocol, cast


class Written(Protocol):
    """A call, whoever keeps it."""

    @property
    def name(self) -> str:
        """The tool's."""
        ...

    @property
    def arguments(self) -> Mapping[str, object]:
        """As they were read."""
        ...


def is_same_call(one: Written, other: Written) -> bool:
    """Tell whether two calls are the same; most that are not differ at the first look."""
    return (
        one.name == other.name
        and one.arguments == other.arguments
        and call_key(one.name, one.arguments) == call_key(other.name, other.arguments)
    )


def call_key(name: str, arguments: Mapping[str, object]) -> str:
    """Write a call so that the same call always looks the same."""
    return json.dumps([name, _canonical(arguments)], sort_keys=True, default=repr)


def _canonical(value: object) -> object:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[object, object]", value)
        return {str(name): _canonical(inner) for name, inner in fields.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_canonical(inner) for inner in cast("Sequence[object]", value)]
    return value

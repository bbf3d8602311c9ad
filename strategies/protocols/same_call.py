"""Which calls are the same: those of one tool whose arguments are the same JSON value.

Order of keys, white space, and 1 against 1.0 make no difference. (What a tool or a page quotes is
compared more loosely, see `quotations`: it may be written in any form.)
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import cast


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

"""Values that are spelled as another type than the one they are to have.

One function per JSON type: the value as that type, or `UNFIT`. Only the spelling may change: quotes
around a number, a boolean or a whole JSON value, the case of `True`, the 1 and 0 of other languages
for a boolean, 3.0 for 3. What would have to be translated or rounded is a guess, which the model is
asked about instead: "five" is not 5, "yes" is not true, 2.5 is not an integer.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Final, cast

from strategies.protocols.json.read import Value, plain_object, read_value

UNFIT: Final = object()
"""The value cannot be taken for that type."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,300}(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,300}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


def _string(value: object) -> object:
    match value:
        case str():
            return value
        case None:
            return UNFIT
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)


def _integer(value: object) -> object:
    match value:
        case bool():
            return UNFIT
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case str() if _INTEGER.fullmatch(value.strip()):
            return int(value.strip().partition(".")[0])
        case _:
            return UNFIT


def _number(value: object) -> object:
    match value:
        case bool():
            return UNFIT
        case int():
            return value
        case float() if math.isfinite(value):
            return value
        case str() if _NUMBER.fullmatch(value.strip()):
            whole = _integer(value) if "." not in value else UNFIT
            return _finite(float(value)) if whole is UNFIT else whole
        case _:
            return UNFIT


def _finite(number: float) -> object:
    return number if math.isfinite(number) else UNFIT


def _boolean(value: object) -> object:
    match value:
        case bool():
            return value
        case int() | str():
            return _BOOLEANS.get(str(value).strip().lower(), UNFIT)
        case _:
            return UNFIT


def _null(value: object) -> object:
    return None if value in (None, "null", "None") else UNFIT


def _object(value: object) -> object:
    if isinstance(value, Mapping):
        return cast("object", value)
    found = plain_object(value) if isinstance(value, str) else None
    return UNFIT if found is None else found


def _array(value: object) -> object:
    if isinstance(value, list):
        return cast("object", value)
    if isinstance(value, str) and value.lstrip().startswith("["):
        outcome = read_value(value)
        if isinstance(outcome, Value) and not outcome.repaired:
            found = outcome.value
            return cast("object", found) if isinstance(found, list) else UNFIT
    return UNFIT


COERCIONS: Mapping[str, Callable[[object], object]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "null": _null,
    "object": _object,
    "array": _array,
}


def is_of(value: object, kind: str) -> bool:
    """Tell whether the value already is of that JSON type."""
    match value:
        case None | bool():
            return kind == ("null" if value is None else "boolean")
        case int():
            return kind in ("integer", "number")
        case float():
            return kind == "number" and math.isfinite(value)
        case str():
            return kind == "string"
        case _:
            return kind == ("object" if isinstance(value, Mapping) else "array")

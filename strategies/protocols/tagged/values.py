"""Argument values that a model wrote as bare text, typed by the tool's schema.

In markup there are no quotes to tell `3` from `"3"`; the schema decides. Types are tried in the
order in which the author named them; text that fits none of them stays text, for the check against
the schema to complain about. Without a schema everything is text.
"""

import re
from collections.abc import Callable, Mapping
from typing import cast

from strategies.protocols.json.read import Unreadable, read_value

_INTEGER = re.compile(r"[+-]?\d{1,4000}")
_NUMBER = re.compile(r"[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,3})?")
_NULLS = frozenset(("null", "none"))
_LONGEST_NULL = 4
_BOOLEANS = {"true": True, "false": False}
_UNIONS = ("anyOf", "oneOf", "allOf")


class _Unfit(ValueError):  # noqa: N818 - never seen outside; it means "try the next type"
    pass


def typed(text: str, schema: object) -> object:
    """Read a bare value as one of the types that its schema allows."""
    names = _types(schema)
    if _TEXTS.issuperset(names):
        return text
    bare = text.strip()
    if len(bare) <= _LONGEST_NULL and bare.lower() in _NULLS:
        return None
    for name in names:
        if name in _TEXTS:
            return text
        if reader := _READERS.get(name):
            try:
                return reader(bare)
            except _Unfit:
                continue
    return text


def _types(schema: object) -> list[str]:
    if not isinstance(schema, Mapping):
        return []
    members = cast("Mapping[str, object]", schema)
    named = members.get("type")
    if isinstance(named, str):
        return [named.lower()]
    if isinstance(named, list):
        return [name.lower() for name in cast("list[object]", named) if isinstance(name, str)]
    return [
        name
        for union in _UNIONS
        for option in _items(members.get(union))
        for name in _types(option)
    ]


def _items(options: object) -> list[object]:
    return cast("list[object]", options) if isinstance(options, list) else []


def _integer(text: str) -> object:
    if not _INTEGER.fullmatch(text):
        raise _Unfit
    return int(text)


def _number(text: str) -> object:
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        raise _Unfit
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _Unfit
    return value


def _boolean(text: str) -> object:
    if text.lower() not in _BOOLEANS:
        raise _Unfit
    return _BOOLEANS[text.lower()]


def _json_of(kind: type) -> Callable[[str], object]:
    def read(text: str) -> object:
        outcome = read_value(text)
        if not isinstance(outcome, Unreadable) and isinstance(outcome.value, str):
            outcome = read_value(outcome.value)  # JSON inside a JSON string
        if isinstance(outcome, Unreadable) or outcome.guessed:
            raise _Unfit
        if not isinstance(outcome.value, kind):
            raise _Unfit
        return outcome.value

    return read


_TEXTS = frozenset(("string", "str", "text", "varchar", "char", "enum"))
_READERS: Mapping[str, Callable[[str], object]] = {
    name: reader
    for names, reader in (
        ("integer int long", _integer),
        ("number float double decimal", _number),
        ("boolean bool", _boolean),
        ("object dict map", _json_of(dict)),
        ("array list tuple", _json_of(list)),
    )
    for name in names.split()
}

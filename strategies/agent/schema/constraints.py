"""What a JSON Schema asks of a value beyond types and names: sizes, ranges, patterns, no extras.

Calls are not held to it: the schemas of tools are careless there, and a tool says itself what it
does not take. An answer's schema is the app builder's own, so all of it counts.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import cast

from strategies.agent.schema.coercion import is_of
from strategies.agent.schema.resolve import (
    Schema,
    alternatives,
    choices,
    mapping,
    plain,
    sequence,
    types,
)

_STEPS = 20_000
_DEEPEST = 48
_SHOWN = 60


def beyond_types(value: object, schema: Schema) -> tuple[str, ...]:
    """Name everything in which a value of the right type breaks its schema all the same."""
    return tuple(dict.fromkeys(_Walk(schema).problems(value, schema, "", 0)))


class _Walk:
    """One walk; it looks no closer when the schema asks for too many steps."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._steps = _STEPS

    def problems(self, value: object, schema: object, path: str, depth: int) -> list[str]:
        """Name the problems of one value and of all that it holds."""
        self._steps -= 1
        if self._steps < 0 or depth > _DEEPEST:
            return []
        options = alternatives(plain(schema, self._root), self._root)
        tried = [
            self._single(value, option, path, depth)
            for option in options
            if len(options) == 1 or _may_be_meant(value, option)
        ]
        # Whether any alternative has the right type was the business of the check before.
        return min(tried, key=len) if tried else []

    def _single(self, value: object, schema: Schema, path: str, depth: int) -> list[str]:
        found = list(_own(value, schema, path or "the answer"))
        if isinstance(value, Mapping):
            found += self._of_members(mapping(cast("object", value)), schema, path, depth)
        elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
            for place, item in enumerate(sequence(cast("object", value))):
                found += self.problems(item, schema["items"], f"{path}[{place}]", depth + 1)
        return found

    def _of_members(self, value: Schema, schema: Schema, path: str, depth: int) -> list[str]:
        found: list[str] = []
        declared = mapping(schema.get("properties"))
        patterns = mapping(schema.get("patternProperties"))
        more = schema.get("additionalProperties")
        for name, member in value.items():
            where = f"{path}.{name}" if path else name
            asked = [declared[name]] if name in declared else []
            asked += [one for pattern, one in patterns.items() if _matches(pattern, name)]
            if not asked and more is False:
                found.append(f"{where}: is not allowed")
            for one in asked or [more]:
                found += self.problems(member, one, where, depth + 1)
        return found


def _may_be_meant(value: object, schema: Schema) -> bool:
    """Tell whether an alternative can be the one that a value follows."""
    kinds, allowed = types(schema), choices(schema)
    if kinds and not any(is_of(value, kind) for kind in kinds):
        return False
    if allowed and value not in allowed:
        return False
    members = mapping(value)
    if not isinstance(value, Mapping):
        return True
    fixed = {name: choices(mapping(one)) for name, one in mapping(schema.get("properties")).items()}
    return all(name in members for name in sequence(schema.get("required"))) and all(
        members[name] in values for name, values in fixed.items() if values and name in members
    )


def _own(value: object, schema: Schema, path: str) -> Iterator[str]:
    """Name the problems of the value itself, without what it holds."""
    match value:
        case bool() | None:
            return
        case int() | float():
            yield from _number(value, schema, path)
        case str():
            yield from _sized(len(value), schema, ("minLength", "maxLength"), "characters", path)
            pattern = schema.get("pattern")
            if isinstance(pattern, str) and not _matches(pattern, value):
                yield f"{path}: must match the pattern {pattern}, got {_show(value)}"
        case Mapping():
            size = len(mapping(cast("object", value)))
            yield from _sized(size, schema, ("minProperties", "maxProperties"), "members", path)
        case _:
            items = sequence(value)
            yield from _sized(len(items), schema, ("minItems", "maxItems"), "items", path)
            if schema.get("uniqueItems") is True and len(set(map(_key, items))) < len(items):
                yield f"{path}: must not hold an item twice"


def _number(value: float, schema: Schema, path: str) -> Iterator[str]:
    for key, fits, said in _RANGES:
        limit = _limit(schema.get(key))
        if limit is not None and not fits(value, limit):
            yield f"{path}: must be {said} {limit:g}, got {_show(value)}"
    step = _limit(schema.get("multipleOf"))
    if step and abs(value / step - round(value / step)) > _ROUNDING:
        yield f"{path}: must be a multiple of {step:g}, got {_show(value)}"


_ROUNDING = 1e-9
_RANGES: tuple[tuple[str, Callable[[float, float], bool], str], ...] = (
    ("minimum", lambda value, limit: value >= limit, "at least"),
    ("maximum", lambda value, limit: value <= limit, "at most"),
    ("exclusiveMinimum", lambda value, limit: value > limit, "more than"),
    ("exclusiveMaximum", lambda value, limit: value < limit, "less than"),
)


def _sized(size: int, schema: Schema, keys: tuple[str, str], what: str, path: str) -> Iterator[str]:
    least, most = (_limit(schema.get(key)) for key in keys)
    if least is not None and size < least:
        yield f"{path}: must have at least {least:g} {what}, got {size}"
    if most is not None and size > most:
        yield f"{path}: must have at most {most:g} {what}, got {size}"


def _matches(pattern: str, said: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.search(said) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Compile a pattern; one that Python does not know asks nothing."""
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None


def _limit(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _key(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"

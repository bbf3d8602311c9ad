"""The arguments of a call, held against the tool's schema before anything runs.

A value that is only spelled otherwise is set right (coercion.py), unknown arguments are dropped,
choices and required arguments are enforced; no value is guessed. Everything that is wrong is named
with its path, all in one go, so that the model needs one more attempt and not five. Defaults are
left to Dify.

A schema that is broken or exotic asks for less; it never raises and never blocks a call.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from strategies.agent.prompt.shortening import cut
from strategies.agent.schema.coercion import COERCIONS, UNFIT, is_of
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
"""Values looked at in one call; alternatives within alternatives multiply."""
_DEEPEST = 48
_SHOWN = 60
_SHOWN_CHOICES = 30
_NOT_LETTERS = re.compile(r"[\W_]+")
_NAMES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Arguments that do not fit."""

    problems: tuple[str, ...]
    """What is wrong, one sentence for each field."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """A value as the schema wants it."""

    value: object
    changed: bool = False
    """It is not quite what the model wrote."""
    problems: tuple[str, ...] = ()


def check(
    arguments: Mapping[str, object], schema: Mapping[str, object]
) -> dict[str, object] | Refused:
    """Hold the arguments of a call against the schema of its tool; return them as they fit."""
    fit = _Check(schema).members(_encodable(arguments), plain(schema, schema), "", 0)
    if fit.problems:
        return Refused(problems=fit.problems)
    return cast("dict[str, object]", fit.value)


def _encodable(arguments: Mapping[str, object]) -> Mapping[str, object]:
    """Replace half surrogates, which models write and which no wire carries."""
    text = json.dumps(arguments, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode(errors="replace"))
    return arguments


class _Check:
    """One check; it gives up looking closer when the schema asks for too many steps."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._steps = _STEPS

    def value(self, value: object, schema: object, path: str, depth: int) -> _Fit:
        """Fit one value: to the first alternative that takes it as it is, or takes it at all."""
        self._steps -= 1
        if self._steps < 0 or depth > _DEEPEST:
            return _Fit(value)
        simple = plain(schema, self._root)
        options = alternatives(simple, self._root)
        if len(options) == 1 and options[0] is simple:
            return self._single(value, simple, path, depth)
        fits = [self.value(value, option, path, depth + 1) for option in options]
        good = [fit for fit in fits if not fit.problems]
        exact = [fit for fit in good if not fit.changed]
        if exact or (good and isinstance(value, Mapping | list)):
            return (exact or good)[0]
        return _only(value, [fit.value for fit in good], path) or _least_wrong(
            value, options, fits, path
        )

    def _single(self, value: object, schema: Schema, path: str, depth: int) -> _Fit:
        allowed = choices(schema)
        if allowed:
            return _chosen(value, allowed, path)
        kinds = [kind for kind in types(schema) if kind in COERCIONS]
        if not kinds:
            return _Fit(value)
        for kind in kinds:
            if is_of(value, kind):
                return self._inside(value, kind, schema, path, depth)
        return self._coerced(value, kinds, schema, path, depth)

    def _coerced(
        self, value: object, kinds: list[str], schema: Schema, path: str, depth: int
    ) -> _Fit:
        """Fit a value of another type than the schema allows."""
        read = {kind: COERCIONS[kind](value) for kind in kinds}
        meant = {kind: one for kind, one in read.items() if one is not UNFIT}
        if len(meant) > 1:
            meant.pop("string", None)  # everything can be turned into a text: the last resort
        only = _only(value, list(meant.values()), path)
        if only and only.problems:
            return only
        if only:
            kind = next(iter(meant))
            fit = self._inside(meant[kind], kind, schema, path, depth)
            return _Fit(fit.value, changed=True, problems=fit.problems)
        if "type" not in schema:
            return _Fit(value)  # the type was only inferred
        if "array" in kinds and _may_stand_alone(value):
            fit = self.value(value, schema.get("items"), path, depth + 1)
            if not fit.problems and not fit.changed:
                return _Fit([fit.value], changed=True)
        return _wrong(path, f"must be {_any_of(_NAMES[kind] for kind in kinds)}", value)

    def _inside(self, value: object, kind: str, schema: Schema, path: str, depth: int) -> _Fit:
        if kind == "object":
            return self.members(mapping(value), schema, path, depth)
        if kind == "array":
            return self._items(sequence(value), schema, path, depth)
        return _Fit(value)

    def _items(self, values: list[object], schema: Schema, path: str, depth: int) -> _Fit:
        items = schema.get("items")
        if not isinstance(items, Mapping):
            return _Fit(values)
        found = _Members()
        fitted: list[object] = []
        for place, value in enumerate(values):
            fit = self.value(value, cast("Schema", items), f"{path}[{place}]", depth + 1)
            found.take(fit)
            fitted.append(fit.value)
        return _Fit(fitted, changed=found.changed, problems=tuple(found.problems))

    def members(self, given: Mapping[str, object], schema: Schema, path: str, depth: int) -> _Fit:
        """Fit the members of an object."""
        options = alternatives(schema, self._root)
        if options[0] is not schema:
            return self.value(given, {"type": "object", **schema}, path, depth + 1)
        found = _Members()
        properties = mapping(schema.get("properties"))
        required = {name for name in sequence(schema.get("required")) if isinstance(name, str)}
        strangers = given.keys() - properties.keys()
        meant = _by_letters(properties.keys() - given.keys()) if strangers else {}
        for written, value in given.items():
            name = meant.get(_letters(written), written) if written in strangers else written
            where = f"{path}.{name}" if path else name
            if name not in properties:
                self._unknown(found, name, value, schema, where, depth)
                continue
            found.changed |= name != written
            asked = plain(properties[name], self._root)
            fit = self.value(value, asked, where, depth + 1)
            if fit.problems and value is None and name not in required:
                found.changed = True  # null says that it is not given
                continue
            found.take(fit)
            found.members[name] = fit.value
        for name in sorted(required - found.members.keys()):
            if "default" in mapping(properties.get(name)):
                continue
            found.problems.append(f"{path}.{name}: is required" if path else f"{name}: is required")
        return _Fit(found.members, changed=found.changed, problems=tuple(found.problems))

    def _unknown(
        self, found: "_Members", name: str, value: object, schema: Schema, where: str, depth: int
    ) -> None:
        """Keep an argument that the schema does not name, if it allows for such."""
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping):
            fit = self.value(value, cast("Schema", more), where, depth + 1)
            found.take(fit)
            found.members[name] = fit.value
        elif more is True or "patternProperties" in schema or _is_open(schema, depth):
            found.members[name] = value
        else:
            found.changed = True


@dataclass(slots=True)
class _Members:
    """What the parts of an object or a list came to."""

    members: dict[str, object] = field(default_factory=dict[str, object])
    changed: bool = False
    problems: list[str] = field(default_factory=list[str])

    def take(self, fit: _Fit) -> None:
        self.changed |= fit.changed
        self.problems.extend(fit.problems)


def _is_open(schema: Schema, depth: int) -> bool:
    """Tell whether an object names no members, which below the top means: any."""
    properties = schema.get("properties")
    return not isinstance(properties, Mapping) or (depth > 0 and not properties)


def _by_letters(names: Iterable[str]) -> dict[str, str]:
    """Sort names by what is left of them without case, `-` and `_`, where that tells one alone."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_letters(name), []).append(name)
    return {letters: found[0] for letters, found in alike.items() if len(found) == 1}


def _letters(name: str) -> str:
    return _NOT_LETTERS.sub("", name).casefold()


def _chosen(value: object, allowed: list[object], path: str) -> _Fit:
    """Take one of the declared choices, whatever the case it is written in."""
    if any(_same(value, choice) for choice in allowed):
        return _Fit(value)
    alike = [choice for choice in allowed if _text(choice) == _text(value)]
    if len(alike) == 1:
        return _Fit(alike[0], changed=True)
    shown = [_show(choice) for choice in allowed[:_SHOWN_CHOICES]]
    rest = ["…"] if len(allowed) > _SHOWN_CHOICES else []
    one_of = "must be" if len(allowed) == 1 else "must be one of"
    return _wrong(path, f"{one_of} {', '.join(shown + rest)}", value)


def _only(value: object, meanings: list[object], path: str) -> _Fit | None:
    """Take the one meaning that a value has; of several none is guessed."""
    if not meanings:
        return None
    if all(_same(meaning, meanings[0]) for meaning in meanings):
        return _Fit(meanings[0], changed=True)
    shown = " or ".join(map(_show, meanings))
    return _Fit(value, problems=(f"{path}: {_show(value)} can mean {shown}: write which",))


def _least_wrong(value: object, options: list[Schema], fits: list[_Fit], path: str) -> _Fit:
    """Name the problems of the alternative that was meant, if its type tells which."""
    meant = [
        fit
        for option, fit in zip(options, fits, strict=True)
        if any(is_of(value, kind) for kind in types(option))
    ]
    if len(meant) == 1 or (meant and len({fit.problems for fit in meant}) == 1):
        return meant[0]
    named = [fit for fit, option in zip(fits, options, strict=True) if types(option) != ["null"]]
    if len(named) == 1:
        return named[0]
    kinds = dict.fromkeys(_NAMES.get(kind, kind) for option in options for kind in types(option))
    expected = f"must be {_any_of(kinds)}" if len(kinds) > 1 else "fits none of the allowed forms"
    return _wrong(path, expected, value)


def _wrong(path: str, expected: str, value: object) -> _Fit:
    return _Fit(value, problems=(f"{path}: {expected}, got {_show(value)}",))


def _may_stand_alone(value: object) -> bool:
    """Tell whether a value is plainly one item, and not a list written as text."""
    return value is not None and not (isinstance(value, str) and re.search(r"[,;\n\[]", value))


def _same(first: object, second: object) -> bool:
    """Compare as JSON does: true is not 1."""
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def _text(value: object) -> str:
    return value.strip().casefold() if isinstance(value, str) else _show(value).casefold()


def _show(value: object) -> str:
    return cut(json.dumps(value, ensure_ascii=False, default=str), _SHOWN)


def _any_of(names: Iterable[str]) -> str:
    *most, last = dict.fromkeys(names)
    return f"{', '.join(most)} or {last}" if most else last

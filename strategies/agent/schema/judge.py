"""A JSON value held against a JSON Schema by the library `jsonschema`, and its verdict in words.

All of draft 2020-12 counts, and the older draft that a schema names in `$schema`. References are
followed within the schema; nothing is ever fetched. The library is imported when a run first has a
schema, because that takes 0.1 s and more.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from importlib import import_module
from itertools import islice
from typing import Any

from strategies.agent.prompt.shortening import cut
from strategies.agent.schema.coercion import COERCIONS, UNFIT
from strategies.agent.schema.resolve import Schema, mapping

_MOST_PROBLEMS = 12
_PROBLEM_LENGTH = 400
_REFERENCES = ("$ref", "$dynamicRef")
_SCALARS = frozenset(("string", "integer", "number", "boolean", "null"))


class Judge:
    """The judge for one schema."""

    def __init__(self, schema: Schema) -> None:
        validators = import_module("jsonschema.validators")
        dialect = validators.validator_for(schema, default=validators.Draft202012Validator)
        self._schema = schema
        self._meta = dialect(dialect.META_SCHEMA, format_checker=dialect.FORMAT_CHECKER)
        self._words = dialect.VALIDATORS.keys()
        self._registry = import_module("jsonschema_specifications").REGISTRY
        self._validator = dialect(schema, registry=self._registry)
        self._unresolvable = import_module("referencing.exceptions").Unresolvable

    def faults(self) -> Iterator[str]:
        """Name what is wrong with the schema itself."""
        if self._schema and not self._schema.keys() & self._words:
            yield "it holds none of the words of a schema, such as type or properties"
        try:
            for error in self._meta.iter_errors(self._schema):
                yield from _told(error, "it")
            for reference in self._dead_references():
                yield f"the reference {json.dumps(reference)} leads nowhere within it"
            self._validator.is_valid(None)
        except RecursionError:
            yield "it is nested too deeply or refers to itself without end"

    def judged(self, value: object) -> tuple[object, tuple[str, ...]]:
        """Return the value as the schema wants it, or what is wrong with it."""
        try:
            errors: list[Any] = list(islice(self._validator.iter_errors(value), _MOST_PROBLEMS))
            if not errors:
                return value, ()
            respelled = _respelled(value, errors)
            if self._validator.is_valid(respelled):
                return respelled, ()
        except (RecursionError, self._unresolvable):
            return value, ("the answer cannot be checked: the schema leads nowhere or in circles",)
        problems = dict.fromkeys(one for error in errors for one in _told(error, "the answer"))
        return value, tuple(problems)[:_MOST_PROBLEMS]

    def _dead_references(self) -> Iterator[object]:
        """Find references that lead out of the schema or nowhere."""
        referencing = import_module("referencing")
        newest = import_module("referencing.jsonschema").DRAFT202012
        root = referencing.Resource.from_contents(self._schema, default_specification=newest)
        waiting = [(root, self._registry.with_resource("", root).resolver_with_root(root))]
        while waiting:
            resource, resolver = waiting.pop()
            for reference in map(mapping(resource.contents).get, _REFERENCES):
                try:
                    if reference is not None:
                        resolver.lookup(reference)
                except self._unresolvable:
                    yield reference
            waiting += [(one, resolver.in_subresource(one)) for one in resource.subresources()]


def _respelled(value: object, errors: Sequence[Any]) -> object:
    """Read scalars that are written as another type, such as "3", as the type that is asked for."""
    whole = [deepcopy(value)]
    for error in _leaves(errors):
        if error.validator != "type" or isinstance(error.instance, Mapping | list):
            continue
        kinds = [error.validator_value] if isinstance(error.validator_value, str) else []
        for kind in _SCALARS.intersection(kinds or error.validator_value):
            meant = COERCIONS[kind](error.instance)
            if meant is not UNFIT:
                _put(whole, [0, *error.absolute_path], meant)
    return whole[0]


def _leaves(errors: Sequence[Any]) -> Iterator[Any]:
    for error in errors:
        if error.context:
            yield from _leaves(error.context)
        else:
            yield error


def _put(whole: Any, path: Sequence[Any], value: object) -> None:
    for step in path[:-1]:
        whole = whole[step]
    whole[path[-1]] = value


def _told(error: Any, whole: str) -> Iterator[str]:
    """Say what an error is; of alternatives, what is wrong with the one that was meant."""
    alternatives: dict[object, list[Any]] = {}
    for inner in error.context:
        alternatives.setdefault(inner.schema_path[0], []).append(inner)
    meant = [errors for errors in alternatives.values() if not any(map(_rules_out, errors))]
    if len(meant) == 1:
        for inner in meant[0]:
            yield from _told(inner, whole)
        return
    told = [" and ".join(map(_sentence, errors)) for errors in alternatives.values()]
    where = error.json_path.removeprefix("$").removeprefix(".") or whole
    yield cut(f"{where}: {', or '.join(told) or _sentence(error)}", _PROBLEM_LENGTH)


def _rules_out(error: Any) -> bool:
    """Tell whether an error shows that another alternative of the schema was meant."""
    if error.validator in {"const", "enum"}:
        return True
    return error.validator in {"type", "required"} and not error.path


def _sentence(error: Any) -> str:
    """Say what is wrong with a value, and the limit that it breaks where the library does not."""
    limit = error.validator_value
    told = isinstance(limit, bool) or str(limit) in error.message
    if isinstance(limit, int | float | str) and not told:
        return f"{error.message} ({error.validator}: {limit})"
    return str(error.message)

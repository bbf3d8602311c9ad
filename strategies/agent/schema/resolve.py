"""JSON Schemas made plain: references followed, `allOf` folded in, alternatives listed.

Schemas come from tools and MCP servers and may be exotic or broken. What is not understood asks
nothing: it must never block a call.
"""

from collections.abc import Mapping
from typing import cast

type Schema = Mapping[str, object]

_LONGEST_CHAIN = 16  # of references to references, which may go in circles


def mapping(value: object) -> Schema:
    """Take the value for a schema part; anything else is an empty one."""
    return cast("Schema", value) if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[object]:
    """Take the value for a list; anything else is an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def plain(schema: object, root: Schema, chain: int = 0) -> Schema:
    """Return the schema with its reference and its `allOf` folded in."""
    found = mapping(schema)
    if chain > _LONGEST_CHAIN:
        return {}
    reference = found.get("$ref")
    if isinstance(reference, str):
        siblings = {key: value for key, value in found.items() if key != "$ref"}
        found = merged(plain(_target(reference, root), root, chain + 1), siblings)
    parts = sequence(found.get("allOf"))
    if parts:
        found = {key: value for key, value in found.items() if key != "allOf"}
        for part in parts:
            found = merged(found, plain(part, root, chain + 1))
    return found


def merged(first: Schema, second: Schema) -> Schema:
    """Return what asks for both: properties and required names add up."""
    both = {**first, **second}
    if "properties" in first and "properties" in second:
        both["properties"] = {**mapping(first["properties"]), **mapping(second["properties"])}
    if "required" in first and "required" in second:
        both["required"] = [*sequence(first["required"]), *sequence(second["required"])]
    return both


def alternatives(schema: Schema, root: Schema) -> list[Schema]:
    """Return the schemas of which one must fit; one alone if there is no choice."""
    for key in ("anyOf", "oneOf"):
        options = sequence(schema.get(key))
        if options:
            rest = {name: value for name, value in schema.items() if name != key}
            return [merged(rest, plain(option, root)) for option in options]
    return [schema]


def types(schema: Schema) -> list[str]:
    """Return the types that the schema allows; none if it does not say."""
    named = schema.get("type")
    found = [named] if isinstance(named, str) else sequence(named)
    kinds = [kind.lower() for kind in found if isinstance(kind, str)]
    if not kinds and isinstance(schema.get("properties"), Mapping):
        kinds = ["object"]
    if not kinds and "items" in schema:
        kinds = ["array"]
    if kinds and schema.get("nullable") is True:
        kinds.append("null")
    return kinds


def choices(schema: Schema) -> list[object]:
    """Return the values that the schema allows; none if it does not name them."""
    if "const" in schema:
        return [schema["const"]]
    return sequence(schema.get("enum"))


def _target(reference: str, root: Schema) -> object:
    """Follow a reference within the schema; others cannot be followed here."""
    if not reference.startswith("#"):
        return {}
    target: object = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if name:
            target = mapping(target).get(name)
    return target

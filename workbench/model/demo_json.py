"""What the demo model does with a JSON Schema: it fills it by rule from what it has found."""

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from workbench.base.ports import Json, is_object, objects

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_NO_AMOUNT = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}:\d{2}(?::\d{2})?|\[\d+\]")
_DEEPEST = 8
_SHORTEST = 2
_ASKED = re.compile(r"final answer must be|最终回答必须是")


def asked_shape(texts: Sequence[str]) -> Json | None:
    """Find the JSON Schema that the answer is to follow; None when there is none."""
    # Tools are described by schemas too, so only one that an answer is asked in counts.
    asked = (_ASKED.split(text, maxsplit=1)[1:] for text in texts)
    return next(
        (value for text in asked for value in _values("".join(text)) if _is_shape(value)), None
    )


def filled(schema: Json, found: Sequence[str], name: str = "", depth: int = 0) -> Any:
    """Write a value of that shape."""
    fixed = [schema["const"]] if "const" in schema else _listed(schema.get("enum"))
    if fixed:
        return fixed[0]
    kind = _type(schema)
    if kind == "object":
        return _object(schema, found, depth)
    if kind == "array":
        return _array(schema, found, depth)
    return _scalar(kind, _fitting(name, found))


def _listed(listed: Any) -> list[Any]:
    return cast("list[Any]", listed) if isinstance(listed, list) else []


def _scalar(kind: str, found: Sequence[str]) -> Any:
    match kind:
        case "integer":
            return int(_number(found))
        case "number":
            return _number(found)
        case "boolean":
            return bool(found)
        case "null":
            return None
        case _:
            return "; ".join(found)


def _is_shape(value: Json) -> bool:
    return is_object(value.get("properties")) and value.get("type", "object") == "object"


def _type(schema: Json) -> str:
    usual = "object" if "properties" in schema else "string"
    kind: Any = schema.get("type") or usual
    return str(next(iter(_listed(kind)), usual)) if isinstance(kind, list) else str(kind)


def _object(schema: Json, found: Sequence[str], depth: int) -> Json:
    properties: Json = schema.get("properties") or {}
    if depth > _DEEPEST:
        return {}
    return {name: filled(each, found, name, depth + 1) for name, each in properties.items()}


def _array(schema: Json, found: Sequence[str], depth: int) -> list[Any]:
    items: Json = schema.get("items") or {}
    if depth > _DEEPEST:
        return []
    return [filled(items, [each], depth=depth + 1) for each in found]


def _fitting(name: str, found: Sequence[str]) -> Sequence[str]:
    # A field named like a tool gets what that tool told; any other gets everything.
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if len(word) > _SHORTEST]
    named = [
        each for each in found if any(word in each.partition(":")[0].lower() for word in words)
    ]
    return [each.partition(": ")[2] or each for each in named] if named else found


def _number(found: Sequence[str]) -> float:
    numbers = [number for each in found for number in _NUMBER.findall(_NO_AMOUNT.sub(" ", each))]
    value = float(numbers[-1]) if numbers else 0.0
    return int(value) if value.is_integer() else value


def _values(text: str) -> list[Json]:
    decoder = json.JSONDecoder()
    values: list[Any] = []
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
            values.append(value)
        except (ValueError, RecursionError):
            end = at + 1
        at = text.find("{", end)
    return objects(values)

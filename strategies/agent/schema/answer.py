"""The JSON that an answer is to be, where the builder of the app gave a schema.

Answers are read tolerantly (fences and prose around the JSON, small mistakes in it) and then held
strictly against the schema. What is plain is set right, such as "3" for 3; everything else is named
for the model, all in one go.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from strategies.agent.schema.arguments import Refused, check
from strategies.agent.schema.coercion import COERCIONS
from strategies.agent.schema.constraints import beyond_types
from strategies.agent.schema.resolve import Schema, mapping, plain, sequence, types
from strategies.protocols.base import Language
from strategies.protocols.json.read import Value, read_value

_DEEPEST = 32
_MOST_PROBLEMS = 12
_WHOLE = "answer"
_NAMED_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions")
_LISTED_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_ONE_SCHEMA = ("items", "additionalProperties", "not")
_WORDS = frozenset(
    ("type", "enum", "const", "$ref", "required", *_NAMED_SCHEMAS, *_LISTED_SCHEMAS, *_ONE_SCHEMA)
)
_REQUESTS: Mapping[Language, str] = {
    "en": (
        "Your final answer must be one JSON value that fits this JSON Schema. Write the JSON "
        "alone, without a code fence and without words before or after it:\n{schema}"
    ),
    "zh": (
        "最终回答必须是一个符合以下 JSON Schema 的 JSON 值。只写 JSON 本身，"
        "不要使用代码块，前后不要有其他文字：\n{schema}"
    ),
}


class ShapeError(ValueError):
    """The text is no JSON Schema; what is wrong is said in one sentence for the app's builder."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """An answer that fits."""

    value: object
    text: str
    """The value as JSON."""


@dataclass(frozen=True, slots=True)
class Misshapen:
    """An answer that does not fit; every bad field is named."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """A JSON Schema."""

    schema: Mapping[str, object]

    def request(self, language: Language) -> str:
        """Ask the model for an answer of this shape."""
        return _REQUESTS[language].format(schema=json.dumps(self.schema, ensure_ascii=False))

    def read(self, answer: str) -> Shaped | Misshapen:
        """Read an answer and check it."""
        outcome = read_value(answer)
        if not isinstance(outcome, Value):
            return Misshapen((outcome.problem,))
        if outcome.repaired and isinstance(outcome.value, str) and not self._may_be_text():
            # Prose reads like a text without quotes, which a list would take as its one item.
            return Misshapen(("the answer is text and no JSON",))
        value, problems = _checked(outcome.value, self.schema)
        problems = problems or beyond_types(value, self.schema)
        if problems:
            return Misshapen(problems[:_MOST_PROBLEMS])
        return Shaped(value, json.dumps(value, ensure_ascii=False))

    def _may_be_text(self) -> bool:
        kinds = types(plain(self.schema, self.schema))
        return not kinds or "string" in kinds


def read_shape(text: object) -> AnswerShape | None:
    """Read the parameter `answer_schema`; blank means none.

    A schema in the envelope in which providers want it, {"name": …, "schema": …}, is unpacked.

    Raises:
        ShapeError: it is no JSON Schema.
    """
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    schema = _unpacked(_decoded(text) if isinstance(text, str) else text)
    if not isinstance(schema, Mapping):
        raise ShapeError("The parameter `answer_schema` must be a JSON object: a JSON Schema.")
    shape = cast("Schema", schema)
    fault = next(_faults(shape, shape, "", 0), None)
    if fault is None and shape and not _WORDS & shape.keys():
        fault = "it holds none of the words of a schema, such as type or properties"
    if fault:
        raise ShapeError(f"The parameter `answer_schema` is no JSON Schema: {fault}.")
    return AnswerShape(shape)


# -- the schema


def _decoded(text: str) -> object:
    try:
        return cast("object", json.loads(text))
    except RecursionError:
        raise ShapeError("The parameter `answer_schema` is nested too deeply.") from None
    except ValueError as error:
        where = (
            f" at line {error.lineno}, column {error.colno}: {error.msg}"
            if isinstance(error, json.JSONDecodeError)
            else ""
        )
        raise ShapeError(f"The parameter `answer_schema` cannot be read as JSON{where}.") from None


def _unpacked(value: object) -> object:
    for key in ("json_schema", "schema"):
        inner = mapping(value).get(key)
        packed = "type" not in mapping(value) or mapping(value)["type"] == "json_schema"
        if packed and isinstance(inner, Mapping):
            value = cast("object", inner)
    return value


def _faults(schema: object, root: Schema, path: str, depth: int) -> Iterator[str]:
    """Name what no schema can have; words that are not known here are let be."""
    if isinstance(schema, bool):
        return
    where = f"`{path}`" if path else "it"
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        yield f"{where} is no schema" if depth <= _DEEPEST else f"{where} is nested too deeply"
        return
    found = cast("Schema", schema)
    yield from _own_faults(found, root, where)
    for key in _NAMED_SCHEMAS:
        if not isinstance(found.get(key, {}), Mapping):
            yield f"{key} of {where} must be an object"
        for name, inner in mapping(found.get(key)).items():
            yield from _faults(inner, root, f"{path}/{key}/{name}".lstrip("/"), depth + 1)
    for key in _LISTED_SCHEMAS:
        options = sequence(found.get(key))
        if key in found and not options:
            yield f"{key} of {where} must be a list of schemas"
        for place, inner in enumerate(options):
            yield from _faults(inner, root, f"{path}/{key}/{place}".lstrip("/"), depth + 1)
    for key in _ONE_SCHEMA:
        if key in found and not isinstance(found[key], list):
            yield from _faults(found[key], root, f"{path}/{key}".lstrip("/"), depth + 1)


def _own_faults(schema: Schema, root: Schema, where: str) -> Iterator[str]:
    kinds = schema.get("type", [])
    for kind in [kinds] if not isinstance(kinds, list) else cast("list[object]", kinds):
        if kind not in COERCIONS:
            yield f"{where} has the type {json.dumps(kind, default=str)}, which JSON does not know"
    names = schema.get("required", [])
    texts = [one for one in sequence(names) if isinstance(one, str)]
    if texts != names:
        yield f"required of {where} must be a list of names"
    if "enum" in schema and not sequence(schema["enum"]):
        yield f"enum of {where} must be a list of values"
    reference = schema.get("$ref")
    if reference is not None and not _leads_somewhere(reference, root):
        yield f"the $ref {json.dumps(reference, default=str)} of {where} leads nowhere within it"
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not _compiles(pattern):
        yield f"the pattern of {where} is no regular expression"


def _leads_somewhere(reference: object, root: Schema) -> bool:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return False
    found: object = root
    for step in filter(None, reference.removeprefix("#").split("/")):
        name = step.replace("~1", "/").replace("~0", "~")
        if name not in mapping(found):
            return False
        found = mapping(found)[name]
    return True


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


# -- the answer


def _checked(value: object, schema: Schema) -> tuple[object, tuple[str, ...]]:
    """Hold a value against types, names and choices as the arguments of a call are."""
    asked = mapping(_strict(schema, 0))
    kinds = types(plain(asked, asked))
    if isinstance(value, Mapping) and (not kinds or "object" in kinds):
        checked = check(mapping(cast("object", value)), asked)
        if isinstance(checked, Refused):
            return None, checked.problems
        return checked.arguments, ()
    # Arguments are always an object, so any other answer is made the only member of one.
    definitions = {key: asked[key] for key in ("$defs", "definitions") if key in asked}
    whole = {"type": "object", "properties": {_WHOLE: asked}, "required": [_WHOLE], **definitions}
    checked = check({_WHOLE: cast("object", value)}, whole)
    if isinstance(checked, Refused):
        return None, checked.problems
    return checked.arguments.get(_WHOLE), ()


def _strict(schema: object, depth: int) -> object:
    """Write a schema so that the check of arguments, which is made for calls, goes by its letter.

    That check drops members that are not declared and forgives missing ones that have a default.
    """
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return cast("object", schema)
    strict = {key: one for key, one in cast("Schema", schema).items() if key != "default"}
    for key in _NAMED_SCHEMAS:
        if isinstance(strict.get(key), Mapping):
            named = mapping(strict[key])
            strict[key] = {name: _strict(one, depth + 1) for name, one in named.items()}
    for key in _LISTED_SCHEMAS:
        if isinstance(strict.get(key), list):
            strict[key] = [_strict(one, depth + 1) for one in sequence(strict[key])]
    for key in ("items", "additionalProperties"):
        if key in strict:
            strict[key] = _strict(strict[key], depth + 1)
    # What must not be there is named later, instead of being dropped here.
    if not isinstance(strict.get("additionalProperties"), Mapping):
        strict["additionalProperties"] = True
    return strict

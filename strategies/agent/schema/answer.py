"""The JSON that an answer is to be, where the builder of the app gave a schema.

Answers are read tolerantly (fences and prose around the JSON, small mistakes in it) and judged
strictly (judge.py). Numbers and booleans that were written as text are set right; everything else
is named for the model, all in one go.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from strategies.agent.schema.judge import Judge
from strategies.agent.schema.resolve import Schema, alternatives, mapping, plain
from strategies.protocols.base import Language
from strategies.protocols.json.call_keys import NAME_KEYS
from strategies.protocols.json.read import Value, read_value
from strategies.protocols.tagged.calls import ENVELOPES

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
    """The text is not a JSON Schema; one sentence for the app's builder says what is wrong."""


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


@dataclass(frozen=True)
class AnswerShape:
    """A JSON Schema."""

    schema: Mapping[str, object]

    def request(self, language: Language) -> str:
        """Ask the model for an answer of this shape."""
        return _REQUESTS[language].format(schema=json.dumps(self.schema, ensure_ascii=False))

    @cached_property
    def looks_like_call(self) -> bool:
        """Whether an answer that fits could be taken for a call that is written as JSON."""
        options = alternatives(plain(self.schema, self.schema), self.schema)
        options += [plain(option.get("items"), self.schema) for option in options]
        names = {name for option in options for name in mapping(option.get("properties"))}
        return not names.isdisjoint((*NAME_KEYS, *ENVELOPES))

    @cached_property
    def of_object(self) -> Mapping[str, object] | None:
        """The schema, where whatever fits it is an object; else None."""
        return self.schema if self._type == "object" else None

    def read(self, answer: str) -> Shaped | Misshapen:
        """Read a text and judge it: a model's reply, or a result that stands for the answer."""
        outcome = read_value(answer)
        if not isinstance(outcome, Value):
            return Misshapen((outcome.problem,))
        value, problems = self._judge.judged(self._opened(outcome.value))
        if not problems:
            return Shaped(value, json.dumps(value, ensure_ascii=False))
        if outcome.repaired and isinstance(outcome.value, str):
            # Prose reads like a text without quotes.
            return Misshapen(("the answer is text, not JSON",))
        return Misshapen(problems)

    def _opened(self, value: object) -> object:
        """Take what is no object out of the one in which ReAct's form asks for an answer."""
        is_no_object = isinstance(self._type, str) and self._type != "object"
        members = mapping(value)
        return members["answer"] if is_no_object and set(members) == {"answer"} else value

    @cached_property
    def _type(self) -> object:
        return plain(self.schema, self.schema).get("type")

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.schema)


def read_shape(text: object) -> AnswerShape | None:
    """Read the parameter `answer_schema`; blank means none.

    A schema in the envelope in which providers want it, {"name": …, "schema": …}, is unpacked.

    Raises:
        ShapeError: it is not a JSON Schema.
    """
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    schema = _unpacked(_decoded(text) if isinstance(text, str) else text)
    if not isinstance(schema, Mapping):
        raise ShapeError("The parameter `answer_schema` must be a JSON object: a JSON Schema.")
    fault = next(Judge(cast("Schema", schema)).faults(), None)
    if fault:
        raise ShapeError(f"The parameter `answer_schema` is not a JSON Schema: {fault}.")
    return AnswerShape(cast("Schema", schema))


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

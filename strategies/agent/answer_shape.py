"""The JSON that an answer is to be, where the builder of the app gave a schema."""

from collections.abc import Mapping
from dataclasses import dataclass


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

    def read(self, answer: str) -> Shaped | Misshapen:
        """Read an answer and check it."""
        raise NotImplementedError(answer)

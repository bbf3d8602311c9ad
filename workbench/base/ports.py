"""The two ports through which a run reaches the world: a model and a toolbox.

Both are asked with the request as the plugin sent it and answer with the dicts that Dify's wire
carries. An answer may take its time, and may fail: an `AnswerError` reaches the plugin in the words
that Dify uses for such a failure; any other exception looks like a bug in a model plugin or tool.
"""

from collections.abc import Iterator
from typing import Any, Literal, Protocol, TypeGuard, cast

type Json = dict[str, Any]

type Stage = Literal["read", "invoke", "wire"]


def is_object(value: Any) -> TypeGuard[Json]:
    """Whether a value that came as JSON is an object."""
    return isinstance(value, dict)


def objects(value: Any) -> list[Json]:
    """Return the objects in a list that came as JSON; none when it is not a list."""
    if not isinstance(value, list):
        return []
    return [item for item in cast("list[Any]", value) if is_object(item)]


class Model(Protocol):
    """Answers the plugin's model calls. Called from many threads at once."""

    def answer(self, request: Json) -> Iterator[Json]:
        """Yield the reply as LLMResultChunk dicts."""
        ...


class Toolbox(Protocol):
    """Answers the plugin's tool calls. Called from many threads at once."""

    def call(self, request: Json) -> Iterator[Json]:
        """Yield the tool's output as ToolInvokeMessage dicts."""
        ...


class AnswerError(Exception):
    """A failure of a model or a tool, told as Dify tells it.

    `read`: the answer had begun, as every failure of a provider has; `invoke`: Dify itself refused
    the request with a status; `wire`: the text goes to the plugin as it is.
    """

    def __init__(self, text: str, *, stage: Stage = "read", status: int = 500) -> None:
        super().__init__(text)
        self.text = text
        self.stage: Stage = stage
        self.status = status


class WorkbenchError(Exception):
    """A sentence for the person at the terminal: what failed, where, and what to do."""


class UsageError(WorkbenchError):
    """The command line was not understood."""

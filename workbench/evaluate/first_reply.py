"""A model whose first reply is put into its mouth: what does it make of its own mistake?

Whether a model recovers from a bad call depends on what it is told of it; a model that seldom errs
would have to be asked very often to show it.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.base.ports import Json, Model
from workbench.bench.scripted import calls, play, says, tool_call
from workbench.model.demo import ToolCall, written


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstCall:
    """A call that stands for the first reply, in the form that the request asks for."""

    tool: str
    arguments: Mapping[str, Any] | str
    """As a text they are written as they stand, such as `{"city": Lisbon}`."""


type FirstReply = str | FirstCall
"""A text, blank for silence, or a call."""


class ModelWithFirstReply:
    """A `Model` that answers the first request with a given reply, and then by itself."""

    def __init__(self, model: Model, first: FirstReply) -> None:
        self._model = model
        self._first: FirstReply | None = first
        self._lock = threading.Lock()

    def answer(self, request: Json) -> Iterator[Json]:
        """Give the first reply once, then pass on what the model says."""
        with self._lock:
            first, self._first = self._first, None
        return self._model.answer(request) if first is None else _said(first, request)


def _said(first: FirstReply, request: Json) -> Iterator[Json]:
    if isinstance(first, str):
        return play(says(first), request)
    if request.get("tools"):
        return play(calls(tool_call(first.tool, first.arguments)), request)
    call = ToolCall(first.tool, first.arguments)
    return play(says(written(call, request["prompt_messages"])), request)

"""Failures on demand: `model:429@2` makes the second model call fail with a 429, in Dify's words.

A fault hits one call of the workbench's life, counted from 1; later calls go well, so that
anyone can watch a run recover. A storage is in trouble from that access on: such trouble stays.
"""

import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from workbench.base.ports import AnswerError, Json, Model, Toolbox, UsageError
from workbench.host.storage import TROUBLES, Storage, Trouble
from workbench.tools.builtin import text_message

type _Failure = Callable[[Iterator[Json]], Iterator[Json]]

_SPEC = re.compile(r"(model|tool|storage):(\w+)@([1-9]\d*)")
_SLOW_SECONDS = 20.0
_TIMEOUT_SECONDS = 2.0
_HUGE = 20_000_000
_BEFORE_THE_CUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure: of a model, a tool or the storage, of some kind, at the nth call."""

    target: str
    kind: str
    at: int


def read_fault(text: str) -> Fault:
    """Read a fault as the command line writes it."""
    found = _SPEC.fullmatch(text)
    if found is None or found[2] not in _KINDS[found[1]]:
        kinds = "; ".join(f"{target}: {', '.join(kinds)}" for target, kinds in _KINDS.items())
        raise UsageError(
            f"--fault {text!r} is not a fault: write TARGET:KIND@CALL, like model:429@2 ({kinds})."
        )
    return Fault(target=found[1], kind=found[2], at=int(found[3]))


class FaultyModel:
    """A model with faults."""

    def __init__(self, model: Model, faults: Sequence[Fault]) -> None:
        self._model = model
        self._faults = {fault.at: fault.kind for fault in faults if fault.target == "model"}
        self._numbers = itertools.count(1)

    def answer(self, request: Json) -> Iterator[Json]:
        """Answer, or fail when it is this call's turn."""
        kind = self._faults.get(next(self._numbers))
        pieces = self._model.answer(request)
        return _MODEL_FAULTS[kind](pieces) if kind else pieces


class FaultyTools:
    """Tools with faults."""

    def __init__(self, tools: Toolbox, faults: Sequence[Fault]) -> None:
        self._tools = tools
        self._faults = {fault.at: fault.kind for fault in faults if fault.target == "tool"}
        self._numbers = itertools.count(1)

    def call(self, request: Json) -> Iterator[Json]:
        """Run the tool, or fail when it is this call's turn."""
        kind = self._faults.get(next(self._numbers))
        messages = self._tools.call(request)
        return _TOOL_FAULTS[kind](messages) if kind else messages


def faulty_storage(faults: Sequence[Fault]) -> Storage:
    """Make a storage with the first of its faults."""
    for fault in faults:
        if fault.target == "storage":
            return Storage(cast("Trouble", fault.kind), since=fault.at)
    return Storage()


def _failing(text: str, *, after: float = 0.0, wire: bool = False) -> _Failure:
    def fail(_: Iterator[Json]) -> Iterator[Json]:
        time.sleep(after)
        raise AnswerError(text, stage="wire" if wire else "read")
        yield {}  # what makes it a generator

    return fail


def _http(described: str, status: int, message: str) -> _Failure:
    body = f'{{"error":{{"message":"{message}","code":{status}}}}}'
    return _failing(f"[demo] {described}, API request failed with status code {status}: {body}")


def _cut(pieces: Iterator[Json]) -> Iterator[Json]:
    yield from itertools.islice(pieces, _BEFORE_THE_CUT)
    raise AnswerError("[demo] Connection Error, Response ended prematurely")


def _empty(pieces: Iterator[Json]) -> Iterator[Json]:
    for piece in pieces:
        piece["delta"]["message"] |= {"content": "", "tool_calls": []}
        yield piece


def _slow(messages: Iterator[Json]) -> Iterator[Json]:
    time.sleep(_SLOW_SECONDS)
    yield from messages


def _huge(messages: Iterator[Json]) -> Iterator[Json]:
    yield from messages
    yield text_message("0123456789" * (_HUGE // 10))


_MODEL_FAULTS: Mapping[str, _Failure] = {
    "429": _http("Rate Limit Error", 429, "Rate limit reached. Please try again in 1s."),
    "500": _http("Server Unavailable Error", 500, "The server had an error."),
    "503": _http("Server Unavailable Error", 503, "The engine is overloaded."),
    "401": _failing("[demo] Incorrect model credentials provided, please check and try again. "),
    "400": _http("Bad Request Error", 400, "Invalid value for 'temperature'."),
    "context": _http(
        "Bad Request Error",
        400,
        "This model's maximum context length is 4096 tokens. However, your messages resulted in"
        " 5000 tokens. Please reduce the length of the messages.",
    ),
    "cut": _cut,
    "empty": _empty,
    "timeout": _failing(
        "read llm model failed: http: read on closed response body",
        after=_TIMEOUT_SECONDS,
        wire=True,
    ),
}
_TOOL_FAULTS: Mapping[str, _Failure] = {
    "error": _failing("Reached maximum retries (0) for URL https://tool.invalid/"),
    "slow": _slow,
    "huge": _huge,
}
_KINDS: Mapping[str, Sequence[str]] = {
    "model": tuple(_MODEL_FAULTS),
    "tool": tuple(_TOOL_FAULTS),
    "storage": TROUBLES,
}

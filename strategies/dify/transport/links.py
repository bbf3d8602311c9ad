"""What all links to Dify have in common: answers find their calls, and frames leave whole.

An answer goes straight to the call that waits for it, where the SDK asks every waiting call of
every run. A frame is JSON after one pass, where the SDK copies and checks it first; and one
that is so large that the daemon would end the plugin for it does not leave.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, cast, override

from dify_plugin.config.logger_format import plugin_logger_handler
from dify_plugin.core.entities.message import SessionMessage
from dify_plugin.core.entities.plugin.io import PluginInStream, PluginInStreamEvent
from dify_plugin.core.server.__base.request_reader import RequestReader
from dify_plugin.core.server.__base.response_writer import ResponseWriter
from dify_plugin.core.server.__base.writer_entities import Event
from pydantic import BaseModel

from strategies.dify.loose_json import Json
from strategies.dify.transport.frames import Written, frame, joined, session_frame
from strategies.dify.transport.writable import LONGEST_LINE

_log = logging.getLogger(__name__)
_log.addHandler(plugin_logger_handler)


class Answers:
    """The answers to the calls back that are under way."""

    def __init__(self) -> None:
        self._waiting: dict[str, SimpleQueue[Json]] = {}

    @contextmanager
    def expected(self, call_id: str) -> Generator[SimpleQueue[Json]]:
        """Gather the answers to one call as long as somebody wants them."""
        answers = self._waiting[call_id] = SimpleQueue[Json]()
        try:
            yield answers
        finally:
            del self._waiting[call_id]

    def take(self, answer: Json) -> bool:
        """Hand an answer to its call, if there is one here that waits for it."""
        waiting = self._waiting.get(answer.get("backwards_request_id", ""))
        if waiting is None:
            return False
        waiting.put(answer)
        return True


class Reader(RequestReader):
    """A reader that knows which call an answer belongs to."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.answers = Answers()

    @override
    def _process_line(self, data: PluginInStream) -> None:
        is_answer = data.event is PluginInStreamEvent.BackwardInvocationResponse
        if is_answer and self.answers.take(cast("Json", data.data)):  # pyright: ignore[reportUnknownMemberType]
            return
        # A request, or an answer to a call that the SDK itself has made.
        super()._process_line(data)


class Writer(ResponseWriter):
    """A writer of whole frames."""

    @override
    def put(
        self, event: Event, session_id: str | None = None, data: Json | BaseModel | None = None
    ) -> None:
        """Write a value as one frame."""
        self.send(_frame(event, session_id, data))

    def send(self, whole: Written) -> None:
        """Let a frame leave, unless it would end the process and every run in it."""
        if whole.size > LONGEST_LINE:
            _log.error("A frame of %d bytes was too large and was left out", whole.size)
        else:
            self._send(whole)

    def _send(self, whole: Written) -> None:
        self.write(bytes(whole).decode())

    @override
    def session_message_text(
        self, session_id: str | None = None, data: Json | BaseModel | None = None
    ) -> str:
        """Write a frame for a request over HTTP."""
        return bytes(_frame(Event.SESSION, session_id, data)).decode()

    @override
    def stream_object(self, data: dict[str, Any] | BaseModel) -> SessionMessage:
        """Wrap a message of a run."""
        return _wrapped("stream", data)

    @override
    def stream_error_object(self, data: dict[str, Any] | BaseModel) -> SessionMessage:
        """Wrap what a run failed with."""
        return _wrapped("error", data)

    @override
    def stream_end_object(self) -> SessionMessage:
        """Wrap the end of a run."""
        return _wrapped("end", {})

    @override
    def stream_invoke_object(self, data: dict[str, Any] | BaseModel) -> SessionMessage:
        """Wrap a call back, whose request is `Written`."""
        return _wrapped("invoke", joined(cast("dict[str, Any]", data)))


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """What the SDK's SessionMessage is, without its checks: this becomes JSON in a moment."""

    kind: str
    data: object


def _wrapped(kind: str, data: object) -> SessionMessage:
    return cast("Any", _Wrapped(kind, data))


def _frame(event: Event, session_id: str | None, data: object) -> Written:
    if isinstance(data, _Wrapped):
        return session_frame(session_id, data.kind, data.data)
    return frame(event.value, session_id, data)

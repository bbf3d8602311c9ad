"""What all links to Dify have in common: answers find their calls, and frames leave whole.

An answer goes straight to the call that waits for it, where the SDK asks every waiting call of
every run. A frame is JSON after one pass, where the SDK copies and checks it first; and one
that is so large that the daemon would end the plugin for it does not leave.
"""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast, override

from dify_plugin.config.logger_format import plugin_logger_handler
from dify_plugin.core.entities.message import SessionMessage
from dify_plugin.core.entities.plugin.io import PluginInStream, PluginInStreamEvent
from dify_plugin.core.server.__base.request_reader import RequestReader
from dify_plugin.core.server.__base.response_writer import ResponseWriter
from dify_plugin.core.server.__base.writer_entities import Event
from dify_plugin.core.server.serverless.response_writer import ServerlessResponseWriter
from dify_plugin.core.server.tcp.request_reader import TCPReaderWriter
from pydantic import BaseModel

from strategies.dify.transport.answers import AnswerReader, CallbackAnswers, FrameWriter
from strategies.dify.transport.frames import (
    LONGEST_LINE,
    TOO_LARGE,
    Written,
    frame,
    joined,
    session_frame,
)
from strategies.dify.wire_values import Json

_log = logging.getLogger(__name__)
_log.addHandler(plugin_logger_handler)


class Reader(AnswerReader, RequestReader):
    """Any reader of the SDK, with answers that go straight to their calls."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.answers = CallbackAnswers()

    @override
    def _process_line(self, data: PluginInStream) -> None:
        is_answer = data.event is PluginInStreamEvent.BackwardInvocationResponse
        if is_answer and self.answers.take(cast("Json", data.data)):  # pyright: ignore[reportUnknownMemberType]
            return
        # A request, or an answer to a call that the SDK itself has made.
        super()._process_line(data)


class Writer(FrameWriter, ResponseWriter):
    """Any writer of the SDK, with frames that leave whole."""

    @override
    def put(
        self, event: Event, session_id: str | None = None, data: Json | BaseModel | None = None
    ) -> None:
        """Write a value as one frame."""
        self.send(_frame(event, session_id, data))

    @override
    def send(self, whole: Written) -> None:
        """Let a frame leave, unless it would end the process and every run in it."""
        if whole.size > LONGEST_LINE:
            _log.error(TOO_LARGE, whole.size)
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


class RemoteLink(Reader, Writer, TCPReaderWriter):
    """A connection to the daemon, for debugging.

    The SDK writes a frame and its end apart, and the system holds the second back for up to 40 ms.
    It locks a piece of a frame alone, so that two runs' frames could mix while the daemon does not
    read.
    """

    def __init__(
        self, *arguments: Any, on_connected: Callable[[], object] | None = None, **named: Any
    ) -> None:
        # A write that fails connects anew and writes the plugin's declarations, inside this lock.
        self._lock = threading.RLock()
        self._greet = on_connected
        super().__init__(*arguments, on_connected=self._connected, **named)

    @override
    def write(self, data: str) -> None:
        """Write a frame whole."""
        with self._lock:
            super().write(data)

    def _connected(self) -> None:
        with suppress(AttributeError, OSError):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._greet is not None:
            self._greet()


class HttpOutput(Writer, ServerlessResponseWriter):
    """The answer of the plugin's server to one request of Dify."""


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

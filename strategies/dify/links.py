"""The SDK's links to Dify, with less work for each line.

What the plugin does not read in time, Dify's daemon drops without a word (docs/dify.md, "Limits and
losses"), and every run of a process shares one link. So these differ from the SDK's own:

- Standard input is waited for, not read in a second thread that must be woken for every line.
- An answer goes straight to the call that waits for it. The SDK asks every call of every run.
- A frame is JSON after one pass and leaves in one write. The SDK writes its end apart, which the
  system holds back for up to 40 ms when debugging remotely, and locks a piece of a frame alone, so
  that two runs' frames could mix while the daemon does not read.
- A frame that is so large that the daemon would end the plugin for it does not leave.

They hang on the SDK's inner parts, so requirements.txt pins the SDK.
"""

import logging
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from queue import SimpleQueue
from typing import Any, cast, override

from dify_plugin import plugin as sdk
from dify_plugin.config.logger_format import plugin_logger_handler
from dify_plugin.core import runtime
from dify_plugin.core.entities.message import SessionMessage
from dify_plugin.core.entities.plugin.io import PluginInStream, PluginInStreamEvent
from dify_plugin.core.server.__base.request_reader import RequestReader
from dify_plugin.core.server.__base.response_writer import ResponseWriter
from dify_plugin.core.server.__base.writer_entities import Event
from dify_plugin.core.server.serverless import request_reader as serverless
from dify_plugin.core.server.serverless.response_writer import ServerlessResponseWriter
from dify_plugin.core.server.stdio.request_reader import StdioRequestReader
from dify_plugin.core.server.stdio.response_writer import StdioResponseWriter
from dify_plugin.core.server.tcp import request_reader as tcp
from gevent import get_hub
from gevent import os as gevent_os
from pydantic import BaseModel, TypeAdapter
from pydantic_core import from_json

from strategies.agent.turns import give_way
from strategies.dify.frames import Written, frame, joined, session_frame
from strategies.dify.pipes import widen
from strategies.dify.reading import Json
from strategies.dify.wire import LONGEST_LINE

_log = logging.getLogger(__name__)
_log.addHandler(plugin_logger_handler)

_INPUT, _OUTPUT = 0, 1
_PATIENCE = 0.5
"""Seconds until the end of input is looked at again."""
_MOST_PIECES = 1_024
"""What Linux takes in one write (IOV_MAX)."""
_ANSWER = PluginInStreamEvent.BackwardInvocationResponse.value
_AT_ONCE = 64 * 1024
"""Bytes read before other runs get their turn."""


def use_links() -> None:
    """Let the SDK make these links in place of its own; called before it makes any."""
    _replace(sdk, StdioRequestReader=StandardInput, StdioResponseWriter=StandardOutput)
    _replace(sdk, TCPReaderWriter=RemoteLink)
    _replace(serverless, ServerlessResponseWriter=HttpOutput)
    # The SDK builds a parser for every line, but every line is read as the same type.
    for module in (tcp, runtime):
        _replace(module, TypeAdapter=cache(TypeAdapter[Any]))


def _replace(module: object, **names: object) -> None:
    for name, value in names.items():
        setattr(module, name, value)


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

    def take(self, answer: Json) -> None:
        """Hand an answer to its call; one that nobody waits for any more is let go."""
        waiting = self._waiting.get(answer["backwards_request_id"])
        if waiting is not None:
            waiting.put(answer)


class Reader(RequestReader):
    """A reader that knows which call an answer belongs to."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.answers = Answers()

    @override
    def _process_line(self, data: PluginInStream) -> None:
        if data.event is PluginInStreamEvent.BackwardInvocationResponse:
            self.answers.take(cast("Json", data.data))  # pyright: ignore[reportUnknownMemberType]
        else:
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


class StandardOutput(Writer, StdioResponseWriter):
    """Standard output, under the daemon itself.

    What is written in one turn of the process's loop leaves in one piece at its end, which spares
    the daemon and us some wake-ups in every round.
    """

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    @override
    def _send(self, whole: Written) -> None:
        if not self._waiting:
            get_hub().loop.run_callback(self.flush)
        self._waiting += whole.pieces

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), _MOST_PIECES):
            _write(waiting[start : start + _MOST_PIECES])


def _write(pieces: Sequence[bytes]) -> None:
    """Write all of the pieces; the system may take fewer of them at once, or none together."""
    written = os.writev(_OUTPUT, pieces) if sys.platform != "win32" else 0
    if written < sum(map(len, pieces)):
        sys.stdout.buffer.write(b"".join(pieces)[written:])
        sys.stdout.buffer.flush()


class StandardInput(Reader, StdioRequestReader):
    """Standard input, under the daemon itself."""

    def __init__(self) -> None:
        super().__init__()
        self.output = StandardOutput()

    @override
    def event_loop(self) -> None:
        """Read lines as long as the process lives."""
        read = self._opened()
        while True:
            self.hear(read)
            # The daemon has gone; the SDK watches for that and ends the process.
            time.sleep(_PATIENCE)

    def _opened(self) -> Callable[[], bytes]:
        """Make ready to read, and return how."""
        if sys.platform == "win32" or not stat.S_ISFIFO(os.fstat(_INPUT).st_mode):
            return self._read_async
        widen(_INPUT)
        widen(_OUTPUT)
        gevent_os.make_nonblocking(_INPUT)
        return partial(gevent_os.nb_read, _INPUT, _AT_ONCE)

    def hear(self, read: Callable[[], bytes]) -> None:
        """Take lines until there is nothing more to read, which a blank read says."""
        for line in lines(read):
            if line.strip():
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            read = from_json(line)
            if read["event"] == _ANSWER:
                self.answers.take(read["data"])
            else:
                self._process_line(self._request(read))
        except Exception as error:  # noqa: BLE001 - no line may end the reading of the others
            self.output.put(Event.ERROR, data={"error": f"A line could not be read: {error}"})

    def _request(self, read: dict[str, Any]) -> PluginInStream:
        return PluginInStream(
            session_id=read["session_id"],
            conversation_id=read.get("conversation_id"),
            message_id=read.get("message_id"),
            app_id=read.get("app_id"),
            endpoint_id=read.get("endpoint_id"),
            event=PluginInStreamEvent.value_of(read["event"]),
            data=read["data"],
            context=read.get("context"),
            reader=self,
            writer=self.output,
        )


def lines(read: Callable[[], bytes]) -> Iterator[bytes]:
    """Cut what is read into lines; the end of input is a blank read."""
    begun: list[bytes] = []
    seen = 0
    while data := read():
        first, *others = data.split(b"\n")
        begun.append(first)
        if others:
            yield b"".join(begun)
            yield from others[:-1]
            begun = [others[-1]]
        seen += len(data)
        if seen >= _AT_ONCE:
            give_way()
            seen = 0


class RemoteLink(Reader, Writer, tcp.TCPReaderWriter):
    """A connection to the daemon, for debugging."""

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
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._greet is not None:
            self._greet()


class HttpOutput(Writer, ServerlessResponseWriter):
    """The answer of the plugin's server to one request, where Dify runs it serverless."""

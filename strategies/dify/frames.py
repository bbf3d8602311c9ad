"""Every frame leaves in one write, whole and at once.

The SDK writes a frame and its end apart. Over stdin and stdout that is a system call more for each
frame. When debugging remotely it is worse: the system holds the second write back until the daemon
has acknowledged the first, up to 40 ms a frame; and the SDK's lock is held for a piece of a frame,
so that while the daemon does not read, only a habit of gevent's locks (who lets go may take again
before others wake) keeps two runs' frames from mixing.
"""

import socket
import threading
from collections.abc import Callable
from typing import Any, cast

from dify_plugin.core.server.__base.response_writer import ResponseWriter
from dify_plugin.core.server.__base.writer_entities import Event, StreamOutputMessage
from dify_plugin.core.server.tcp.request_reader import TCPReaderWriter
from pydantic import BaseModel


def send_frames_whole(writer: ResponseWriter | None) -> None:
    """Change how the SDK's writers write; `writer` is the one that the plugin was made with."""
    ResponseWriter.put = _put
    if isinstance(writer, TCPReaderWriter):
        _lock(writer)


def _put(
    self: ResponseWriter,
    event: Event,
    session_id: str | None = None,
    data: dict[str, Any] | BaseModel | None = None,
) -> None:
    body = data.model_dump() if isinstance(data, BaseModel) else data
    frame = StreamOutputMessage(event=event, session_id=session_id, data=body)
    self.write(frame.model_dump_json() + "\n\n")


def _lock(writer: TCPReaderWriter) -> None:
    # A write that fails connects anew and writes the plugin's declarations, inside this lock.
    lock = threading.RLock()
    write = writer.write
    greet = cast("Callable[[], object] | None", writer.on_connected)  # pyright: ignore[reportUnknownMemberType]

    def write_whole(data: str) -> None:
        with lock:
            write(data)

    def connected() -> None:
        _send_at_once(writer)
        if greet is not None:
            greet()

    writer.write = write_whole
    writer.on_connected = connected
    _send_at_once(writer)


def _send_at_once(writer: TCPReaderWriter) -> None:
    writer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

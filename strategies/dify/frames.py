"""Remote debugging: every frame leaves whole and at once.

The SDK hands a frame and its end to the socket in two writes, and the system holds the second back
until the daemon has acknowledged the first: up to 40 ms a frame. Its lock is held for a piece of a
frame, not for the frame; so while the daemon does not read, only a habit of gevent's locks (who
lets go may take again before others wake) keeps two runs' frames from mixing. Here a frame is one
write under one lock. Over stdin and stdout nothing changes, there a write never switches runs.
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
    """Change a writer for remote debugging, and no other."""
    if not isinstance(writer, TCPReaderWriter):
        return
    # A write that fails connects anew and writes the plugin's declarations, inside this lock.
    lock = threading.RLock()
    greet = cast("Callable[[], object] | None", writer.on_connected)  # pyright: ignore[reportUnknownMemberType]

    def put(
        event: Event, session_id: str | None = None, data: dict[str, Any] | BaseModel | None = None
    ) -> None:
        body = data.model_dump() if isinstance(data, BaseModel) else data
        frame = StreamOutputMessage(event=event, session_id=session_id, data=body)
        line = frame.model_dump_json() + "\n\n"
        with lock:
            writer.write(line)

    def connected() -> None:
        _send_at_once(writer)
        if greet is not None:
            greet()

    writer.put = put
    writer.on_connected = connected
    _send_at_once(writer)


def _send_at_once(writer: TCPReaderWriter) -> None:
    writer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

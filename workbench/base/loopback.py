"""The workbench's own HTTP servers: on loopback alone, and silent at the terminal."""

import json
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from workbench.base.ports import Json, is_object
from workbench.base.services import Service


class LoopbackServer(Service):
    """An HTTP server on loopback, in threads of this process."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._running = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the server and its threads."""
        self._running.shutdown()
        self._running.server_close()
        self._thread.join(5)

    @property
    def origin(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._running.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def read_object(self, most_bytes: int) -> Json | None:
        """Read the body; None when it is not a JSON object, or larger than that."""
        size = int(self.headers.get("Content-Length") or 0)
        if size > most_bytes:
            return None
        try:
            body: Any = json.loads(self.rfile.read(size))
        except ValueError:
            return None
        return body if is_object(body) else None

    def send_whole(
        self, status: HTTPStatus, headers: Mapping[str, str], content: bytes = b""
    ) -> None:
        """Answer with a content whose length is known."""
        self.begin(status, {**headers, "Content-Length": str(len(content))})
        self.wfile.write(content)

    def begin(self, status: HTTPStatus, headers: Mapping[str, str]) -> None:
        """Begin an answer that the caller writes piece by piece."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    # The name is the standard library's.
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the terminal belongs to the run."""

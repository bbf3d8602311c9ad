"""What runs beside the workbench and stops with its `with` block."""

import threading
from abc import ABC, abstractmethod
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Service(ABC):
    """A context manager that stops itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @abstractmethod
    def stop(self) -> None:
        """End what runs, and wait for it."""


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

"""An HTTP server on loopback in threads of this process, which stops with its `with` block."""

import threading
from http.server import ThreadingHTTPServer

from workbench.stopping import Stopping


class Loopback(Stopping):
    """Runs a server. A context manager: it stops itself."""

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

"""The serverless runtime: every run is a request to the plugin, every backwards call one from it.

The daemon asks the plugin's server for each run and reads the frames from the answer. A backwards
call is a request to the daemon, whose answer carries the frames that elsewhere come over stdin.
"""

import contextlib
import http.client
import socket
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import override

import yaml

from workbench.base.loopback import Handler
from workbench.runtimes.limits import Limits
from workbench.runtimes.links import Callbacks, Link
from workbench.runtimes.pipe import Lines, Pipe, PluginGoneError, too_long_text
from workbench.runtimes.process import PluginProcess

_PATIENCE = 2.0
_LOOK = 0.05
_PIECE = 65536
_LARGEST_TRANSACTION = 6 * 1024 * 1024
"""Bytes of a backwards call that the daemon reads."""
_LONGEST_CALL = 300.0
"""MAX_SERVERLESS_TRANSACTION_TIMEOUT, in seconds."""
_TRANSACTION = "/backwards-invocation/transaction"


class HttpLink(Link):
    """One process of the plugin that serves HTTP, and a server for what it calls back."""

    beats = False

    def __init__(self, directory: Path, limits: Limits, callbacks: Callbacks) -> None:
        self._limits = limits
        self._callbacks = callbacks
        self._reason: str | None = None
        self._stopped = False
        self._port = _free_port()
        self._server = _Server(callbacks)
        try:
            self._process = PluginProcess(
                directory,
                {
                    "INSTALL_METHOD": "serverless",
                    "SERVERLESS_HOST": "127.0.0.1",
                    "SERVERLESS_PORT": str(self._port),
                    "DIFY_PLUGIN_DAEMON_URL": f"http://127.0.0.1:{self._server.server_port}",
                },
            )
        except BaseException:
            self._server.server_close()
            raise
        # Nothing about the plugin goes over the wire: the daemon knows it from its package.
        manifest = (directory / "manifest.yaml").read_text(encoding="utf-8")
        callbacks.on_declared(yaml.safe_load(manifest))
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._server.serve, self._drain, self._watch)
        ]
        for thread in self._threads:
            thread.start()

    @override
    def request(self, session: str, line: bytes) -> None:
        """Ask the plugin's server for a run and read the answer in a thread of its own."""
        if self._stopped or not self._process.running:
            raise PluginGoneError("the plugin's process has ended")
        threading.Thread(target=self._invoke, args=(session, line), daemon=True).start()

    @override
    def end(self, reason: str) -> None:
        """Kill the process and say why."""
        self._reason = self._reason or reason
        self._process.kill()

    @override
    def stop(self) -> None:
        """End the process, whatever it is doing, and wait for it."""
        self._stopped = True
        self._process.stop()
        self._server.stop()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_PATIENCE)
        self._process.close()

    def _invoke(self, session: str, line: bytes) -> None:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=self._limits.run_seconds
        )
        try:
            reason = self._read_run(connection, session, line)
        except (OSError, http.client.HTTPException) as error:
            reason = f"Plugin runtime request failed: {error!r}"
        finally:
            connection.close()
        self._callbacks.on_closed(session, reason)

    def _read_run(self, connection: http.client.HTTPConnection, session: str, line: bytes) -> str:
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "Dify-Plugin-Session-ID": session,
        }
        connection.request("POST", "/invoke", line, headers)
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            return f"Plugin runtime request failed: HTTP {answer.status}"
        nobody = _NoOutlet()
        longest = self._limits.line_bytes
        lines = Lines(longest, lambda said, at: self._callbacks.on_line(said, at, nobody))
        while piece := answer.read1(_PIECE):
            if not lines.feed(piece, time.monotonic()):
                return too_long_text(lines.too_long, longest)
        return "the plugin's answer ended before the run did"

    def _drain(self) -> None:
        # The server's own greetings; a full pipe would hold the plugin up.
        with contextlib.suppress(ValueError, OSError):
            while self._process.output.read1(_PIECE):  # type: ignore[attr-defined]
                pass

    def _watch(self) -> None:
        ready = False
        while self._process.running and not self._stopped:
            if not ready and self._healthy():
                ready = True
                self._callbacks.on_ready()
            time.sleep(_LOOK)
        self._callbacks.on_end(self._reason or self._process.exit_reason())

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class _NoOutlet:
    """Nothing is called back inside the answer to a run."""

    def send(self, lines: bytes) -> None:
        raise PluginGoneError(f"{len(lines)} bytes have nowhere to go")

    def stuck_for(self) -> float:
        return 0.0

    def done(self) -> None:
        pass


class _CallOutlet:
    """The answer to one backwards call: a connection of its own."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = Pipe(descriptor)
        self._over = threading.Event()

    def send(self, lines: bytes) -> None:
        self._pipe.send(lines)

    def stuck_for(self) -> float:
        return self._pipe.stuck_for()

    def done(self) -> None:
        self._over.set()

    def wait(self, seconds: float) -> None:
        self._over.wait(seconds)
        self._pipe.close()


class _Server(ThreadingHTTPServer):
    """The daemon's server for backwards calls."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, callbacks: Callbacks) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Caller, callbacks))

    def serve(self) -> None:
        self.serve_forever(poll_interval=_LOOK)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Caller(Handler, BaseHTTPRequestHandler):
    """One backwards call."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(
        self,
        callbacks: Callbacks,
        request: socket.socket,
        address: tuple[str, int],
        server: _Server,
    ) -> None:
        self._callbacks = callbacks
        super().__init__(request, address, server)

    def do_POST(self) -> None:
        size = min(int(self.headers.get("Content-Length") or 0), _LARGEST_TRANSACTION)
        line = self.rfile.read(size).strip()
        at = time.monotonic()
        self.close_connection = True
        if self.path != _TRANSACTION or not self.headers.get("Dify-Plugin-Session-ID"):
            self.send_error(http.HTTPStatus.BAD_REQUEST)
            return
        headers = {"Content-Type": "text/event-stream", "Connection": "close"}
        self.begin(http.HTTPStatus.OK, headers)
        outlet = _CallOutlet(self.connection.fileno())
        self._callbacks.on_line(line, at, outlet)
        outlet.wait(_LONGEST_CALL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

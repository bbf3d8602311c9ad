"""Remote debugging: the plugin connects, introduces itself, then speaks the same frames."""

import contextlib
import secrets
import socket
import threading
from pathlib import Path
from typing import override

from workbench.runtimes import frames
from workbench.runtimes.limits import Limits
from workbench.runtimes.links import Callbacks, Link
from workbench.runtimes.pipe import Lines, Pipe, PluginGoneError, read_lines
from workbench.runtimes.process import PluginProcess
from workbench.runtimes.registration import Registration, RegistrationError

_PATIENCE = 2.0
_LOOK = 0.1


class TcpLink(Link):
    """One process of the plugin that runs on a developer's machine."""

    def __init__(self, directory: Path, limits: Limits, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._reason: str | None = None
        self._stopped = False
        self._socket: socket.socket | None = None
        self._pipe: Pipe | None = None
        key = secrets.token_hex(16)
        self.registration = Registration(key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_LOOK)
        self._pause = limits.read_pause
        if limits.receive_bytes is not None:
            # Before anyone connects: a window that has been offered is never taken back.
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limits.receive_bytes)
        address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        try:
            self._process = PluginProcess(
                directory,
                {
                    "INSTALL_METHOD": "remote",
                    "REMOTE_INSTALL_URL": address,
                    "REMOTE_INSTALL_KEY": key,
                },
            )
        except BaseException:
            self._listener.close()
            raise
        self._reader = threading.Thread(target=self._serve, daemon=True)
        self._reader.start()

    @override
    def request(self, session: str, line: bytes) -> None:
        """Write a run's first line; the session's name stands in it."""
        del session
        if self._pipe is None:
            raise PluginGoneError("the plugin has not connected")
        self._pipe.send(line)

    @override
    def end(self, reason: str) -> None:
        """Kill the process and say why."""
        self._reason = self._reason or reason
        self._close()
        self._process.kill()

    @override
    def stop(self) -> None:
        """End the process, whatever it is doing, and wait for it."""
        self._close()
        self._process.stop()
        if self._reader is not threading.current_thread():
            self._reader.join(_PATIENCE)
        if self._socket is not None:
            self._socket.close()
        self._listener.close()
        self._process.close()

    def _close(self) -> None:
        self._stopped = True
        if self._pipe is not None:
            self._pipe.close()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        connection = self._accepted()
        if connection is not None:
            self._socket, pipe = connection, Pipe(connection.fileno())
            self._pipe = pipe
            lines = Lines(None, lambda line, at: self._take(line, at, pipe))
            read_lines(connection.fileno(), lines, self._pause)
            # The plugin would connect anew, three times; here its process is over.
            self._process.kill()
        self._callbacks.on_end(self._reason or self._process.exit_reason())

    def _accepted(self) -> socket.socket | None:
        while self._process.running and not self._stopped:
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return None
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        return None

    def _take(self, line: bytes, at: float, pipe: Pipe) -> None:
        if self.registration.complete:
            self._callbacks.on_line(line, at, pipe)
            return
        try:
            self.registration.take(frames.decoded(line))
        except RegistrationError as error:
            self.end(f"the daemon refused the plugin: {error}")
            return
        if self.registration.complete:
            self._callbacks.on_declared(self.registration.manifest)

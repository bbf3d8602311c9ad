"""Whole lines to the plugin from many threads, and whole lines from it."""

import os
import select
import threading
import time
from collections.abc import Callable
from typing import Protocol

_PIECE = 65536


class PluginGoneError(Exception):
    """The plugin takes no more input."""


class Outlet(Protocol):
    """Where the answer to one backwards call goes."""

    def send(self, lines: bytes) -> None:
        """Write whole lines; waits while the plugin does not read.

        Raises:
            PluginGoneError: nobody reads any more.
        """
        ...

    def stuck_for(self) -> float:
        """Seconds for which a line has been waiting without a byte being taken."""
        ...

    def done(self) -> None:
        """Note that the answer is complete."""
        ...


class Pipe:
    """The plugin's stdin, or a socket to it: for whole lines, with a look at whether it is read."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._stuck_since: float | None = None
        self._closed = False

    def send(self, lines: bytes) -> None:
        """Write whole lines; waits while the plugin does not read."""
        with self._lock:
            rest = memoryview(lines)
            while rest:
                rest = rest[self._write(rest) :]

    def stuck_for(self) -> float:
        """Seconds for which a line has been waiting without a byte being taken."""
        since = self._stuck_since
        return 0.0 if since is None else time.monotonic() - since

    def done(self) -> None:
        """Stay open: the pipe serves all calls of the process."""

    def close(self) -> None:
        """Let no thread write any more."""
        self._closed = True

    def _write(self, piece: memoryview) -> int:
        while not self._closed:
            try:
                written = os.write(self._descriptor, piece)
            except BlockingIOError:
                self._wait()
                continue
            except OSError as error:
                raise PluginGoneError(str(error)) from error
            self._stuck_since = None
            return written
        raise PluginGoneError("the plugin's process was stopped")

    def _wait(self) -> None:
        if self._stuck_since is None:
            self._stuck_since = time.monotonic()
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        poll.poll(100)


class Lines:
    """Cuts a stream of bytes into its lines."""

    def __init__(self, longest: int | None, on_line: Callable[[bytes, float], None]) -> None:
        self._longest = longest
        self._on_line = on_line
        self._parts: list[bytes] = []
        self._size = 0
        self.too_long = 0
        """The size of a line beyond the limit, after which nothing more is taken; else 0."""

    def feed(self, piece: bytes, at: float) -> bool:
        """Take some bytes; False once a line has been too long."""
        *lines, rest = piece.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._parts, lines[0]))
            self._parts, self._size = [], 0
        self._parts.append(rest)
        self._size += len(rest)
        for line in lines:
            if not self._fits(len(line)):
                return False
            if line:
                self._on_line(line, at)
        return self._fits(self._size)

    def _fits(self, size: int) -> bool:
        if self._longest is None or size < self._longest:
            return True
        self.too_long = size
        return False


def read_lines(descriptor: int, lines: Lines, pause: float = 0.0) -> None:
    """Read until the plugin closes the stream, or until a line is too long.

    `pause` makes a slow reader: so many seconds pass before each piece.
    """
    while piece := _piece(descriptor):
        if not lines.feed(piece, time.monotonic()):
            return
        if pause:
            time.sleep(pause)


def _piece(descriptor: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, _PIECE)
        except BlockingIOError:
            # Reading and writing share a socket, which does not block because of the writing.
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll()
        except OSError:
            return b""


def too_long_text(size: int, longest: int) -> str:
    """Say in the daemon's words that a line was too long."""
    return (
        f"the daemon ends the plugin's process and every run in it: a line of {size} bytes or"
        f" more exceeds PLUGIN_STDIO_MAX_BUFFER_SIZE ({longest} bytes),"
        " bufio.Scanner: token too long"
    )

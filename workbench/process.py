"""The plugin's process: started as the daemon starts it, read line by line, always stopped."""

import contextlib
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from workbench.limits import Limits
from workbench.ports import WorkbenchError

_SECRETS = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_PIECE = 65536
_PATIENCE = 2.0


class PluginGoneError(Exception):
    """The process takes no more input."""


class Pipe:
    """The plugin's stdin: whole lines from many threads, and a look at whether it is read."""

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


class PluginProcess:
    """`python -m main` in the plugin's directory.

    `on_line(line, at)` gets every line of stdout, `on_end(reason)` is called once when stdout is
    closed or the daemon would have closed it.
    """

    def __init__(
        self,
        directory: Path,
        limits: Limits,
        on_line: Callable[[bytes, float], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._limits = limits
        self._on_line = on_line
        self._on_end = on_end
        self.complaints: deque[str] = deque(maxlen=200)
        """The last lines of stderr."""
        self._reason: str | None = None
        self._process = _start(directory)
        assert self._process.stdin is not None  # noqa: S101 - Popen was asked for a pipe
        self.pipe = Pipe(self._process.stdin.fileno())
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._read_output, self._read_complaints)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The process id, for measurements of its memory and time."""
        return self._process.pid

    def end(self, reason: str) -> None:
        """Kill the process, as the daemon does, and say why."""
        self._reason = reason
        self.pipe.close()
        self._process.kill()

    def stop(self) -> None:
        """End the process, whatever it is doing, and wait for it."""
        self.pipe.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(_PATIENCE)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_PATIENCE)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _read_output(self) -> None:
        self._read_lines()
        self._on_end(self._reason or self._exit_reason())

    def _read_lines(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - Popen was asked for a pipe
        descriptor = self._process.stdout.fileno()
        parts: list[bytes] = []
        size = 0
        while piece := os.read(descriptor, _PIECE):
            at = time.monotonic()
            *lines, rest = piece.split(b"\n")
            if lines:
                lines[0] = b"".join((*parts, lines[0]))
                parts, size = [], 0
            parts.append(rest)
            size += len(rest)
            for line in lines:
                if len(line) >= self._limits.line_bytes:
                    self._too_long(len(line))
                    return
                if line:
                    self._on_line(line, at)
            if size >= self._limits.line_bytes:
                self._too_long(size)
                return

    def _too_long(self, size: int) -> None:
        self.end(
            f"the daemon ends the plugin's process and every run in it: a line of {size} bytes or"
            f" more exceeds PLUGIN_STDIO_MAX_BUFFER_SIZE ({self._limits.line_bytes} bytes),"
            " bufio.Scanner: token too long"
        )

    def _exit_reason(self) -> str:
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return "the plugin closed its output"
        self._threads[1].join(_PATIENCE)
        last = self.complaints[-1] if self.complaints else "nothing on stderr"
        return f"the plugin's process ended with code {code} ({last})"

    def _read_complaints(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - Popen was asked for a pipe
        with contextlib.suppress(ValueError, OSError):
            for line in self._process.stderr:
                self.complaints.append(line.decode(errors="replace").rstrip())


def _start(directory: Path) -> subprocess.Popen[bytes]:
    if not (directory / "manifest.yaml").is_file() or not (directory / "main.py").is_file():
        raise WorkbenchError(
            f"No plugin in {directory}: manifest.yaml and main.py must be there."
            " Name the plugin's directory with --plugin."
        )
    return subprocess.Popen(
        [_python(directory), "-m", "main"],
        cwd=directory,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Ctrl-C at the terminal is for the host, which then ends the plugin in order.
        start_new_session=True,
    )


def _python(directory: Path) -> str:
    own = directory / ".venv" / "bin" / "python"
    return str(own) if own.is_file() else sys.executable


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not _SECRETS.search(name)}
    return {**inherited, "INSTALL_METHOD": "local"}

"""The local runtime: frames over the process's stdin and stdout."""

import threading
from pathlib import Path
from typing import override

from workbench.runtimes.limits import Limits
from workbench.runtimes.links import Callbacks, Link
from workbench.runtimes.pipe import Lines, Pipe, read_lines, too_long_text
from workbench.runtimes.process import PluginProcess

_PATIENCE = 2.0


class StdioLink(Link):
    """One process of the plugin under the daemon itself."""

    def __init__(self, directory: Path, limits: Limits, callbacks: Callbacks) -> None:
        self._limits = limits
        self._callbacks = callbacks
        self._reason: str | None = None
        self._process = PluginProcess(directory, {"INSTALL_METHOD": "local"})
        self._pipe = Pipe(self._process.input.fileno())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @override
    def request(self, session: str, line: bytes) -> None:
        """Write a run's first line; the session's name stands in it."""
        del session
        self._pipe.send(line)

    @override
    def end(self, reason: str) -> None:
        """Kill the process, as the daemon does, and say why."""
        self._reason = reason
        self._pipe.close()
        self._process.kill()

    @override
    def stop(self) -> None:
        """End the process, whatever it is doing, and wait for it."""
        self._pipe.close()
        self._process.stop()
        if self._reader is not threading.current_thread():
            self._reader.join(_PATIENCE)
        self._process.close()

    def _read(self) -> None:
        longest = self._limits.line_bytes
        lines = Lines(longest, lambda line, at: self._callbacks.on_line(line, at, self._pipe))
        read_lines(self._process.output.fileno(), lines)
        if lines.too_long:
            self.end(too_long_text(lines.too_long, longest))
        self._callbacks.on_end(self._reason or self._process.exit_reason())

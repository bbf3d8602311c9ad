"""The plugin's process: started as the daemon starts it, and always stopped."""

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from workbench.base.ports import WorkbenchError
from workbench.base.services import stop_process

_SECRETS = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_PATIENCE = 2.0


class PluginProcess:
    """`python -m main` in the plugin's directory, and the last lines of its stderr."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.stderr_lines: deque[str] = deque(maxlen=200)
        """The last lines of stderr."""
        self._process = _start(directory, environment)
        self._listener = threading.Thread(target=self._read_stderr, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The process id, for measurements of its memory and time."""
        return self._process.pid

    @property
    def input(self) -> IO[bytes]:
        """Its stdin."""
        assert self._process.stdin is not None  # noqa: S101 - Popen was asked for a pipe
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        """Its stdout."""
        assert self._process.stdout is not None  # noqa: S101 - Popen was asked for a pipe
        return self._process.stdout

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill it, as the daemon does."""
        self._process.kill()

    def stop(self) -> None:
        """End it, whatever it is doing, and wait for that."""
        stop_process(self._process)
        self._listener.join(_PATIENCE)

    def close(self) -> None:
        """Close what leads to it, once nobody reads there any more."""
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def exit_reason(self) -> str:
        """Say how it ended, with its last words."""
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return "the plugin closed its output"
        self._listener.join(_PATIENCE)
        last = self.stderr_lines[-1] if self.stderr_lines else "nothing on stderr"
        return f"the plugin's process ended with code {code} ({last})"

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - Popen was asked for a pipe
        with contextlib.suppress(ValueError, OSError):
            for line in self._process.stderr:
                self.stderr_lines.append(line.decode(errors="replace").rstrip())


def _start(directory: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    if not (directory / "manifest.yaml").is_file() or not (directory / "main.py").is_file():
        raise WorkbenchError(
            f"No plugin in {directory}: manifest.yaml and main.py must be there."
            " Name the plugin's directory with --plugin."
        )
    return subprocess.Popen(
        [_python(directory), "-m", "main"],
        cwd=directory,
        env={**_inherited(), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Ctrl-C at the terminal is for the host, which then ends the plugin in order.
        start_new_session=True,
    )


def _python(directory: Path) -> str:
    own = directory / ".venv" / "bin" / "python"
    return str(own) if own.is_file() else sys.executable


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not _SECRETS.search(name)}

"""What runs beside the workbench and stops with its `with` block."""

import subprocess
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

_PATIENCE = 2.0
"""Seconds in which a process may end by itself."""


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


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """End a process, whatever it is doing, and wait for that."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_PATIENCE)

"""What runs beside the workbench and stops with its `with` block."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Stopping(ABC):
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

"""What the host needs of a runtime: a process of the plugin, and a way to speak with it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.base.ports import Json
from workbench.runtimes.pipe import Outlet
from workbench.runtimes.process import PluginProcess

type Runtime = Literal["stdio", "tcp", "http"]
"""The daemon's three ways to run a plugin: local, remote debugging, serverless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """Who hears of the plugin. Called from the link's threads."""

    on_line: Callable[[bytes, float, Outlet], None]
    """A line, when it came, and where the answer to it goes."""
    on_declared: Callable[[Json], None]
    """The manifest."""
    on_ready: Callable[[], None]
    """The plugin can take runs, where no heartbeat says so."""
    on_closed: Callable[[str, str], None]
    """A run will send no more, and why; where every run has a connection of its own."""
    on_end: Callable[[str], None]
    """The process is over, and why. Called once."""


class Link(ABC):
    """One process of the plugin in one of the runtimes."""

    beats = True
    """Whether heartbeats are expected of it."""
    _process: PluginProcess

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def stderr_lines(self) -> Sequence[str]:
        """The last lines of stderr."""
        return self._process.stderr_lines

    @abstractmethod
    def request(self, session: str, line: bytes) -> None:
        """Hand a run to the plugin.

        Raises:
            PluginGoneError: the plugin takes nothing any more.
        """

    @abstractmethod
    def end(self, reason: str) -> None:
        """Kill the process, as the daemon does, and say why."""

    @abstractmethod
    def stop(self) -> None:
        """End the process, whatever it is doing, and wait for it."""

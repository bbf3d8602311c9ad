"""Which of a run's tools its model is shown."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from strategies.agent.interface.ports import Toolbox
from strategies.agent.prompt.conversation import Conversation
from strategies.protocols.base import ToolSpec


class ToolsFor(Protocol):
    """Chooses the tools for a conversation; where any are named, these."""

    def __call__(
        self, conversation: Conversation, names: Sequence[str] = (), *, searches: bool = True
    ) -> Toolbox:
        """Choose; `searches` says whether rounds are left to search for others."""
        ...


class ChosenTools:
    """A `Toolbox` that shows some tools of another one; all can be called."""

    def __init__(self, toolbox: Toolbox, names: Sequence[str]) -> None:
        self._toolbox = toolbox
        self._names = frozenset(names)
        self.provider = toolbox.provider
        self.call = toolbox.call

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """Those that were chosen."""
        return [spec for spec in self._toolbox.specs if spec.name in self._names]

    @property
    def known(self) -> Mapping[str, ToolSpec]:
        """All of them."""
        return self._toolbox.known

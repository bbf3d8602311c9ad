"""What the parts of a planned run are given: tools, limits, and who is asked for approval."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from strategies.agent.config import Limits, Policy
from strategies.agent.events import ToolCall
from strategies.agent.loop import Run
from strategies.agent.ports import Toolbox, ToolOutcome
from strategies.agent.prompt.conversation import Conversation, RoundRecord
from strategies.agent.tools.approval import Approvals
from strategies.protocols.base import ToolSpec


class ToolsFor(Protocol):
    """Chooses the tools for a conversation; where any are named, these."""

    def __call__(
        self, conversation: Conversation, names: Sequence[str] = (), *, searches: bool = True
    ) -> Toolbox:
        """Choose; `searches` says whether rounds are left to search for others."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPart:
    """What a run that is a part of another one is about."""

    conversation: Conversation
    toolbox: Toolbox
    limits: Limits
    policy: Policy
    approvals: Approvals
    approved: Sequence[ToolCall] = ()
    demands_call: bool = False
    """Whether the call that the builder demands is to be made in it."""


_HELD = "…"
"""Stands for a question, so that the step's run ends with it; no reader ever sees it."""

type MakeRun = Callable[[RunPart], Run]


class NoTools:
    """For a run that can only answer; a `Toolbox`."""

    specs: Sequence[ToolSpec] = ()
    known: Mapping[str, ToolSpec] = {}

    def provider(self, name: str) -> str:
        """Know none."""
        del name
        return ""

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolOutcome:
        """Run none; nothing that is not known is ever called."""
        del arguments
        raise KeyError(name)


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


@dataclass(slots=True)
class HeldBack:
    """Gathers the calls of all steps that need approval, for one question; an `Approvals`."""

    approvals: Approvals
    calls: list[ToolCall] = field(default_factory=list[ToolCall])
    """Where nobody can be asked, those that go without."""

    @property
    def can_ask(self) -> bool:
        """As the run can."""
        return self.approvals.can_ask

    def asks(self, name: str) -> bool:
        """Ask for what the run asks for."""
        return self.approvals.asks(name)

    @property
    def stops(self) -> bool:
        """Whether no step may begin any more, because the reader is to be asked."""
        return bool(self.calls) and self.can_ask

    def ask(self, calls: Sequence[ToolCall], rounds: Sequence[RoundRecord], known: str = "") -> str:
        """Keep the calls until all steps have come to a halt; the rounds are the step's own."""
        del rounds, known
        self.calls += calls
        return _HELD if self.can_ask else ""

"""What a run is given: what it is about, its limits, a policy, and its model."""

from collections.abc import Sequence
from dataclasses import dataclass

from strategies.agent.interface.events import ToolCall
from strategies.agent.interface.ports import Model, Toolbox
from strategies.agent.prompt.conversation import Conversation
from strategies.agent.prompt.formats import PromptFormat
from strategies.agent.schema.answer import AnswerShape
from strategies.agent.tools.approval import Approvals
from strategies.agent.window.context import ContextWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may spend."""

    rounds: int = 10
    """Model calls, not counting those that failed and were made again."""
    parallel_tools: int = 8
    seconds: float = 540.0
    """The whole run."""
    tool_seconds: float = 120.0
    """One tool call."""
    text_pause: float = 0.0
    """Seconds between two texts for the reader."""

    @property
    def answer_seconds(self) -> float:
        """What is kept back of the run's time for the closing answer."""
        return min(60.0, self.seconds / 4)

    @property
    def first_token_seconds(self) -> float:
        """How long a model may take to begin, if there is time for nothing else."""
        return self.seconds / 3

    @property
    def stall_seconds(self) -> float:
        """How long a model may pause in the middle of a reply."""
        return self.seconds / 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the builder of the app wants of a run's end."""

    answer_on_error: bool = False
    """A run that cannot go on ends with what is known, instead of an error."""
    direct_tools: frozenset[str] = frozenset()
    """Tools whose successful result is the answer."""
    shape: AnswerShape | None = None
    """The JSON that the answer is to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBinding:
    """A model, the way to speak with it, and its window."""

    model: Model
    format: PromptFormat
    window: ContextWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What one run is about, whole or a part of another one; the models are up to who makes it."""

    conversation: Conversation
    toolbox: Toolbox
    limits: Limits
    policy: Policy
    approvals: Approvals
    approved: Sequence[ToolCall] = ()
    """The calls that the reader has approved since; they run before all else."""
    makes_demanded_call: bool = False
    """Whether the call that the builder demands, if any, is to be made in it."""

"""The values a run is made of: its limits and policy, its model, and what a round leads to."""

from dataclasses import dataclass

from strategies.agent.events import StopReason
from strategies.agent.ports import Model
from strategies.agent.prompt.conversation import RoundRecord
from strategies.agent.prompt.formats import PromptFormat
from strategies.agent.schema.answer import AnswerShape
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


@dataclass(frozen=True, slots=True)
class Again:
    """The model needs another round, in which it reads of this one."""

    record: RoundRecord | None = None
    """None where the round brought nothing to read."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """The run is over; the answer went out piece by piece, known to be one from its first word."""

    answer: str
    reason: StopReason


@dataclass(frozen=True, slots=True)
class Answered:
    """The run is over; the reader has seen the text, which has turned out to be the answer."""

    answer: str
    reason: StopReason


@dataclass(frozen=True, slots=True)
class Composed:
    """The run is over; the answer is still to be shown."""

    answer: str
    reason: StopReason
    structured: object = None
    """The answer as a JSON value, where a shape was asked for."""
    error: str = ""
    """What went wrong, where the run is to end with what is known all the same."""
    before: str = ""
    """What of the answer the reader has seen already."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The run is over, without an answer."""

    sentence: str
    reason: StopReason


type Step = Again | Streamed | Answered | Composed | Broken

"""The values a run is made of: its limits and policy, a round's working place, the next steps."""

from dataclasses import dataclass

from strategies.agent.event_queue import EventQueue
from strategies.agent.events import CallFinished, PlannedCall, StopReason
from strategies.agent.ports import Model
from strategies.agent.prompt.formats import PromptFormat
from strategies.agent.schema.answer import AnswerShape
from strategies.agent.tools.executor import ToolExecutor
from strategies.agent.tools.validation import Ready
from strategies.agent.window.context import ContextWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may spend."""

    rounds: int = 10
    """Model calls."""
    parallel_tools: int = 8
    seconds: float = 540.0
    """The whole run."""
    tool_seconds: float = 120.0
    """One tool call."""
    text_pause: float = 0.010
    """Seconds between two texts for the reader: each message costs Dify up to a millisecond."""

    @property
    def answer_seconds(self) -> float:
        """What is kept back of the run's time for the closing answer."""
        return min(60.0, self.seconds / 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the builder of the app wants of a run's end."""

    answer_on_error: bool = False
    """A run that cannot go on ends with what is known, instead of an error."""
    direct_tools: frozenset[str] = frozenset()
    """Tools whose successful result is the answer."""
    shape: AnswerShape | None = None
    """The JSON that the answer is to be."""
    shows_reasoning: bool = True
    """The reader sees the reasoning as it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBinding:
    """A model, the way to speak with it, and its window."""

    model: Model
    format: PromptFormat
    window: ContextWindow


@dataclass(frozen=True, slots=True)
class Again:
    """The model needs another round."""


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


class Round:
    """What a round works with: its queue, its executor and its calls in the order of the model."""

    def __init__(
        self, number: int, closing: StopReason | None, queue: EventQueue, executor: ToolExecutor
    ) -> None:
        self.number = number
        self.closing: StopReason | None = closing
        """Why this is the last round, in which no tool can be called; None when it is not."""
        self.queue = queue
        self.executor = executor
        self.executed: list[Ready] = []
        """The calls that were run for real."""
        self._calls: list[tuple[int, PlannedCall]] = []

    def add(self, position: int, call: PlannedCall) -> None:
        """Note a call at the place where the model wrote it."""
        self._calls.append((position, call))

    @property
    def calls(self) -> tuple[PlannedCall, ...]:
        """The calls in the order in which the model wrote them."""
        return tuple(call for _, call in sorted(self._calls, key=lambda entry: entry[0]))

    @property
    def results(self) -> tuple[CallFinished, ...]:
        """One result per call, in the order of the calls."""
        return tuple(self.executor.finished[call.id] for call in self.calls)

"""What a round can lead to: another round, or one of the ends of a run."""

from dataclasses import dataclass

from strategies.agent.events import StopReason
from strategies.agent.prompt.conversation import RoundRecord


@dataclass(frozen=True, slots=True)
class Again:
    """The model needs another round, in which it reads of this one."""

    record: RoundRecord | None = None
    """None where the round brought nothing to read."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The run is over; the reader has seen the text, which is the answer."""

    answer: str
    reason: StopReason
    streamed: bool
    """It went out piece by piece as the answer, known to be one from its first word."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The run is over; the answer was put together here, and the reader has yet to see it."""

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


type Decision = Again | Answered | Composed | Broken

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


type Decision = Again | Streamed | Answered | Composed | Broken

"""What a round can lead to: another round, or one of the ends of a run."""

from dataclasses import dataclass

from strategies.agent.events import StopReason


@dataclass(frozen=True, slots=True)
class Again:
    """The model needs another round, in which it reads of this one."""

    remark: str = ""
    """What it is told about this one, such as a fault of its reply."""


@dataclass(frozen=True, slots=True)
class AskedAnew:
    """The model is asked once more, as if this round, which brought nothing, had not been."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The run is over; the reader has seen the text, which is the answer."""

    answer: str
    reason: StopReason
    streamed: bool
    """It went out piece by piece as the answer, known to be one from its first word."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The run is over; the answer was put together here."""

    answer: str
    reason: StopReason
    structured: object = None
    """The answer as a JSON value, where a shape was asked for."""
    error: str = ""
    """What went wrong, where the run is to end with what is known all the same."""
    unseen: str | None = None
    """The end of the answer that the reader has yet to see; None for all of it."""
    unstreamed: str | None = None
    """The end of it that has yet to go out as the answer; None for all of it."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The run is over, without an answer."""

    sentence: str
    reason: StopReason


type Decision = Again | AskedAnew | Answered | Composed | Broken

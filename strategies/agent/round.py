"""What one round of a run works with, from its opening to the decision about it."""

from dataclasses import dataclass, field

from strategies.agent.events import StopReason
from strategies.agent.streaming.round_queue import RoundQueue
from strategies.agent.tools.calls import RoundCalls
from strategies.agent.usage import Usage


@dataclass(slots=True, kw_only=True)
class Round:
    """One round: the loop opens it, the asker and the tools fill it, the decider judges it."""

    number: int
    closing: StopReason | None
    """Why this is the last round, in which no tool can be called; None when it is not."""
    queue: RoundQueue
    calls: RoundCalls
    until: float
    """The moment, on the run's clock, until which its reply may begin."""
    only_answer: bool
    """Whether no tool can be called in this round, so that all its text is the answer."""
    usage: Usage = field(default_factory=Usage)
    """What all the model calls of the round have cost, the failed ones included."""

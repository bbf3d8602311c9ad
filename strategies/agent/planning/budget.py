"""What a planned run may spend, shared out among its parts: rounds and time; and what it has cost.

One round is always kept for the answer, and so is the time that it needs.
"""

import time
from dataclasses import replace

from strategies.agent.config import Limits
from strategies.agent.interface.events import (
    ClosingFinished,
    Event,
    PlanFinished,
    RoundStarted,
    StepFinished,
    StepHeld,
    Within,
)
from strategies.agent.interface.usage import Usage

_LEAST_ROUNDS = 3
"""For a plan, one step and the answer."""


class PlanBudget:
    """The rounds and the time of a run that all its parts live on."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds
        self._rounds = limits.rounds
        """How many are left, without those that running steps have been given."""
        self._shares: dict[str, int] = {}
        """How many a running step may still use, by its place."""
        self.usage = Usage()
        """What the parts have cost that are over."""

    def count(self, event: Event) -> None:
        """Count what an event of the run tells of: every one is to pass by here."""
        match event:
            case Within(place, RoundStarted()) if place in self._shares:
                self._shares[place] -= 1
            case Within(_, RoundStarted()):
                self._rounds -= 1
            case PlanFinished() | StepFinished() | StepHeld() | ClosingFinished():
                self.usage += event.usage
            case _:
                pass

    @property
    def allows_plan(self) -> bool:
        """Whether enough rounds are left for a plan to be worth its own."""
        return self._rounds >= _LEAST_ROUNDS

    @property
    def at_once(self) -> int:
        """How many steps may run side by side."""
        return self._limits.parallel_tools

    @property
    def in_time(self) -> bool:
        """Whether more may be begun before it is time to answer."""
        return time.monotonic() < self._deadline - self._limits.answer_seconds

    def lend(self, place: str, among: int) -> int:
        """Give a step its share of the rounds, and return how many; 0 where it cannot begin.

        Args:
            place: the step's.
            among: how many steps are still to begin, this one included.
        """
        to_share = self._rounds - 1
        share = to_share // max(among, 1) or min(to_share, 1)
        if share < 1 or not self.in_time:
            return 0
        self._rounds -= share
        self._shares[place] = share
        return share

    def take_back(self, place: str) -> None:
        """Take the rounds back that a step has not used."""
        self._rounds += self._shares.pop(place)

    def for_step(self, rounds: int) -> Limits:
        """Return what a step may spend; it keeps time back for its own answer besides."""
        return self._limits_of(rounds, kept=self._limits.answer_seconds)

    def for_plan(self) -> Limits:
        """Return what the asking for a plan may spend."""
        return self._limits_of(1)

    def for_answer(self) -> Limits:
        """Return what is left for an answer, written from the steps or without any."""
        return self._limits_of(max(self._rounds, 1))

    def _limits_of(self, rounds: int, *, kept: float = 0.0) -> Limits:
        left = self._deadline - time.monotonic() - kept
        return replace(self._limits, rounds=rounds, seconds=max(left, 1.0))

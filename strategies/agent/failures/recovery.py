"""What to do about a failed model call: wait, change something, or give up.

A remedy is tried only while nothing of the reply has been shown; of a text that was cut off only
the rest is asked for (`model/asking.py`). Each change (no media, no native tools, a smaller window,
the other model) is made at most once or twice in a run, so that every run comes to an end. The
table follows the kinds of `classify`:

    transient          wait and ask again, up to three tries; the provider may say how long
    context_too_long   fold the conversation harder, twice
    vision_refused     turn images and files into text, once
    tools_refused      describe the tools in the text, once
    silent             the fallback model; asking the same one again could take the whole run
    anything else, and whatever its remedies did not cure: the fallback model, then the end
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from strategies.agent.failures.classify import ModelFailure

MAX_TRIES = 3
"""Calls in all, the first one included."""
FIRST_STEP = 1.0
"""Seconds; the first wait lies between half of it and all of it."""
_GROWTH = 4.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again after so many seconds."""

    seconds: float


type Change = Literal[
    "shrink_window",  # ask again with a shorter prompt
    "drop_media",  # ask again with files named in the text only
    "drop_native_tools",  # ask again with the tools described in the text
    "switch_model",  # ask the fallback model
]
type Remedy = Wait | Change | Literal["give_up"]


class Recovery:
    """The remedies of one run: which are left, and how often a call was tried."""

    def __init__(self, *, has_fallback: bool) -> None:
        self._changes: list[Change] = [
            "shrink_window",
            "shrink_window",
            "drop_media",
            "drop_native_tools",
        ]
        if has_fallback:
            self._changes.append("switch_model")
        self._tries = 1
        self._switched = False

    @property
    def may_switch(self) -> bool:
        """Whether there is another model to ask."""
        return "switch_model" in self._changes

    def take_fallback(self) -> bool:
        """Use up the other model, and tell whether there was one."""
        return self._switch() == "switch_model"

    def asked(self) -> None:
        """Note that a new round asks its model for the first time."""
        self._tries = 1

    def remedy(
        self, failure: ModelFailure, time_left: float, *, offers_tools: bool = False
    ) -> Remedy:
        """Say what to do about a failure.

        Args:
            failure: what went wrong.
            time_left: in seconds.
            offers_tools: whether tools were declared to the provider.
        """
        self._tries += 1
        match failure.kind:
            case "transient":
                wait = wait_before(
                    self._tries,
                    retry_after=failure.retry_after,
                    time_left=time_left,
                    chance=random.random,
                )
                return Wait(wait) if wait is not None else self._switch()
            case "context_too_long":
                return self._once("shrink_window")
            case "vision_refused":
                return self._once("drop_media")
            case "tools_refused":
                return self._once("drop_native_tools")
            case "bad_request" | "unknown" if self._switched and offers_tools:
                # Nobody knows what a fallback model can do; some just fail at a tool's result.
                return self._once("drop_native_tools")
            case _:
                return self._switch()

    def _once(self, change: Change) -> Remedy:
        if change not in self._changes:
            return self._switch()
        self._changes.remove(change)
        return change

    def _switch(self) -> Remedy:
        if not self.may_switch:
            return "give_up"
        self._changes.remove("switch_model")
        self._tries = 1
        self._switched = True
        return "switch_model"


def wait_before(
    attempt: int,
    *,
    retry_after: float | None,
    time_left: float,
    chance: Callable[[], float],
) -> float | None:
    """Return the seconds to wait before the given attempt, None when it is not worth making.

    Half of each step is certain, so that a busy provider is left alone, and half is chance, so that
    runs which failed together do not come back together.

    Args:
        attempt: the number of the call that would be made, counted from 1; at least 2.
        retry_after: seconds that the provider asks to wait, when it does.
        time_left: seconds until the run's deadline. A wait that would reach it is not begun: a
            call without time for its reply helps nobody.
        chance: gives a number from 0 to 1, such as `random.random`.
    """
    if attempt > MAX_TRIES:
        return None
    step = FIRST_STEP * _GROWTH ** (attempt - 2)
    wait = step / 2 + step / 2 * min(max(chance(), 0.0), 1.0)
    if retry_after is not None:
        wait = max(wait, retry_after)
    return wait if wait < time_left else None

"""How long to wait before a failed model call is tried again.

Exponential backoff with equal jitter: half of each step is certain, so that a busy provider is
left alone, and half is chance, so that runs which failed together do not come back together. What
the provider itself asks for is respected. There is no clock and no chance in here: both are handed
in, and nobody sleeps.
"""

from collections.abc import Callable

MAX_TRIES = 3
"""Calls in all, the first one included."""

FIRST_STEP = 1.0
"""Seconds; the first wait lies between half of it and all of it."""

_GROWTH = 4.0


def wait_before(
    attempt: int,
    *,
    retry_after: float | None,
    time_left: float,
    chance: Callable[[], float],
) -> float | None:
    """Return the seconds to wait before the given attempt, None when it is not worth making.

    Args:
        attempt: the number of the call that would be made, counted from 1.
        retry_after: seconds that the provider asks to wait, when it does.
        time_left: seconds until the run's deadline. A wait that would reach it is not begun: a
            call without time for its reply helps nobody.
        chance: gives a number from 0 to 1, such as `random.random`.
    """
    if attempt > MAX_TRIES:
        return None
    if attempt <= 1:
        return 0.0 if time_left > 0 else None
    step = FIRST_STEP * _GROWTH ** (attempt - 2)
    wait = step / 2 + step / 2 * min(max(chance(), 0.0), 1.0)
    if retry_after is not None:
        wait = max(wait, retry_after)
    return wait if wait < time_left else None

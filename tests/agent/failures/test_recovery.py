"""Waiting before a failed model call is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from strategies.agent.failures.recovery import MAX_TRIES, wait_before

CHANCES = st.floats(0, 1)


def half() -> float:
    """Give the middle of all chances."""
    return 0.5


@given(CHANCES)
def test_the_first_wait_is_at_most_a_second(chance: float) -> None:
    """A reader who waits for text is not kept waiting by the first hiccup."""
    wait = wait_before(2, retry_after=None, time_left=100, chance=lambda: chance)

    assert wait is not None
    assert 0.5 <= wait <= 1


@given(CHANCES)
def test_waits_grow(chance: float) -> None:
    """The second wait is longer than the first, whatever chance says."""
    first = wait_before(2, retry_after=None, time_left=100, chance=lambda: 1.0)
    second = wait_before(3, retry_after=None, time_left=100, chance=lambda: chance)

    assert first is not None
    assert second is not None
    assert second > first


def test_there_are_three_tries() -> None:
    """A fourth call is not made."""
    waits = [wait_before(n, retry_after=None, time_left=100, chance=half) for n in range(2, 6)]

    assert waits == [0.75, 3.0, None, None]
    assert MAX_TRIES == 3


def test_the_providers_wish_is_respected() -> None:
    """A provider that asks for 20 seconds gets them."""
    assert wait_before(2, retry_after=20, time_left=100, chance=half) == 20


def test_a_wish_beyond_the_time_left_ends_the_tries() -> None:
    """Waiting for something that cannot come in time only costs the reader's time (W9)."""
    assert wait_before(2, retry_after=3600, time_left=500, chance=half) is None


@given(
    st.integers(2, 5),
    st.none() | st.floats(0, 1e6),
    st.floats(-10, 1000),
    st.floats(-5, 5),
)
def test_no_wait_reaches_the_deadline(
    attempt: int, retry_after: float | None, time_left: float, chance: float
) -> None:
    """Whatever is asked for, a wait is never negative and always ends before the run's time."""
    wait = wait_before(attempt, retry_after=retry_after, time_left=time_left, chance=lambda: chance)

    assert wait is None or 0 <= wait < time_left

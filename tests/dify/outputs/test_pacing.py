"""How fast messages leave, by a clock that only sleeping moves."""

import random
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.dify.outputs.pacing import DifyMessage, paced

TEXT: DifyMessage = {"type": "text", "message": {"text": "x"}}
LOG: DifyMessage = {"type": "log", "message": {}}


class Clock:
    """A clock that stands still until somebody sleeps; sleep may end too early."""

    def __init__(self, *, wakes_early: bool = False) -> None:
        self.now = 1_000.0
        self.slept = 0.0
        self._chance = random.Random(7)  # noqa: S311 - repeatable, not secret
        self._wakes_early = wakes_early

    def time(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        share = self._chance.uniform(0.2, 1.0) if self._wakes_early else 1.0
        self.now += max(seconds * share, 1e-6)
        self.slept += seconds


def times_of(
    messages: list[DifyMessage], *, pauses: Iterator[float] | None = None, early: bool = False
) -> list[float]:
    """Let messages through and return when each left; `pauses` pass before each comes."""
    clock = Clock(wakes_early=early)

    def coming() -> Iterator[DifyMessage]:
        for message in messages:
            clock.now += next(pauses) if pauses else 0.0
            yield message

    return [clock.now for _ in paced(coming(), clock=clock.time, sleep=clock.sleep)]


def most_within(times: list[float], seconds: float) -> int:
    """Count the most messages in any window of time."""
    return max(sum(1 for one in times if start <= one < start + seconds - 1e-9) for start in times)


def test_the_first_text_leaves_at_once() -> None:
    """Whoever waits for an answer sees its first word as soon as it is there."""
    assert times_of([LOG, LOG, TEXT]) == [1_000.0] * 3


def test_texts_leave_ten_milliseconds_apart() -> None:
    """What comes faster costs the reader more time than it saves."""
    times = times_of([TEXT] * 20)

    assert all(later - earlier >= 0.01 - 1e-9 for earlier, later in pairwise(times[1:]))
    assert times[-1] - times[0] < 0.2


def test_a_hundred_texts_a_second_are_not_delayed_by_one_that_was_late() -> None:
    """Else all that follow would wait, since they come no slower than they may leave."""
    late = [0.01, 0.01, 0.018, 0.002, 0.01, 0.01, 0.01]
    times = times_of([TEXT] * 7, pauses=iter(late))

    assert [round(one - 1_000, 3) for one in times] == [0.01, 0.02, 0.038, 0.04, 0.05, 0.06, 0.07]


def test_text_that_comes_slowly_is_not_delayed() -> None:
    """A model slower than the pace is not slowed down."""
    times = times_of([TEXT] * 5, pauses=iter([0.0, 0.011, 0.02, 0.5, 0.01]))

    assert [round(one - 1_000, 3) for one in times] == [0.0, 0.011, 0.031, 0.531, 0.541]


def test_logs_wait_for_nobody_while_they_are_few() -> None:
    """A round's logs leave together."""
    assert times_of([LOG] * 64) == [1_000.0] * 64


def test_the_logs_of_sixty_tools_leave_in_bursts_that_the_daemon_takes() -> None:
    """It drops what its queue of 128 cannot hold; 120 logs take two twentieths of a second."""
    times = times_of([LOG] * 124)

    assert most_within(times, 0.05) <= 64
    assert times[-1] - times[0] <= 0.1


def test_a_sleep_that_ends_too_early_is_slept_again() -> None:
    """Clocks differ: a sleep may return a little before its time."""
    times = times_of([TEXT] * 50 + [LOG] * 200, early=True)

    assert most_within(times, 0.05) <= 64
    assert most_within(times[:50], 0.01) <= 2


@given(
    st.lists(st.sampled_from([TEXT, LOG]), max_size=300),
    st.lists(st.floats(0, 0.03), min_size=300, max_size=300),
)
def test_no_window_ever_holds_too_many(messages: list[DifyMessage], pauses: list[float]) -> None:
    """Whatever comes when: at most 64 within 50 ms, a text per 10 ms and one more, none lost."""
    times = times_of(messages, pauses=iter(pauses))
    texts = [at for at, message in zip(times, messages, strict=True) if message is TEXT]

    assert len(times) == len(messages)
    assert not times or most_within(times, 0.05) <= 64
    assert all(most_within(texts, 0.01 * n) <= n + 1 for n in (1, 2, 5, 20) if texts)


@pytest.mark.timed
def test_the_real_clock_keeps_the_pace() -> None:
    """Five hundred messages by the real clock, in order, without a window too full."""
    messages: list[DifyMessage] = [{"type": "log", "message": {"n": n}} for n in range(500)]
    times: list[float] = []
    seen: list[int] = []
    for message in paced(messages):
        times.append(time.monotonic())
        seen.append(message["message"]["n"])

    assert seen == list(range(500))
    # The clock is read once more here, so a window may seem a little shorter than it was.
    assert most_within(times, 0.048) <= 64
    assert times[-1] - times[0] < 2

"""The queue's arithmetic, against what was measured in a real daemon."""

from workbench.host.lossy_queue import LossyQueue


def lost(times: list[float]) -> int:
    """Count what a fresh queue of the daemon's size loses."""
    queue = LossyQueue(128, 2000)
    return sum(not queue.admits(at) for at in times)


def test_a_full_queue_loses_what_comes_at_once() -> None:
    """128 fit, the next one is gone."""
    assert lost([0.0] * 128) == 0
    assert lost([0.0] * 129) == 1


def test_bursts_of_a_hundred_every_fifty_milliseconds_pass() -> None:
    """The pace at which a real Dify lost nothing."""
    assert lost([burst * 0.05 for burst in range(30) for _ in range(100)]) == 0


def test_bursts_of_two_hundred_lose() -> None:
    """The pace at which a real Dify did lose messages."""
    assert lost([burst * 0.1 for burst in range(30) for _ in range(200)]) > 0


def test_one_message_a_millisecond_passes() -> None:
    """A steady stream below the drain never fills the queue."""
    assert lost([number / 1000 for number in range(3000)]) == 0


def test_time_that_stands_still_drains_nothing() -> None:
    """Stamps may repeat or step back by a thread's turn; nothing is counted twice."""
    queue = LossyQueue(2, 1000)

    assert [queue.admits(at) for at in (1.0, 0.9, 1.0, 1.002)] == [True, True, False, True]

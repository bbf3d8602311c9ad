"""Long work gives way to sockets and timers, as it must under gevent; run by test_sdk.py.

What is counted is the process's own time, so that a busy machine makes no difference.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import dify_plugin  # noqa: F401 # pyright: ignore[reportUnusedImport] - makes threads greenlets
import pytest

from strategies.agent.streaming.yielding import give_way
from strategies.dify.calls.inline_media import value_without_media
from strategies.dify.outputs.compact_json import compact

MOST = 0.1
"""Seconds; it took 0.3 and more before, and some 0.02 now."""
ROWS = [{"number": number, "text": "word " * 4} for number in range(60_000)]


def busy() -> None:
    """Work for half a second in pieces of 10 ms."""
    for _ in range(50):
        until = time.process_time() + 0.01
        while time.process_time() < until:
            pass
        give_way()


def longest_hold(work: Callable[[], Any]) -> float:
    """Measure how long the process worked at most before a timer was heard."""
    holds: list[float] = []
    over = threading.Event()

    def listen() -> None:
        last = time.process_time()
        while not over.is_set():
            time.sleep(0.001)
            now = time.process_time()
            holds.append(now - last)
            last = now

    listener = threading.Thread(target=listen)
    worker = threading.Thread(target=work)
    listener.start()
    worker.start()
    worker.join()
    over.set()
    listener.join()
    return max(holds)


@pytest.mark.parametrize(
    "work",
    [
        busy,
        lambda: compact(ROWS),
        lambda: value_without_media(ROWS, lambda _: ""),
    ],
    ids=["busy", "compact", "value_without_media"],
)
def test_a_timer_is_heard_while_much_is_done(work: Callable[[], Any]) -> None:
    """What a model sends meanwhile is read in time."""
    assert min(longest_hold(work) for _ in range(3)) < MOST

"""The three plugins side by side, scripted models with a clock, and what a process costs."""

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.base.ports import Json
from workbench.bench.scripted import chunk, usage
from workbench.host.daemon import Host
from workbench.host.record import Run

ROOT = Path(__file__).parent.parent
PLUGINS = {
    "ours": ROOT,
    "floor": ROOT / "benchmarks" / "plugins" / "floor",
    "rival": ROOT / "benchmarks" / "plugins" / "rival",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    quick: bool = False
    burst: int = 5_000
    steady: int = 500
    rates: tuple[float, ...] = (50.0, 100.0)
    """Chunks a second of the steady streams: a usual model, and as fast as text may leave."""
    repeats: int = 3
    nap: float = 0.5
    """Seconds that a tool takes."""
    rounds: tuple[int, ...] = (10, 50, 200)
    megabytes: float = 10.0
    """Of the longest reply that is parsed whole; a tenth of it in small pieces."""
    starts: int = 5
    memory_runs: int = 1_000
    loads: tuple[int, ...] = (1, 50, 200, 500)


FULL = Sizes()
QUICK = Sizes(
    quick=True,
    burst=200,
    steady=20,
    rates=(100.0, 200.0),
    repeats=1,
    nap=0.05,
    rounds=(2, 3, 4),
    megabytes=0.05,
    starts=1,
    memory_runs=4,
    loads=(1, 2, 3, 4),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """The plugins, running."""

    hosts: dict[str, Host]

    @property
    def ours(self) -> Host:
        """The plugin that is measured."""
        return self.hosts["ours"]

    @property
    def floor(self) -> Host:
        """What only forwards."""
        return self.hosts["floor"]

    @property
    def rival(self) -> Host:
        """The sequential loop."""
        return self.hosts["rival"]


@contextmanager
def stage() -> Generator[Stage]:
    """Start all three; stop them at the end."""
    with ExitStack() as stack:
        yield Stage({name: stack.enter_context(Host(path)) for name, path in PLUGINS.items()})


class Clocked:
    """A model that streams words, at once or on time, and keeps the moment of each."""

    def __init__(self, count: int, rate: float | None = None) -> None:
        self._count = count
        self._pause = 1 / rate if rate else 0.0
        self.given: list[tuple[int, float]] = []
        """For each chunk, how long the text is with it, and the moment on the steady clock."""

    def answer(self, request: Json) -> Iterator[Json]:
        """Stream the words."""
        del request
        began, length = time.monotonic(), 0
        for number in range(self._count):
            late = began + number * self._pause - time.monotonic()
            if late > 0:
                time.sleep(late)
            word = f" word{number}"
            length += len(word)
            self.given.append((length, time.monotonic()))
            yield chunk(word)
        yield chunk(usage=usage(), finish="stop")

    def delays(self, run: Run) -> list[float]:
        """Milliseconds from each chunk to the message that carried the last of it."""
        shown = _lengths(run)
        found: list[float] = []
        for length, moment in self.given:
            at = next((at for reached, at in shown if reached >= length), None)
            if at is not None:
                found.append((at - moment) * 1000)
        return found


def _lengths(run: Run) -> list[tuple[int, float]]:
    shown: list[tuple[int, float]] = []
    length = 0
    for received in run.received:
        if received.message["type"] == "text":
            length += len(received.message["message"]["text"])
            shown.append((length, run.began + received.at))
    return shown


def cpu(host: Host) -> float:
    """Seconds of CPU that the plugin's process has used, all threads together."""
    # The kernel's clock of another process: its number, inverted, with 2 for "scheduler time".
    return time.clock_gettime((~host.pid << 3) | 2)


def memory(host: Host) -> float:
    """Megabytes of the plugin's process that are in memory."""
    status = Path(f"/proc/{host.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def provider_logs(run: Run) -> int:
    """Count the logs with `provider`, each of which costs Dify some 30 ms."""
    return sum(
        1
        for message in [*run.messages, *run.lost]
        if message["type"] == "log" and "provider" in (_body(message).get("metadata") or {})
    )


def sent(run: Run) -> int:
    """Count the messages of a run, those included that Dify would have lost."""
    return len(run.messages) + len(run.lost)


def at_once(count: int, play: Any) -> None:
    """Call `play(number)` in so many threads and wait for all."""
    threads = [threading.Thread(target=play, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which that share of all lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def _body(message: Json) -> Json:
    return message["message"]

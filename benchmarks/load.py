"""Many runs at once in one process."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.stage import Clocked, Sizes, Stage, at_once, percentile
from benchmarks.table import Row, Section
from workbench.base.ports import Json
from workbench.bench.scripted import ScriptedTools, ask, calls, text_output, tool, tool_call
from workbench.host.daemon import Host
from workbench.host.record import Run

_CHUNKS, _RATE = 20, 20.0


class _Reply:
    """Calls a tool, then answers in chunks that come on time."""

    def __init__(self) -> None:
        self.clocked = Clocked(_CHUNKS, _RATE)

    def answer(self, request: Json) -> Iterator[Json]:
        if request["prompt_messages"][-1]["role"] == "tool":
            yield from self.clocked.answer(request)
            return
        for step in calls(tool_call("echo", {"q": "x"})):
            assert isinstance(step, dict)  # noqa: S101 - a script without waits
            yield step


@dataclass(frozen=True, slots=True)
class _Load:
    """Runs at once, measured."""

    a_second: float
    delay: float
    broken: int


def measure(stage: Stage, sizes: Sizes) -> list[Section]:
    """Play ever more runs at once, ours and the rival's in turn."""
    rows: list[Row] = []
    for count in sizes.loads:
        rival, ours = _play(stage.rival, count), _play(stage.ours, count)
        rows += [
            Row(
                what=f"{count} at once: runs a second",
                unit="",
                ours=ours.a_second,
                rival=rival.a_second,
                goal="≥ rival (within 3 %)",
                least=0.97 * rival.a_second,
            ),
            Row(
                what="… 99th percentile of chunk to message",
                unit="ms",
                ours=ours.delay,
                rival=rival.delay,
            ),
            Row(
                what="… frames broken, lost or mixed up",
                unit="",
                ours=ours.broken,
                rival=rival.broken,
                goal="none",
                most=0,
            ),
        ]
    title = f"Runs at once: one tool, then {_CHUNKS} chunks at {_RATE:g} a second"
    return [Section(title, rows)]


def _play(host: Host, count: int) -> _Load:
    models = [_Reply() for _ in range(count)]
    runs: dict[int, Run] = {}
    broken = len(host.broken_lines)

    def play(number: int) -> None:
        runs[number] = host.run(
            ask("Go", tool("echo"), maximum_iterations=5),
            model=models[number],
            tools=ScriptedTools(echo=[text_output("ok")]),
            timeout=300,
        )

    began = time.monotonic()
    at_once(count, play)
    seconds = time.monotonic() - began
    delays = [each for number, run in runs.items() for each in models[number].clocked.delays(run)]
    text = "".join(f" word{number}" for number in range(_CHUNKS))
    wrong = sum(run.text.strip() != text.strip() for run in runs.values()) + count - len(runs)
    lost = sum(len(run.lost) for run in runs.values())
    broken = len(host.broken_lines) - broken + lost + wrong
    return _Load(count / seconds, percentile(delays, 0.99), broken)

"""How soon a plugin is there, and how much memory it takes."""

import time
from pathlib import Path
from statistics import median

from benchmarks.stage import PLUGINS, Sizes, at_once, memory
from benchmarks.table import Row, Section
from workbench.bench.scripted import FunctionModel, ask, says
from workbench.host.daemon import Host

_AT_ONCE = 8
_MEASURED = ("ours", "floor", "rival")


def measure(sizes: Sizes) -> list[Section]:
    """Start every plugin anew, several times, and play runs in the last of each."""
    starts: dict[str, list[float]] = {name: [] for name in _MEASURED}
    for _ in range(sizes.starts):
        for name in _MEASURED:
            starts[name].append(_start(PLUGINS[name]))
    start = {name: median(values) for name, values in starts.items()}
    idle: dict[str, float] = {}
    used: dict[str, float] = {}
    for name in _MEASURED:
        idle[name], used[name] = _memory(PLUGINS[name], sizes.memory_runs)
    figures = (
        ("start-up to the first heartbeat", "s", start),
        ("resident memory, idle", "MB", idle),
        (f"resident memory after {sizes.memory_runs:,} runs", "MB", used),
    )
    rows = [
        Row(
            what=what,
            unit=unit,
            ours=values["ours"],
            floor=values["floor"],
            rival=values["rival"],
            goal="≤ 1.15 × floor",
            most=1.15 * values["floor"],
        )
        for what, unit, values in figures
    ]
    return [Section("Start-up and memory", rows)]


def _start(plugin: Path) -> float:
    began = time.monotonic()
    with Host(plugin):
        return time.monotonic() - began


def _memory(plugin: Path, runs: int) -> tuple[float, float]:
    with Host(plugin) as host:
        idle = memory(host)

        def play(number: int) -> None:
            for _ in range(number, runs, _AT_ONCE):
                host.run(ask("Hi"), model=FunctionModel(lambda _: says("Hello there.", pieces=3)))

        at_once(_AT_ONCE, play)
        return idle, memory(host)

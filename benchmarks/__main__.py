"""`python -m benchmarks`: measure everything, print one table, keep it in results.md."""

import argparse
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import load, parsers, processes, rounds, streaming, tools
from benchmarks.stage import FULL, QUICK, ROOT, Sizes, Stage, stage
from benchmarks.table import Section, as_markdown, as_text

_RESULTS = ROOT / "benchmarks" / "results.md"
_ON_STAGE: dict[str, Callable[[Stage, Sizes], list[Section]]] = {
    "streaming": streaming.measure,
    "tools": tools.measure,
    "rounds": rounds.measure,
    "load": load.measure,
}
_ALONE: dict[str, Callable[[Sizes], list[Section]]] = {
    "parsers": parsers.measure,
    "processes": processes.measure,
}


def main() -> int:
    """Measure; 0 also when a goal is missed, because a figure is no failure."""
    options = _options()
    wanted: list[str] = options.only or [*_ON_STAGE, *_ALONE]
    sizes = QUICK if options.quick else FULL
    sections: list[Section] = []
    for name in wanted:
        if name in _ALONE:
            _tell(name)
            sections += _ALONE[name](sizes)
    if any(name in _ON_STAGE for name in wanted):
        with stage() as plugins:
            for name in wanted:
                if name in _ON_STAGE:
                    _tell(name)
                    sections += _ON_STAGE[name](plugins, sizes)
    print(as_text(sections))  # noqa: T201 - the table is what this command is for
    if not options.quick and not options.only:
        _RESULTS.write_text(_written(sections), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only to see that it runs")
    parser.add_argument(
        "--only", nargs="*", choices=[*_ON_STAGE, *_ALONE], help="some of it; nothing is kept"
    )
    return parser.parse_args()


def _tell(name: str) -> None:
    print(f"measuring {name} …", file=sys.stderr, flush=True)  # noqa: T201 - it takes minutes


def _written(sections: list[Section]) -> str:
    now = datetime.now(UTC)
    about = [
        "# Measured",
        "",
        f"Written by `make bench` on {now:%Y-%m-%d at %H:%M} UTC. How it is measured, and what is",
        "left above a goal, stands in [README.md](README.md).",
        "",
        f"- {_processor()}, {os.cpu_count()} CPUs, {_gigabytes():.0f} GB of memory",
        f"- {platform.system()} {platform.release()}",
        f"- Load of the last 15 minutes: {os.getloadavg()[2]:.1f} (what else ran is in it)",
        f"- Python {platform.python_version()}, dify_plugin {version('dify_plugin')}",
    ]
    return "\n".join(about) + "\n" + as_markdown(sections) + "\n"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _gigabytes() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


if __name__ == "__main__":
    sys.exit(main())

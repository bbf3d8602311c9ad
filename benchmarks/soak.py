"""A thousand runs in one process of the plugin: does its memory stay flat?

    python -m benchmarks.soak [RUNS]

Each run has two rounds, a tool and an answer in twenty pieces; some fail. What counts is the growth
after the first fifth, when everything has been imported and the allocator has its arenas.
"""

import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from workbench.base.ports import Json
from workbench.bench.scripted import (
    ROOT,
    FunctionModel,
    ScriptedTools,
    Step,
    ask,
    calls,
    says,
    text_output,
    tool,
    tool_call,
)
from workbench.host.daemon import Host

ALLOWED = 0.1
"""Growth that counts as flat."""

_AT_ONCE = 4
_EVERY = 10
"""One of so many runs fails in its second round."""


def growth(host: Host, runs: int) -> float:
    """Play so many runs and return by which share the plugin's memory has grown after a fifth."""
    play = partial(_play, host)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(play, range(runs // 5)))
        before = memory(host.pid)
        list(pool.map(play, range(runs - runs // 5)))
    return memory(host.pid) / before - 1


def memory(pid: int) -> int:
    """Return what a process holds of the machine's memory, in kB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _play(host: Host, number: int) -> None:
    fails = number % _EVERY == 0

    def reply(request: Json) -> Iterable[Step]:
        if request["prompt_messages"][-1]["role"] != "tool":
            return calls(tool_call("look", {"q": str(number)}))
        if fails:
            return [RuntimeError("Incorrect API key, code: 401")]
        return says("The answer is this. " * 50, pieces=20)

    toolbox = ScriptedTools(look=[text_output("A long result. " * 1_000)])
    run = host.run(
        ask(f"Question {number}", tool("look")), model=FunctionModel(reply), tools=toolbox
    )
    if run.open_logs or run.lost or bool(run.error) is not fails:
        sys.exit(f"Run {number} went wrong: {run.failure}")


def main() -> None:
    """Print the growth; fail when it is more than is allowed."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with Host(ROOT) as host:
        grown = growth(host, runs)
        said = f"{runs} runs: memory {grown:+.1%}, now {memory(host.pid) / 1_000:.1f} MB"
        sys.stdout.write(f"{said}\n")
    sys.exit(grown > ALLOWED)


if __name__ == "__main__":
    main()

"""Measure one run of the real plugin: tools at once, tools started early, first text, many runs.

`python -m benchmarks.spine` starts the plugin in its own process, plays scripted models and tools
to it, and prints each figure beside the bound that it must keep.
"""

import sys
from dataclasses import dataclass
from statistics import median

from workbench.bench.scripted import (
    ROOT,
    ScriptedModel,
    ScriptedTools,
    ask,
    calls,
    chunk,
    many_echoes,
    says,
    text_output,
    tool,
    tool_call,
    usage,
)
from workbench.host.daemon import Host
from workbench.host.payload import model_value

_REPEATS = 7


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value and what it must stay under."""

    what: str
    value: float
    bound: float
    unit: str

    @property
    def kept(self) -> bool:
        """Whether the bound is kept."""
        return self.value <= self.bound

    def __str__(self) -> str:
        verdict = "kept" if self.kept else "MISSED"
        return f"{self.what:<58}{self.value:>9.3f} {self.unit:<5} ≤ {self.bound:g}  {verdict}"


def six_tools(host: Host) -> Figure:
    """From the first request for a tool to the request of the next round."""
    model = ScriptedModel(
        calls(*(tool_call("nap", {"q": str(n)}) for n in range(6))), says("Rested.")
    )
    toolbox = ScriptedTools(nap=[0.4, text_output("ok")])
    run = host.run(ask("Nap", tool("nap")), model=model, tools=toolbox)
    seconds = run.model_calls[1].asked_at - run.tool_calls[0].asked_at
    return Figure("6 tools of 0.4 s at once, to the next model call", seconds, 0.9, "s")


def early_tool(host: Host) -> Figure:
    """How much longer the round takes than the reply alone."""
    early = chunk(tool_calls=[tool_call("nap", {"q": "a"}, "c1")])
    model = ScriptedModel([early, 1.0, chunk(usage=usage(), finish="tool_calls")], says("Rested."))
    run = host.run(
        ask("Nap", tool("nap")), model=model, tools=ScriptedTools(nap=[0.8, text_output("ok")])
    )
    first, second = run.model_calls
    reply_ended = first.ended_at or 0.0
    added = second.asked_at - reply_ended
    return Figure("0.8 s tool called at the start of a 1.0 s reply adds", added, 0.1, "s")


def first_text(host: Host, name: str, features: tuple[str, ...]) -> Figure:
    """From the first chunk handed to the plugin to the first text with the reader; median."""
    delays = [_first_text_once(host, features) for _ in range(_REPEATS)]
    return Figure(f"first text after the first chunk, {name}", median(delays) * 1000, 50, "ms")


def _first_text_once(host: Host, features: tuple[str, ...]) -> float:
    model = ScriptedModel([chunk("First"), 0.2, chunk(" last", usage=usage())])
    run = host.run(ask("Hi", model=model_value(features=features)), model=model)
    times = zip(run.times, run.messages, strict=True)
    shown = next(at for at, message in times if message["type"] == "text")
    return shown - (run.model_calls[0].first_answer_at or 0.0)


def many_runs(host: Host, count: int) -> list[Figure]:
    """Runs of two rounds at once in one process: what was lost, mixed or broken."""
    runs = many_echoes(host, count)
    lost = sum(len(run.lost) + len(run.problems) for run in runs.values())
    wrong = sum(run.text != f"answer {question}" for question, run in runs.items())
    return [
        Figure(f"{count} runs at once: messages lost or broken", lost, 0, ""),
        Figure(f"{count} runs at once: answers wrong or missing", wrong + count - len(runs), 0, ""),
    ]


def main() -> int:
    """Print the table; exit code 1 when a bound is missed."""
    with Host(ROOT) as host:
        figures = [
            six_tools(host),
            early_tool(host),
            first_text(host, "with stream-tool-call", ("tool-call", "stream-tool-call")),
            first_text(host, "without stream-tool-call", ("tool-call",)),
            first_text(host, "without tool calls", ()),
            *many_runs(host, 200),
        ]
    for figure in figures:
        print(figure)  # noqa: T201 - the table is what this command is for
    return 0 if all(figure.kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())

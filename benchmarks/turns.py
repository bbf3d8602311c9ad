"""`python -m benchmarks.turns`: what the storage adds to a turn of a conversation.

Measured with the workbench's storage, which answers at once: a real one adds its own time to each
access. The first turn is left out, because it finds nothing.
"""

import statistics
import sys
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.stage import ROOT
from workbench.base.ports import Json
from workbench.bench.scripted import (
    ScriptedModel,
    ScriptedTools,
    calls,
    says,
    text_output,
    tool_call,
)
from workbench.host.daemon import Host
from workbench.host.payload import (
    history_message,
    model_value,
    parameter,
    strategy_parameters,
    tool_value,
)
from workbench.host.record import Run

_TURNS = 5
_TALKS = 15
_TOOLS = [tool_value(name, parameters=[parameter("to")]) for name in ("send", "other")]
_CASES: Mapping[str, Json] = {
    "nothing kept": {"remember_results": False},
    "remember_results": {},
    "and ask_before": {"ask_before": "other"},
    "and cache_minutes": {"ask_before": "other", "cache_minutes": 5},
}
"""What is switched on; the first has no conversation either."""


def main() -> int:
    """Measure and print a line for each case."""
    with Host(ROOT) as host:
        runs: dict[str, list[Run]] = {name: [] for name in _CASES}
        for _ in range(_TALKS):
            for name, settings in _CASES.items():
                conversation = uuid.uuid4().hex if settings != _CASES["nothing kept"] else None
                runs[name] += list(_talk(host, settings, conversation))[1:]
    for name, played in runs.items():
        first = statistics.median(run.requests[0].asked_at for run in played) * 1e3
        after = statistics.median(map(_after_the_last_word, played)) * 1e3
        accesses = max(len(run.stored) for run in played)
        sys.stdout.write(
            f"{name:18} first model call after {first:5.1f} ms, end {after:4.1f} ms after the last"
            f" word, at most {accesses} accesses\n"
        )
    return 0


def _talk(host: Host, settings: Mapping[str, Any], conversation: str | None) -> Iterator[Run]:
    history: list[Json] = []
    tag = uuid.uuid4().hex
    for number in range(_TURNS):
        question = f"Question {number} of {tag}?"
        model = ScriptedModel(
            calls(tool_call("send", {"to": f"bob{number}"})), says(f"Answer {number}.")
        )
        parameters = strategy_parameters(
            question, model=model_value(history=history), tools=_TOOLS, **settings
        )
        toolbox = ScriptedTools(send=[text_output("sent " * 400)])
        run = host.run(parameters, model=model, tools=toolbox, conversation=conversation)
        history += [history_message("user", question), history_message("assistant", run.text)]
        yield run


def _after_the_last_word(run: Run) -> float:
    words = [received.at for received in run.received if received.message["type"] == "text"]
    return (run.ended_at or run.now()) - max(words)


if __name__ == "__main__":
    sys.exit(main())

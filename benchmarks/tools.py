"""How long rounds with tools take, against the slowest path that nobody can shorten."""

from statistics import median

from benchmarks.stage import Sizes, Stage, provider_logs, sent
from benchmarks.table import Row, Section
from workbench.bench.scripted import (
    ScriptedModel,
    ScriptedTools,
    ask,
    calls,
    chunk,
    says,
    text_output,
    tool,
    tool_call,
    usage,
)
from workbench.host.daemon import Host
from workbench.host.record import Run

_EIGHT = 8


def measure(stage: Stage, sizes: Sizes) -> list[Section]:
    """Call 1, 4 and 8 tools, and one that could start early."""
    walls = [_row(stage, sizes, count) for count in (1, 4, _EIGHT)]
    eight = {
        name: _round(host, sizes.nap / 10, _EIGHT)
        for name, host in (("ours", stage.ours), ("rival", stage.rival))
    }
    steps = 2 + _EIGHT
    platform = [
        Row(
            what=f"messages of a round of {_EIGHT} tools and its answer",
            unit="",
            ours=sent(eight["ours"]),
            rival=sent(eight["rival"]),
        ),
        Row(
            what=f"… logs with `provider` ({steps} steps)",
            unit="",
            ours=provider_logs(eight["ours"]),
            rival=provider_logs(eight["rival"]),
            goal="1 per step",
            most=steps,
        ),
    ]
    return [
        Section("Wall time of tools", [*walls, _early_row(stage, sizes)]),
        Section("What a round of tools costs the platform", platform),
    ]


def _row(stage: Stage, sizes: Sizes, count: int) -> Row:
    ours = median(_wall(stage.ours, sizes.nap, count) for _ in range(sizes.repeats))
    return Row(
        what=f"{count} tool{'s' * (count > 1)} of {sizes.nap:g} s, to the next model call",
        unit="s",
        ours=ours,
        floor=sizes.nap,
        rival=_wall(stage.rival, sizes.nap, count),
        goal="≤ 1.05 × the slowest path",
        most=1.05 * sizes.nap,
    )


def _early_row(stage: Stage, sizes: Sizes) -> Row:
    reply = sizes.nap * 2
    ours = median(_early(stage.ours, sizes.nap, reply) for _ in range(sizes.repeats))
    return Row(
        what=f"{sizes.nap:g} s tool called at the start of a {reply:g} s reply",
        unit="s",
        ours=ours,
        floor=reply,
        rival=_early(stage.rival, sizes.nap, reply),
        goal="≤ 1.05 × the slowest path",
        most=1.05 * reply,
    )


def _round(host: Host, nap: float, count: int) -> Run:
    wanted = [tool_call("nap", {"q": str(number)}) for number in range(count)]
    model = ScriptedModel(calls(*wanted), says("Rested."))
    asked = ask("Nap", tool("nap"), parallel_tools=count, maximum_iterations=5)
    return host.run(
        asked, model=model, tools=ScriptedTools(nap=[nap, text_output("ok")]), timeout=60
    )


def _wall(host: Host, nap: float, count: int) -> float:
    run = _round(host, nap, count)
    return run.model_calls[1].asked_at - run.tool_calls[0].asked_at


def _early(host: Host, nap: float, reply: float) -> float:
    early = chunk(tool_calls=[tool_call("nap", {"q": "a"}, "c1")])
    model = ScriptedModel(
        [early, reply, chunk(usage=usage(), finish="tool_calls")], says("Rested.")
    )
    asked = ask("Nap", tool("nap"), maximum_iterations=5)
    run = host.run(
        asked, model=model, tools=ScriptedTools(nap=[nap, text_output("ok")]), timeout=60
    )
    return run.model_calls[1].asked_at - (run.model_calls[0].first_answer_at or 0.0)

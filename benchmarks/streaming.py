"""What a streamed chunk costs, how long it takes, and how many messages a stream becomes."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.stage import Clocked, Sizes, Stage, cpu, percentile, provider_logs, sent
from benchmarks.table import Row, Section
from tests.hosting import ask, tool
from workbench.host import Host
from workbench.record import Run

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Streamed:
    """One stream, measured."""

    run: Run
    per_chunk: float
    """Microseconds of CPU."""
    delays: list[float]


def measure(stage: Stage, sizes: Sizes) -> list[Section]:
    """Stream steadily and in a burst through all three plugins."""
    native = ask("Count", tool("look"), tool_protocol="native")
    text = ask("Count", tool("look"), tool_protocol="hermes")
    plain = ask("Count")
    ways = {
        "ours": (stage.ours, native),
        "text": (stage.ours, text),
        "floor": (stage.floor, plain),
        "rival": (stage.rival, {**plain, "maximum_iterations": 3}),
    }
    for host, asked in ways.values():
        _stream(host, asked, 20, None)
    steady = {
        name: _stream(host, asked, sizes.steady, sizes.rate) for name, (host, asked) in ways.items()
    }
    bursts = {
        name: [_stream(host, asked, sizes.burst, None) for _ in range(sizes.repeats)]
        for name, (host, asked) in ways.items()
    }
    return [
        Section("CPU per streamed chunk", _costs(steady, bursts, sizes)),
        Section("Time from chunk to message", _delays(steady, sizes)),
        Section("What a stream costs the platform", _messages(steady, bursts, sizes)),
    ]


def _stream(host: Host, asked: Any, count: int, rate: float | None) -> _Streamed:
    model = Clocked(count, rate)
    before = cpu(host)
    run = host.run(asked, model=model, timeout=300)
    spent = cpu(host) - before
    return _Streamed(run, spent / count * _MICROSECONDS, model.delays(run))


def _costs(
    steady: dict[str, _Streamed], bursts: dict[str, list[_Streamed]], sizes: Sizes
) -> list[Row]:
    burst = {name: median(one.per_chunk for one in ones) for name, ones in bursts.items()}
    slow = {name: one.per_chunk for name, one in steady.items()}
    named = (("native", "ours"), ("hermes", "text"))
    at_rate = f"steady, {sizes.steady:,} chunks at {sizes.rate:g} a second"
    return [
        *(
            Row(
                what=f"{at_rate}, {protocol}",
                unit="µs",
                ours=slow[name],
                floor=slow["floor"],
                rival=slow["rival"],
                goal="≤ 1.3 × floor",
                most=1.3 * slow["floor"],
            )
            for protocol, name in named
        ),
        *(
            Row(
                what=f"burst of {sizes.burst:,} chunks, {protocol}",
                unit="µs",
                ours=burst[name],
                floor=burst["floor"],
                rival=burst["rival"],
                goal="< floor",
                most=burst["floor"],
            )
            for protocol, name in named
        ),
    ]


def _delays(steady: dict[str, _Streamed], sizes: Sizes) -> list[Row]:
    rows: list[Row] = []
    for protocol, name in (("native", "ours"), ("hermes", "text")):
        for label, share in (("median", 0.5), ("99th percentile", 0.99)):
            values = {way: percentile(one.delays, share) for way, one in steady.items()}
            rows.append(
                Row(
                    what=f"{sizes.rate:g} chunks a second, {protocol}, {label}",
                    unit="ms",
                    ours=values[name],
                    floor=values["floor"],
                    rival=values["rival"],
                    goal="≤ floor + 1 ms",
                    most=values["floor"] + 1,
                )
            )
    return rows


def _messages(
    steady: dict[str, _Streamed], bursts: dict[str, list[_Streamed]], sizes: Sizes
) -> list[Row]:
    burst = {name: ones[0].run for name, ones in bursts.items()}
    slow = {name: one.run for name, one in steady.items()}
    return [
        Row(
            what=f"messages for a burst of {sizes.burst:,} chunks",
            unit="",
            ours=sent(burst["ours"]),
            floor=sent(burst["floor"]),
            rival=sent(burst["rival"]),
            goal="≤ 1/20 of the rival",
            most=sent(burst["rival"]) / 20,
        ),
        Row(
            what="… of these lost in Dify's queue",
            unit="",
            ours=len(burst["ours"].lost),
            floor=len(burst["floor"].lost),
            rival=len(burst["rival"].lost),
            goal="none",
            most=0,
        ),
        Row(
            what=f"messages for {sizes.steady:,} chunks at {sizes.rate:g} a second",
            unit="",
            ours=sent(slow["ours"]),
            floor=sent(slow["floor"]),
            rival=sent(slow["rival"]),
        ),
        Row(
            what="logs with `provider` in a run of one step",
            unit="",
            ours=provider_logs(slow["ours"]),
            floor=provider_logs(slow["floor"]),
            rival=provider_logs(slow["rival"]),
            goal="1 per step",
            most=1,
        ),
    ]

"""What a streamed chunk costs, how long it takes, and how many messages a stream becomes."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.stage import Clocked, Sizes, Stage, cpu, percentile, provider_logs, sent
from benchmarks.table import Row, Section
from workbench.bench.scripted import ask, tool
from workbench.host.daemon import Host
from workbench.host.record import Run

_MICROSECONDS = 1_000_000
_PROTOCOLS = (("native", "ours"), ("hermes", "text"))


@dataclass(frozen=True, slots=True)
class _Streamed:
    """One stream, measured."""

    run: Run
    per_chunk: float
    """Microseconds of CPU."""
    delays: list[float]


type _Steady = dict[float, dict[str, _Streamed]]
"""By rate, then by plugin."""


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
        rate: {
            name: _stream(host, asked, sizes.steady, rate) for name, (host, asked) in ways.items()
        }
        for rate in sizes.rates
    }
    bursts = {
        name: [_stream(host, asked, sizes.burst, None) for _ in range(sizes.repeats)]
        for name, (host, asked) in ways.items()
    }
    return [
        Section("CPU per streamed chunk", [*_steady_costs(steady, sizes), *_costs(bursts, sizes)]),
        Section("Time from chunk to message", _delays(steady)),
        Section("What a stream costs the platform", _messages(steady, bursts, sizes)),
    ]


def _stream(host: Host, asked: Any, count: int, rate: float | None) -> _Streamed:
    model = Clocked(count, rate)
    before = cpu(host)
    run = host.run(asked, model=model, timeout=300)
    spent = cpu(host) - before
    return _Streamed(run, spent / count * _MICROSECONDS, model.delays(run))


def _steady_costs(steady: _Steady, sizes: Sizes) -> list[Row]:
    return [
        Row(
            what=f"steady, {sizes.steady:,} chunks at {rate:g} a second, {protocol}",
            unit="µs",
            ours=streams[name].per_chunk,
            floor=streams["floor"].per_chunk,
            rival=streams["rival"].per_chunk,
            goal="≤ 1.3 × floor",
            most=1.3 * streams["floor"].per_chunk,
        )
        for rate, streams in steady.items()
        for protocol, name in _PROTOCOLS
    ]


def _costs(bursts: dict[str, list[_Streamed]], sizes: Sizes) -> list[Row]:
    burst = {name: median(one.per_chunk for one in ones) for name, ones in bursts.items()}
    return [
        Row(
            what=f"burst of {sizes.burst:,} chunks, {protocol}",
            unit="µs",
            ours=burst[name],
            floor=burst["floor"],
            rival=burst["rival"],
            goal="< floor",
            most=burst["floor"],
        )
        for protocol, name in _PROTOCOLS
    ]


def _delays(steady: _Steady) -> list[Row]:
    rows: list[Row] = []
    for rate, streams in steady.items():
        for protocol, name in _PROTOCOLS:
            for label, share in (("median", 0.5), ("99th percentile", 0.99)):
                values = {way: percentile(one.delays, share) for way, one in streams.items()}
                rows.append(
                    Row(
                        what=f"{rate:g} chunks a second, {protocol}, {label}",
                        unit="ms",
                        ours=values[name],
                        floor=values["floor"],
                        rival=values["rival"],
                        goal="≤ floor + 1 ms",
                        most=values["floor"] + 1,
                    )
                )
    return rows


def _messages(steady: _Steady, bursts: dict[str, list[_Streamed]], sizes: Sizes) -> list[Row]:
    burst = {name: ones[0].run for name, ones in bursts.items()}
    fastest = max(sizes.rates)
    slow = {name: one.run for name, one in steady[fastest].items()}
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
            what=f"messages for {sizes.steady:,} chunks at {fastest:g} a second",
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

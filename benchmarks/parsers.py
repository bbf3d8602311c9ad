"""How fast replies and arguments are read, and whether time grows with the text alone."""

import gc
import json
import re
import time
from collections.abc import Callable

from benchmarks.stage import Sizes
from benchmarks.table import Row, Section
from strategies.protocols import tolerant_json
from strategies.protocols.base import ReplyParser, ToolSpec
from strategies.protocols.leak import leak_parser
from strategies.protocols.native import NativeParser
from strategies.protocols.registry import TEXT_PROTOCOLS

_PROSE = "If a < b, then see [the notes](http://x.org) or {this}; it's fine.\n"
_MARKS = re.compile(r"<|\{|\n|✿")
_TOOLS = [ToolSpec(name="look", description="Looks.", parameters={"type": "object"})]
_REPAIRED = "{'id': 17, 'name': \"it's\", 'on': True, 'tags': ['a', 'b',], 'note': null},\n"
_MEGABYTE = 1_000_000
_SMALL = 4


def measure(sizes: Sizes) -> list[Section]:
    """Read prose in every protocol, whole and in small pieces, and repair arguments."""
    makers: dict[str, Callable[[], ReplyParser]] = {
        "native": lambda: NativeParser(leak_parser(_TOOLS), _TOOLS)
    }
    for name, protocol in TEXT_PROTOCOLS.items():
        makers[name] = lambda protocol=protocol: protocol.parser(_TOOLS)
    rows = [row for name, make in makers.items() for row in _rows(name, make, sizes)]
    return [Section("Parsers (floor: one pattern over the text)", [*rows, *_repair_rows(sizes)])]


def _rows(name: str, make: Callable[[], ReplyParser], sizes: Sizes) -> list[Row]:
    length = int(sizes.megabytes * _MEGABYTE)
    rows: list[Row] = []
    for told, size, most in (("whole", length, length), ("in 4s", _SMALL, length // 10)):
        text = (_PROSE * (most // len(_PROSE) + 1))[:most]
        half = _seconds(make, text[: most // 2], size)
        seconds = _seconds(make, text, size)
        rows += [
            Row(
                what=f"{name}, {most / _MEGABYTE:g} MB {told}",
                unit="MB/s",
                ours=most / _MEGABYTE / seconds,
                floor=most / _MEGABYTE / _best(lambda text=text: _scan(text)),
                goal="≥ 20 MB/s" if told == "whole" else "",
                least=20.0 if told == "whole" else None,
            ),
            Row(
                what="… time of that to time of half",
                unit="×",
                ours=seconds / half,
                goal="≤ 2.2",
                most=2.2,
            ),
        ]
    return rows


def _repair_rows(sizes: Sizes) -> list[Row]:
    length = int(sizes.megabytes * _MEGABYTE / 10)
    broken = "[" + _REPAIRED * (length // len(_REPAIRED))
    valid = json.dumps(tolerant_json.read(broken).value)
    half = broken[: len(broken) // 2]
    seconds = _best(lambda: tolerant_json.read(broken))
    return [
        Row(
            what=f"repair of {length / _MEGABYTE:g} MB of arguments (floor: json.loads, valid)",
            unit="MB/s",
            ours=len(broken) / _MEGABYTE / seconds,
            floor=len(valid) / _MEGABYTE / _best(lambda: json.loads(valid)),
        ),
        Row(
            what="… time of that to time of half",
            unit="×",
            ours=seconds / _best(lambda: tolerant_json.read(half)),
            goal="≤ 2.2",
            most=2.2,
        ),
    ]


def _seconds(make: Callable[[], ReplyParser], text: str, size: int) -> float:
    def read() -> None:
        parser = make()
        for at in range(0, len(text), size):
            parser.feed(text[at : at + size])
        parser.close()

    return _best(read)


def _scan(text: str) -> int:
    return sum(1 for _ in _MARKS.finditer(text))


def _best(work: Callable[[], object]) -> float:
    best = float("inf")
    gc.disable()
    for _ in range(3):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    gc.enable()
    return max(best, 1e-9)

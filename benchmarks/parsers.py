"""How fast replies and arguments are read, and whether time grows with the text alone."""

import gc
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.stage import Sizes
from benchmarks.table import Row, Section
from strategies.protocols.base import Call, ReplyParser, ToolSpec
from strategies.protocols.json import lenient
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.native.parser import NativeParser
from strategies.protocols.registry import TEXT_PROTOCOLS

_PROSE = "If a < b, then see [the notes](http://x.org) or {this}; it's fine.\n"
_MARKS = re.compile(r"<|\{|\n|✿")
_TOOLS = [ToolSpec(name="look", description="Looks.", parameters={"type": "object"})]
_CODE = (
    "Run this:\n```python\nfor key in {'a', 'b'}:\n    print([key] * 2, key < 'c')\n```\nDone.\n"
)
_ROW = '{"id": 17, "title": "A [thing]", "tags": ["a", "b"], "size": {"w": 1.5, "h": null}}'
_CALL = '<tool_call>\n{"name": "look", "arguments": {"query": "a", "most": "b"}}\n</tool_call>\n'
_PIECE = 65_536
"""Larger strings would time the machine's memory: new pages for 10 MB, none for half of it."""
_CALL_PATTERN = re.compile(r"<tool_call>\n(.*)\n</tool_call>")
_REPAIRED = "{'id': 17, 'name': \"it's\", 'on': True, 'tags': ['a', 'b',], 'note': null},\n"
_UNQUOTED = '{"id": 17, "said": "it is "fine" so", "on": true},\n'
_MEGABYTE = 1_000_000
_GOAL = "≥ 20 MB/s"
_SMALL = 4
_TIMES, _MOST_TIMES, _AT_LEAST = 5, 30, 0.5


def measure(sizes: Sizes) -> list[Section]:
    """Read prose in every protocol, other texts in those they are hard for; repair arguments."""
    makers: dict[str, Callable[[], ReplyParser]] = {
        "native": lambda: NativeParser(leak_parser(_TOOLS), _TOOLS)
    }
    for name, protocol in TEXT_PROTOCOLS.items():
        makers[name] = lambda protocol=protocol: protocol.parser(_TOOLS)
    prose = [row for name, make in makers.items() for row in _rows(name, make, sizes)]
    return [
        Section("Parsers (floor: one pattern over the text)", prose),
        Section(
            f"Other texts, {sizes.megabytes:g} MB in pieces of 64 KB", _text_rows(makers, sizes)
        ),
        Section(
            f"Arguments, {sizes.megabytes / 10:g} MB (floor: json.loads, valid)",
            _repair_rows(sizes),
        ),
    ]


def _rows(name: str, make: Callable[[], ReplyParser], sizes: Sizes) -> list[Row]:
    length = int(sizes.megabytes * _MEGABYTE)
    rows: list[Row] = []
    for told, size, most in (("whole", length, length), ("in 4s", _SMALL, length // 10)):
        text = (_PROSE * (most // len(_PROSE) + 1))[:most]
        seconds, ratio = _whole_and_half(make, text, text[: most // 2], size)
        rows += [
            Row(
                what=f"{name}, {most / _MEGABYTE:g} MB {told}",
                unit="MB/s",
                ours=most / _MEGABYTE / seconds,
                floor=most / _MEGABYTE / _best(lambda text=text: _scan(text)),
                goal=_GOAL if told == "whole" else "",
                least=20.0 if told == "whole" else None,
            ),
            _linear("… time of that to time of half", ratio),
        ]
    return rows


@dataclass(frozen=True, slots=True)
class _Case:
    """A text that one parser may find hard."""

    what: str
    protocol: str
    text: Callable[[int], str]
    """Makes one of about so many characters."""
    floor: Callable[[str], object] | None = None
    """The least that reading it takes."""
    has_goal: bool = True


def _one_call(size: int) -> str:
    arguments = {"query": _repeated(_PROSE, size)}
    return f"<tool_call>{json.dumps({'name': 'look', 'arguments': arguments})}</tool_call>"


def _one_markup_call(size: int) -> str:
    value = _repeated(_PROSE, size)
    return f"<tool_call><function=look><parameter=query>{value}</parameter></function></tool_call>"


def _document(size: int) -> str:
    return "[\n" + _repeated(_ROW + ",\n", size) + _ROW + "\n]"


def _steps(size: int) -> str:
    return _repeated(f"Thought: {_PROSE * 8}\nObservation: {_PROSE * 8}\n", size)


def _read_calls(text: str) -> list[Call]:
    read = ((found[1], json.loads(found[1])) for found in _CALL_PATTERN.finditer(text))
    return [Call(name=call["name"], arguments=call["arguments"], raw=raw) for raw, call in read]


def _read_one_call(text: str) -> object:
    return json.loads(text.removeprefix("<tool_call>").removesuffix("</tool_call>"))


_CASES = (
    # Fences are counted once a call needs to know whether it stands in one.
    _Case("code in fences, then a call", "hermes", lambda size: _repeated(_CODE, size) + _CALL),
    _Case("a JSON document that calls nothing", "native", _document, json.loads),
    _Case("angle brackets", "hermes", lambda size: "<" * size),
    _Case("blank lines", "react", lambda size: "\n" * size),
    _Case("thoughts and observations", "react", _steps),
    _Case("one call with a text in JSON", "hermes", _one_call, _read_one_call),
    _Case("one call with a text in markup", "qwen3_coder", _one_markup_call),
    _Case(
        "a call every 1,100 letters",
        "hermes",
        lambda size: _repeated(_PROSE * 15 + _CALL, size),
        _read_calls,
    ),
    _Case(
        "nothing but calls of 80 letters",
        "hermes",
        lambda size: _repeated(_CALL, size),
        _read_calls,
        has_goal=False,
    ),
)


def _text_rows(makers: dict[str, Callable[[], ReplyParser]], sizes: Sizes) -> list[Row]:
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    for case in _CASES:
        text, half = (case.text(int(sizes.megabytes * _MEGABYTE / part)) for part in (1, 2))
        seconds, ratio = _whole_and_half(makers[case.protocol], text, half, _PIECE)
        ratios[case.what] = ratio
        floor = case.floor or _scan
        rows.append(
            Row(
                what=f"{case.what}, {case.protocol}",
                unit="MB/s",
                ours=len(text) / _MEGABYTE / seconds,
                floor=len(text) / _MEGABYTE / _best(lambda text=text, floor=floor: floor(text)),
                goal=_GOAL if case.has_goal else "",
                least=20.0 if case.has_goal else None,
            )
        )
    worst = max(ratios, key=ratios.__getitem__)
    return [*rows, _linear(f"largest time to time of half: {worst}", ratios[worst])]


def _linear(what: str, ratio: float) -> Row:
    return Row(what=what, unit="×", ours=ratio, goal="≤ 2.2", most=2.2)


def _repair_rows(sizes: Sizes) -> list[Row]:
    length = int(sizes.megabytes * _MEGABYTE / 10)
    rows: list[Row] = []
    for what, row in (("another spelling", _REPAIRED), ("quotes in strings", _UNQUOTED)):
        broken = "[" + _repeated(row, length)
        half = "[" + _repeated(row, length // 2)
        valid = json.dumps(lenient.read(broken).value)
        seconds, ratio = _compared(
            lambda broken=broken: lenient.read(broken),
            lambda half=half: lenient.read(half),
        )
        rows += [
            Row(
                what=f"repair of {what}",
                unit="MB/s",
                ours=len(broken) / _MEGABYTE / seconds,
                floor=len(valid) / _MEGABYTE / _best(lambda valid=valid: json.loads(valid)),
            ),
            _linear("… time of that to time of half", ratio),
        ]
    return rows


def _repeated(part: str, size: int) -> str:
    return part * max(1, size // len(part))


def _whole_and_half(
    make: Callable[[], ReplyParser], whole: str, half: str, size: int
) -> tuple[float, float]:
    def read(text: str) -> None:
        parser = make()
        for at in range(0, len(text), size):
            parser.feed(text[at : at + size])
        parser.close()

    return _compared(lambda: read(whole), lambda: read(half))


def _scan(text: str) -> int:
    return sum(1 for _ in _MARKS.finditer(text))


def _best(work: Callable[[], object]) -> float:
    return _compared(work, work)[0]


def _compared(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Return the best seconds of the first work, and how often it takes as long as the second.

    Both are timed in turn, so that a slow moment of the machine hits both, and the ratio is the
    median: a few times each, or more often where they take so little that chance would show.
    """
    taken: list[tuple[float, float]] = []
    gc.disable()
    while len(taken) < _TIMES or (sum(map(sum, taken)) < _AT_LEAST and len(taken) < _MOST_TIMES):
        taken.append((_once(first), _once(second)))
    gc.enable()
    return min(one for one, _ in taken), median(one / other for one, other in taken)


def _once(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return max(time.process_time() - began, 1e-9)

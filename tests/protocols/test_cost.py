"""What reading costs: time in proportion to the reply, however hostile, however cut.

The clock is the process's own, every figure is the best of three, and the bounds are stray: twice
the text may take three times as long, where a quadratic reader takes four times and more.
"""

import gc
import json
import time

import pytest

from tests.protocols.replies import parser_of

_PROSE = "If a < b, then see [the notes](http://x.org) or {this}; it's ✿ fine.\n"
_TAG = "<tool_call>\n<function=write_file>\n<parameter=content>\n"
_REPLIES = {
    "prose": _PROSE,
    "calls": 'On. <tool_call>{"name": "now", "arguments": {"a": "b"}}</tool_call>\n',
    "functions": "On.\n<function=now>\n<parameter=a>\nb\n</parameter>\n</function>\n",
    "qwen calls": '✿FUNCTION✿: now\n✿ARGS✿: {"a": "b"}\n',
    "brackets": "<",
    "open tags": "<tool_call>",
    "open objects": '<tool_call>{"',
    "open calls": '{"name": "now",\n',
    "open functions": "<function=now>",
    "even quotes": '<tool_call>{"</tool_call>"',
    "escaped quotes": '<tool_call>{"\\"</tool_call>\n',
    "thoughts": "<think>a<think>b</think>",
    "fences": "```json\n",
    "nested functions": "<tool_call><function=now>\n<parameter=a>\n",
    "close tags": "</parameter></function> ",
    "qwen markers": "✿FUNCTION✿: now ✿ARGS✿ ",
    "half qwen markers": "✿FUNC",
    "white space": " ",
}
_STARTS = {
    "json value": '<tool_call>\n{"name": "write_file", "arguments": {"content": "',
    "markup value": _TAG,
    "reasoning": "<think>",
    "qwen value": '✿FUNCTION✿: write_file\n✿ARGS✿: {"content": "',
}


def _seconds(protocol: str, size: int, *replies: str) -> list[float]:
    """Time each reply, the best of three; in turn, so that a slow moment hits all of them."""
    gc.disable()
    taken = [[_once(protocol, reply, size) for reply in replies] for _ in range(3)]
    gc.enable()
    return [min(times) for times in zip(*taken, strict=True)]


def _once(protocol: str, reply: str, size: int) -> float:
    parser = parser_of(protocol)
    started = time.process_time()
    for at in range(0, len(reply), size):
        parser.feed(reply[at : at + size])
    parser.close()
    return time.process_time() - started


@pytest.mark.timed
@pytest.mark.parametrize("size", [1, 1_000_000])
@pytest.mark.parametrize("kind", [*_REPLIES, *_STARTS])
@pytest.mark.parametrize("protocol", ["hermes", "qwen"])
def test_twice_the_text_takes_twice_the_time(protocol: str, kind: str, size: int) -> None:
    """No reply makes a reader go over the same text again and again."""
    start = _STARTS.get(kind, "")
    part = _REPLIES.get(kind, json.dumps(_PROSE)[1:-1])
    parts = (12_000 if size == 1 else 24_000) // len(part)
    replies = start + part * parts, start + part * 2 * parts

    # A slow moment of the machine passes; a quadratic reader never does.
    assert any(_is_in_proportion(*_seconds(protocol, size, *replies)) for _ in range(5))


def _is_in_proportion(once: float, twice: float) -> bool:
    return twice < 3 * once + 0.005


@pytest.mark.timed
@pytest.mark.parametrize("protocol", ["hermes", "qwen3_coder", "qwen", "leak"])
def test_a_megabyte_of_prose_takes_no_time(protocol: str) -> None:
    """The scanner goes from marker to marker, not from character to character."""
    [seconds] = _seconds(protocol, 1_000_000, _PROSE * 15_000)

    assert seconds < 2.5

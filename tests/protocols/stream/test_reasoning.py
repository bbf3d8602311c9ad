"""Reasoning in replies, the same for every protocol."""

import pytest

from strategies.protocols.base import Reasoning, Text
from tests.protocols.cases import join_text, read_all
from tests.protocols.replies import called, events_of, parser_of, shown, thought

_CALLS = {
    "hermes": '<tool_call>{"name": "now", "arguments": {}}</tool_call>',
    "qwen3_coder": "<tool_call>\n<function=now>\n</function>\n</tool_call>",
    "leak": '<tool_call>{"name": "now", "arguments": {}}</tool_call>',
    "qwen": "✿FUNCTION✿: now\n✿ARGS✿: {}\n",
}
_PROTOCOLS = pytest.mark.parametrize("protocol", _CALLS)


@_PROTOCOLS
def test_no_call_inside_reasoning_is_run(protocol: str) -> None:
    """A model may weigh a call before it makes it."""
    call = _CALLS[protocol]
    events = events_of(protocol, f"<think>maybe {call}?</think>\n\nHello {call}")

    assert thought(events) == f"maybe {call}?"
    if protocol == "leak":
        assert shown(events) == f"Hello {call}"
    else:
        assert called(events) == [("now", {})]
        assert shown(events) == "Hello "


@_PROTOCOLS
def test_unclosed_reasoning_is_reasoning_to_the_end(protocol: str) -> None:
    """Nothing in it is run or shown."""
    call = _CALLS[protocol]

    assert events_of(protocol, f"<think>a {call}") == [Reasoning(f"a {call}")]


@_PROTOCOLS
def test_reasoning_closed_after_a_call_hides_the_call(protocol: str) -> None:
    """Some providers close the tag after the call that they meant to hide."""
    events = events_of(protocol, f"<think>a {_CALLS[protocol]}\n</think>b")

    assert called(events) == []
    assert shown(events) == "b"


@_PROTOCOLS
def test_reasoning_opened_by_the_prompt(protocol: str) -> None:
    """Everything before the dangling close tag is reasoning."""
    reply = f"a {_CALLS[protocol]}</think>b"
    events = events_of(protocol, reply, starts_in_reasoning=True)

    assert events == [Reasoning(f"a {_CALLS[protocol]}"), Text("b")]


@_PROTOCOLS
def test_repeated_open_tag_is_dropped(protocol: str) -> None:
    """The prompt opened the block and the model opens it again."""
    events = events_of(protocol, "<think>\na</think>b", starts_in_reasoning=True)

    assert events == [Reasoning("\na"), Text("b")]
    assert events_of(protocol, "<think><think>a</think>b") == [Reasoning("a"), Text("b")]


@_PROTOCOLS
def test_nested_reasoning_is_reasoning(protocol: str) -> None:
    """A block inside a block ends only its own part."""
    call = _CALLS[protocol]
    events = events_of(protocol, f"<think>a <think>b</think> {call} c</think>d")

    assert events == [Reasoning(f"a b {call} c"), Text("d")]


@_PROTOCOLS
def test_talk_about_the_tag_inside_reasoning_keeps_the_answer(protocol: str) -> None:
    """An open tag that is never closed was only mentioned: the answer is not lost."""
    call = _CALLS[protocol]
    events = events_of(protocol, f"<think>the <think> tag</think>{call}")

    assert thought(events) == "the  tag"
    assert shown(events) == ""
    assert called(events) == [("now", {})]
    assert shown(events_of(protocol, "<think>the `<think>` tag</think>Yes")) == "Yes"


@_PROTOCOLS
def test_dangling_close_tag_is_text(protocol: str) -> None:
    """Without any sign of reasoning nothing is taken for it."""
    assert events_of(protocol, "a</think>b") == [Text("a</think>b")]
    assert shown(events_of(protocol, "<think>a</think>b</think>c")) == "bc"
    assert events_of(protocol, "a `<think>` tag") == [Text("a `<think>` tag")]


@_PROTOCOLS
def test_stretches_of_reasoning_do_not_run_together(protocol: str) -> None:
    """Each stretch starts on its own line."""
    events = events_of(protocol, "<think>a</think>b <think>c</think>d<think></think>")

    assert thought(events) == "a\nc"
    assert shown(events) == "b d"


def test_hostile_nesting_is_given_up() -> None:
    """Open tags without end could make the reader start over again and again."""
    events = join_text(read_all(parser_of("hermes"), ["<think>a<think>b</think>" * 2000]))

    assert thought(events).count("a") == 2000
    assert called(events) == []


def test_reasoning_streams() -> None:
    """It is out before it is over, but for what may begin its close tag."""
    parser = parser_of("hermes")

    assert parser.feed("<think>one </thi") == [Reasoning("one ")]
    assert parser.feed("s two") == [Reasoning("</this two")]
    assert parser.feed("</think") == []
    assert parser.feed(">three") == [Text("three")]

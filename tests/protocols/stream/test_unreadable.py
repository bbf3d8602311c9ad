"""A call that cannot be read is shown as it was written, and it is told whether it stands first."""

import pytest

from strategies.protocols.base import FormatError
from tests.protocols.replies import events_of, shown

_UNREADABLE = [
    ("hermes", '<tool_call>\n{"city": "Oslo"}\n</tool_call>'),
    ("hermes", '<tool_call>\nget_weather({"city": "Oslo"})\n</tool_call>'),
    ("qwen3_coder", "<tool_call>\n<get_weather>\n<city>Oslo</city>\n</get_weather>\n</tool_call>"),
    ("qwen", '✿FUNCTION✿: \n✿ARGS✿: {"city": "Oslo"}'),
]


@pytest.mark.parametrize(("protocol", "call"), _UNREADABLE)
@pytest.mark.parametrize(
    ("before", "first"),
    [
        ("", True),
        ("\n", True),
        ("<think>Hm.</think>\n", True),
        ("The total is 99 EUR.\n", False),
        ("<think>Hm.</think>Wait.\n", False),
        (
            '```json\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n```\nThat is one.\n',
            False,
        ),
    ],
)
def test_it_is_told_whether_text_stands_before(
    protocol: str, call: str, before: str, *, first: bool
) -> None:
    """At every cut, also where that text is an example of a call."""
    events = events_of(protocol, before + call)
    errors = [event for event in events if isinstance(event, FormatError)]

    assert errors
    assert any(error.stands_first for error in errors) == first
    assert "Oslo" in shown(events)


@pytest.mark.parametrize("before", ["", "Thought: I look it up.\n"])
@pytest.mark.parametrize("action", ['Action: {"city": "Oslo"}', 'Action Input: {"city": "Oslo"}'])
def test_in_react_thoughts_are_not_shown(before: str, action: str) -> None:
    """So no text stands before it."""
    events = events_of("react", before + action)

    assert [event.stands_first for event in events if isinstance(event, FormatError)] == [True]

"""Calls that leak into the text of a reply in native mode."""

import pytest

from strategies.protocols.base import CallDelta, Text
from tests.protocols.replies import broken, called, events_of, parser_of, shown

_OSLO = ("get_weather", {"city": "Oslo"})


@pytest.mark.parametrize(
    "leak",
    [
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
        "<tool_call><function=get_weather><parameter=city>Oslo</parameter></function></tool_call>",
        "<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>",
        '{"name": "get_weather", "arguments": {"city": "Oslo"}}',
        '[{"name": "get_weather", "parameters": {"city": "Oslo"}}]',
        '```json\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n```',
        '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}</tool_call>',
        '{"tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}]}',
    ],
)
def test_leaked_call_of_a_declared_tool_is_run(leak: str) -> None:
    """It is run, not shown; the same text about an unknown tool is only text."""
    events = events_of("leak", f"I look.\n{leak}\nDone.")

    assert called(events) == [_OSLO]
    assert shown(events) == "I look.\nDone."

    unknown = f"I look.\n{leak}\nDone.".replace("get_weather", "get_rain")

    assert events_of("leak", unknown) == [Text(unknown)]
    assert events_of("leak", f"I look.\n{leak}", ()) == [Text(f"I look.\n{leak}")]


@pytest.mark.parametrize(
    "prose",
    [
        "<tool_call>\nnot a call\n</tool_call>",
        "<tool_call></tool_call>",
        "<tool_call>\n<function=get_weather>\nis how it begins",
        '<tool_call>{"arguments": {}}</tool_call>',
        '{"name": "get_weather", "description": "Tells the weather."}',
        'Say {"name": "get_weather", "arguments": {}} inside a line.',
        '```json\n{"city": "Oslo"}\n```',
        '{"city": "Oslo", "name": "get_weather", "arguments": {}}',
        '[{"name": "get_weather", "arguments": {}}, {"name": "other", "arguments": {}}]',
        '{"name": "get_wea',
        "[1] a footnote",
    ],
)
def test_what_only_looks_like_a_call_is_text(prose: str) -> None:
    """The model was never told of markers, so they are no format error either."""
    assert events_of("leak", prose) == [Text(prose)]


def test_cut_leak_is_reported_and_not_run() -> None:
    """A declared tool and arguments that end inside a value."""
    for leak in (
        '<tool_call>{"name": "get_weather", "arguments": {"city": "Os',
        '{"name": "get_weather", "arguments": {"city": "Os',
        "<function=get_weather>\n<parameter=city>\nOs",
    ):
        events = events_of("leak", leak)
        assert called(events) == []
        assert [call.name for call in broken(events)] == ["get_weather"]


def test_json_answer_is_held_back_only_while_it_can_be_a_call() -> None:
    """Structured answers stream."""
    parser = parser_of("leak")

    assert parser.feed('{\n  "na') == []
    assert parser.feed("me") == []
    assert parser.feed('": "get') == []
    assert shown(parser.feed('ty"')) == '{\n  "name": "getty"'


@pytest.mark.parametrize("key", ['"zebra ', "zebra:", '"zebra"'])
def test_json_under_another_key_is_shown_at_once(key: str) -> None:
    """No call begins so, and documents and code stream."""
    for before in ("See:\n{", "See:\n[ ", "See:\n[{\n"):
        assert shown(parser_of("leak").feed(f"{before}{key} ")) == f"{before}{key} "


def test_tags_inside_a_document_still_count() -> None:
    """JSON that names no tool is not read as a call, but markers in it are looked for."""
    call = '<tool_call>{"name": "zebra", "arguments": {}}</tool_call>'

    assert called(events_of("hermes", f'So:\n[\n{{"id": 1}},\n{call}]\n')) == [("zebra", {})]
    assert called(events_of("hermes", 'So:\n[\n{"id": 1},\n{"type": "x"}]\n')) == []


def test_native_deltas_are_somebody_elses() -> None:
    """The text channel can be fed together with deltas; only its text is read."""
    assert parser_of("leak").feed("a", [CallDelta(name="now")]) == [Text("a")]

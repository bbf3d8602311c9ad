"""Calls that leak into the text of a reply in native mode."""

import html
import json

import pytest

from strategies.protocols.base import CallDelta, Text
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.quotations import Quotations
from strategies.protocols.writing.escaping import escaped_markers
from tests.protocols.cases import join_text, read_all
from tests.protocols.replies import TOOLS, broken, called, events_of, parser_of, shown

_OSLO = ("get_weather", {"city": "Oslo"})
_LEAKS = (
    '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
    "<tool_call><function=get_weather><parameter=city>Oslo</parameter></function></tool_call>",
    "<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>",
    '{"name": "get_weather", "arguments": {"city": "Oslo"}}',
    '[{"name": "get_weather", "parameters": {"city": "Oslo"}}]',
    '```json\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n```',
    '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}</tool_call>',
    '{"tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}]}',
)


@pytest.mark.parametrize("leak", _LEAKS)
def test_leaked_call_of_a_declared_tool_is_run(leak: str) -> None:
    """It is run, not shown, if the reply is nothing else; of an unknown tool it is only text."""
    for reply in (leak, f"<think>I look.</think>\n\n{leak}\n", f"{leak}\n\n{leak}"):
        events = events_of("leak", reply)
        assert called(events) == [_OSLO] * reply.count("Oslo")
        assert shown(events) == ""

    unknown = leak.replace("get_weather", "get_rain")

    assert events_of("leak", unknown) == [Text(unknown)]
    assert events_of("leak", leak, ()) == [Text(leak)]


def test_without_tools_nothing_is_held_back() -> None:
    """Code with which a reply begins can be no call, so it leaves piece by piece."""
    parser = leak_parser(())
    pieces = ["```json\n", '{"name": "now",', ' "arguments": {}}\n', "```"]

    assert [shown(parser.feed(piece)) for piece in pieces] == pieces
    assert parser.close() == []


@pytest.mark.parametrize("leak", _LEAKS)
def test_leaked_call_after_words_counts_if_it_is_whole_and_tagged(leak: str) -> None:
    """So a server without a tool parser lets it through; with words behind it is an example."""
    counts = leak.startswith(("<tool_call>", "<function"))
    events = events_of("leak", f"I look.\n{leak}\n")

    assert called(events) == [_OSLO] * counts
    assert shown(events) == ("I look.\n" if counts else f"I look.\n{leak}\n")
    for reply in (f"I look.\n{leak}\nDone.", f"So {leak}", f"> {leak}"):
        assert events_of("leak", reply) == [Text(reply)]


@pytest.mark.parametrize("leak", _LEAKS)
def test_call_that_the_model_has_read_is_a_quotation(leak: str) -> None:
    """Whatever surrounds it, however it is spelled where it stands."""
    call = {"arguments": {"city": "Oslo"}, "name": "get_weather"}
    for text in (
        f"Page: {leak}.",
        json.dumps({"content": leak}),
        html.escape(f"<p>{leak}</p>"),
        escaped_markers(leak.replace("\n", "\n\n  ")),
        json.dumps(call, indent=2) if '"name"' in leak else leak,
    ):
        parser = leak_parser(TOOLS, is_quoted=Quotations(["", "get_weather", text]).holds)
        assert join_text(read_all(parser, [leak])) == [Text(leak)], text
    for text in ("get_weather", leak.replace("Oslo", "Paris"), "Oslo"):
        parser = leak_parser(TOOLS, is_quoted=Quotations([text]).holds)
        assert called(read_all(parser, [leak])) == [_OSLO]


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

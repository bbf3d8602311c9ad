"""Replies in the hermes protocol."""

import pytest

from strategies.protocols.base import BrokenCall, Call, Reasoning, Text
from tests.protocols.cases import join_text, read_all
from tests.protocols.replies import TOOLS, broken, called, events_of, parser_of, problems, shown

_CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
_OSLO = ("get_weather", {"city": "Oslo"})


def test_text_around_calls_is_shown_without_markup() -> None:
    """Text before, between and after calls stays; white space beside a call does not double."""
    events = events_of("hermes", f"First.\n{_CALL}\nThen.\n{_CALL}\n\nDone.")

    assert shown(events) == "First.\nThen.\nDone."
    assert called(events) == [_OSLO, _OSLO]


def test_text_that_touches_a_call_stays_apart() -> None:
    """White space after a block is kept where it is the only separation."""
    assert shown(events_of("hermes", f"Sure.{_CALL} And")) == "Sure. And"
    assert shown(events_of("hermes", f"a{_CALL}b")) == "ab"
    assert shown(events_of("hermes", f"a{_CALL} {_CALL}\nb")) == "a b"


def test_call_is_out_with_its_line() -> None:
    """Then no sentence can go on behind it; the model may still write the next one."""
    parser = parser_of("hermes")

    assert parser.feed(_CALL) == []
    assert called(parser.feed("\n")) == [_OSLO]
    assert parser.feed(_CALL) == []
    assert called(parser.close()) == [_OSLO]


def test_text_leaves_as_soon_as_it_cannot_begin_a_marker() -> None:
    """Only the beginning of a marker is held back."""
    parser = parser_of("hermes")

    assert parser.feed("if a <") == [Text("if a ")]
    assert parser.feed(" b") == [Text("< b")]
    assert parser.feed(" <tool_") == [Text(" ")]
    assert parser.feed("box>") == [Text("<tool_box>")]
    assert parser.feed(" <tool_ca") == [Text(" ")]
    assert parser.close() == [Text("<tool_ca")]


def test_json_answer_streams_after_its_first_key() -> None:
    """JSON that is no call is held back no longer than it could be one."""
    parser = parser_of("hermes")

    assert parser.feed('{"na') == []
    assert shown(parser.feed('tion": "Norway"')) == '{"nation": "Norway"'
    assert shown(parser_of("hermes").feed('{"name": "Ada", "a')) == '{"name": "Ada", "a'
    assert shown(parser_of("hermes").feed("```python\nprint")) == "```python\nprint"
    assert shown(parser_of("hermes").feed("[a link](http")) == "[a link](http"


@pytest.mark.parametrize(
    "body",
    [
        '{"arguments": {"city": "Oslo"}, "name": "get_weather"}',
        '{"name": "get_weather", "parameters": {"city": "Oslo"}}',
        '{"name": "get_weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}',
        '{"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}',
        '[{"name": "get_weather", "arguments": {"city": "Oslo"}}]',
        '```json\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n```',
        "{'name': 'get_weather', 'arguments': {'city': 'Oslo'}}",
        '{{"name": "get_weather", "arguments": {"city": "Oslo"}}}',
        '{"name": "get_weather", "arguments": {"city": "Oslo",},}',
        '{"name": "get_weather", "arguments": {"city": "Oslo"}}}',
        '{"name": "get_weather", "arguments": {"city": "Oslo"}',
        '{"name": "get_weather", /* a city */ "arguments": {"city": "Oslo"}}',
        "<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>",
        '<function=get_weather>{"city": "Oslo"}</function>',
    ],
)
def test_other_ways_of_writing_a_call_are_calls(body: str) -> None:
    """What models make of the form is read where its meaning is plain."""
    events = events_of("hermes", f"<tool_call>\n{body}\n</tool_call> Done.")

    assert called(events) == [_OSLO]
    assert shown(events) == "Done."
    assert problems(events) == []


@pytest.mark.parametrize(
    "reply",
    [
        '{"name": "get_weather", "arguments": {"city": "Oslo"}}',
        'Here:\n{"name": "get_weather", "arguments": {"city": "Oslo"}}',
        '```json\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n```\n',
        '<function_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</function_call>',
        '```xml\n<json>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</json>\n```',
        '{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>',
        '<function=get_weather>{"city": "Oslo"}</function>',
        '<function name="get_weather">{"city": "Oslo"}</function>',
    ],
)
def test_call_without_its_tags_needs_a_declared_tool(reply: str) -> None:
    """Weaker forms are calls of known tools, and text otherwise."""
    assert called(events_of("hermes", reply)) == [_OSLO]
    assert shown(events_of("hermes", reply)) in {"", "Here:\n"}

    unknown = reply.replace("get_weather", "get_rain")

    assert called(events_of("hermes", unknown)) == []
    assert shown(events_of("hermes", unknown)) == unknown


def test_calls_of_one_block_are_all_run() -> None:
    """Lists, several objects and a stray open tag in one block lose nothing."""
    one, two = '{"name": "now", "arguments": {}}', '{"name": "other", "arguments": {"a": 1}}'
    both: list[tuple[str, dict[str, object]]] = [("now", {}), ("other", {"a": 1})]

    assert called(events_of("hermes", f"<tool_call>[{one}, 7, {two}]</tool_call>")) == both
    assert called(events_of("hermes", f"<tool_call>\n{one}\n{two}\n</tool_call>")) == both
    assert called(events_of("hermes", f"<tool_call>{one}, {two}</tool_call>")) == both
    assert called(events_of("hermes", f"<tool_call>{one}<tool_call>{two}</tool_call>")) == both
    assert called(events_of("hermes", f"<tool_call>{one}<tool_call></tool_call>")) == both[:1]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("[1, 2]", '"name"'),
        ('{"arguments": {"city": "Oslo"}}', '"name"'),
        ('{"name": "", "arguments": {}}', '"name"'),
        ('{"name": "{{ tool.name }}", "arguments": {}}', '"name"'),
        ("not json", '"name"'),
        ("", '"name"'),
        ("<function=></function>", "no name"),
    ],
)
def test_unreadable_block_goes_back_to_the_text_and_is_reported(body: str, told: str) -> None:
    """Nothing is lost, the call before survives, and the model hears what was wrong."""
    reply = f"{_CALL}\n<tool_call>\n{body}\n</tool_call>"
    if not body:
        reply = "<tool_call></tool_call>"
    events = events_of("hermes", reply)

    assert called(events) == [_OSLO] * bool(body)
    assert shown(events) == reply.removeprefix(f"{_CALL}\n")
    assert len(problems(events)) == 1
    assert told in problems(events)[0]


@pytest.mark.parametrize(
    "prose",
    [
        "The token `<tool_call>` has no fixed meaning.",
        "Wrap it in <tool_call> ... </tool_call> and stop.",
        "A block ends with </tool_call> on its own.",
        "Use <function=get_weather> for weather.",
        "Use <tools> and <json> as you like {name}.",
        "x <tool_call",
        "```json\n{}\n```",
        '{"name": "get_weather"}',
    ],
)
def test_talk_about_markers_is_text(prose: str) -> None:
    """Prose comes back uncut, and is not held against the model."""
    events = events_of("hermes", prose)

    assert shown(events) == prose
    assert events == [Text(prose)]


@pytest.mark.parametrize(
    "arguments",
    ['{"city": "Os', '{"days": 12', '{"city": "Oslo", "da', '{"city": tr', '"{\\"city\\": \\"Os'],
)
def test_cut_call_is_reported_and_not_run(arguments: str) -> None:
    """A reply that ends inside a value never finished saying what it wanted."""
    reply = f'{_CALL}\n<tool_call>\n{{"name": "get_weather", "arguments": {arguments}'
    events = events_of("hermes", reply)

    assert called(events) == [_OSLO]
    assert [call.name for call in broken(events)] == ["get_weather"]


def test_reply_cut_for_length_never_runs_its_open_call() -> None:
    """Even if every value looks whole, more of them may have followed."""
    reply = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}'

    assert called(events_of("hermes", reply)) == [_OSLO]
    assert called(events_of("hermes", reply, cut_short=True)) == []
    assert broken(events_of("hermes", reply, cut_short=True))[0]
    assert called(events_of("hermes", _CALL[:-4], cut_short=True)) == [_OSLO]


def test_call_cut_in_its_name_is_no_call() -> None:
    """A name that may not be whole names no tool."""
    reply = 'Let me see.\n<tool_call>{"name": "get_wea'
    events = events_of("hermes", reply)

    assert called(events) == []
    assert broken(events) == []
    assert shown(events) == reply
    assert problems(events)


def test_arguments_that_are_no_object_are_reported() -> None:
    """A scalar, a list or lost arguments are never made into an empty object."""
    for body in ('"arguments": "hello"', '"arguments": [1]', '"city": "Oslo"'):
        events = events_of("hermes", f'<tool_call>{{"name": "f", {body}}}</tool_call>')
        assert called(events) == []
        assert [call.name for call in broken(events)] == ["f"]
    for body in ("", ', "arguments": null', ', "arguments": ""', ', "arguments": "{}"'):
        events = events_of("hermes", f'<tool_call>{{"name": "f"{body}}}</tool_call>')
        assert called(events) == [("f", {})]


def test_forgotten_quote_does_not_swallow_the_next_call() -> None:
    """The first close tag at the end of a line ends a string that never ends otherwise."""
    reply = (
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo}}\n</tool_call>\n'
        '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>\nDone.'
    )
    events = events_of("hermes", reply)

    assert called(events) == [("now", {})]
    assert [call.name for call in broken(events)] == ["get_weather"]
    assert shown(events) == "Done."


def test_forgotten_quote_that_meets_the_next_one() -> None:
    """The next call's first quote seems to end the string; its tag stands at a line's end."""
    reply = (
        '<tool_call>{"name": "f", "arguments": {"a": "x</tool_call>\n'
        '<tool_call>{"name": "now", "arguments": {"b": 1}}</tool_call>Done.'
    )
    events = events_of("hermes", reply)

    assert called(events) == [("now", {"b": 1})]
    assert [call.name for call in broken(events)] == ["f"]
    assert shown(events) == "Done."


def test_hostile_blocks_are_given_up() -> None:
    """Every block seems to end at the very end: the reader stops starting over."""
    for part in ('<tool_call>{"</tool_call>\n"', '<tool_call>{"\\"</tool_call>\n'):
        reply = part * 2000
        events = join_text(read_all(parser_of("hermes"), [reply]))
        assert join_text(read_all(parser_of("hermes"), list(reply))) == events
        assert called(events) == []


def test_guess_waits_for_the_close_tag() -> None:
    """Arguments that only a guess can read are given back, with what was understood."""
    guess = '<tool_call>{"name": "f", "arguments": {"x": "he said "hi" twice"}}'
    [call] = events_of("hermes", f"{guess} \n</tool_call>")
    first, *rest = events_of("hermes", f"{guess}\nDone.")

    assert isinstance(call, BrokenCall)
    assert r'{"x": "he said \"hi\" twice"}' in call.problem
    assert first == call
    assert shown(rest) == "Done."
    assert broken(events_of("hermes", f"{guess}<tool_call>")) == [call]


def test_invented_results_are_dropped() -> None:
    """What the model writes as a tool's answer is no answer, and no reply to it counts."""
    reply = f"{_CALL}\n<tool_response>\n-3\n</tool_response>\nIt is cold. {_CALL}"

    assert events_of("hermes", reply) == events_of("hermes", _CALL)


def test_special_tokens_after_a_call_are_markup() -> None:
    """A server that does not strip its end token shows nothing of it."""
    assert shown(events_of("hermes", f"{_CALL}<|im_end|>\n")) == ""


@pytest.mark.parametrize(
    "rest", ["</tool_ca", "\n<tool_call>\n", "\n<tool_", "</tool_call>\n</tool"]
)
def test_tag_that_is_cut_off_after_a_call_is_not_shown(rest: str) -> None:
    """A reply may end in the middle of its markup, or with the wrong tag."""
    reply = '<tool_call>\n{"name": "now", "arguments": {}}' + rest

    assert called(events_of("hermes", reply)) == [("now", {})]
    assert shown(events_of("hermes", reply)) == ""
    assert problems(events_of("hermes", reply)) == []


def test_guessed_name_without_arguments_is_no_call() -> None:
    """One guess may be right; two are none."""
    reply = '<tool_call>{"name": bad}</tool_call>'

    assert called(events_of("hermes", reply)) == []
    assert shown(events_of("hermes", reply)) == reply


def test_cut_lists_and_envelopes_name_their_last_call() -> None:
    """The arguments that were cut belong to it."""
    f = '{"name": "f", "arguments": {"x": "'
    for body in (f"[{f}", f'{{"function": {f}', f'{{"tool_calls": [{f}', f"{{'tool_call': {f}"):
        events = events_of("hermes", f"<tool_call>{body}")
        assert [call.name for call in broken(events)] == ["f"]
    assert called(events_of("hermes", '<tool_call>{1: 2, "name": "f"}')) == []
    for body in ('["x', '[{"name": "f', "['", '{1: {"name": "f'):
        events = events_of("hermes", f"<tool_call>{body}")
        assert broken(events) == []
        assert len(problems(events)) == 1


def test_ids_and_raw_arguments_are_kept() -> None:
    """The loop can repeat what the model wrote."""
    reply = '<tool_call>{"id": "c7", "name": "f", "arguments": {"a":  1}}</tool_call>'

    assert events_of("hermes", reply) == [
        Call(name="f", arguments={"a": 1}, id="c7", raw='{"a":  1}')
    ]


def test_without_tools_calls_in_tags_are_still_read() -> None:
    """The agent answers calls of tools that it does not have."""
    assert called(events_of("hermes", _CALL, ())) == [_OSLO]
    assert shown(events_of("hermes", '{"name": "now", "arguments": {}}', ())) != ""


def test_empty_pieces_and_empty_replies_are_nothing() -> None:
    """A provider may send nothing at all."""
    parser = parser_of("hermes", TOOLS)

    assert parser.feed("") == []
    assert parser.close() == []


def test_text_and_calls_come_in_the_order_of_the_reply() -> None:
    """Events keep the order in which the model wrote."""
    events = events_of("hermes", f"<think>r</think>a{_CALL}b")
    kinds = [type(event) for event in events]

    assert kinds == [Reasoning, Text, Call, Text]

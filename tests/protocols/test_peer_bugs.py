"""Bugs that other agents' parsers had, each with the tracker's or our own notes' number.

The texts are ours; only the kind of trouble is theirs.
"""

import pytest

from strategies.protocols.base import Call, Text
from tests.protocols.replies import (
    broken,
    called,
    events_of,
    parser_of,
    problems,
    shown,
    tool,
)

_X = tool("f", x="integer")


def test_vllm_28806_empty_arguments_survive_streaming() -> None:
    """A call without parameters lost its `{}`."""
    reply = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'

    assert called(events_of("hermes", reply)) == [("now", {})]


def test_vllm_19056_no_closing_bracket_leaks_into_arguments() -> None:
    """The bracket of the call ended up in its arguments."""
    reply = '<tool_call>{"name": "f", "arguments": {"x": {"y": {}}}}</tool_call>'

    assert called(events_of("hermes", reply)) == [("f", {"x": {"y": {}}})]


def test_vllm_35615_several_parameters_in_one_piece() -> None:
    """A fast model sent two parameters at once, and one was lost."""
    reply = (
        "<tool_call><function=get_weather><parameter=city>\nOslo\n</parameter><parameter=days>\n3\n"
        "</parameter></function></tool_call>"
    )

    assert called(events_of("qwen3_coder", reply)) == [("get_weather", {"city": "Oslo", "days": 3})]


def test_vllm_33965_same_tool_twice_stays_two_calls() -> None:
    """Equal names, even equal calls, are not merged."""
    call = "<tool_call><function=now></function></tool_call>"

    assert called(events_of("qwen3_coder", call * 2)) == [("now", {})] * 2


def test_vllm_55497_malformed_parameter_tag_is_part_of_the_value() -> None:
    """It left half an object behind."""
    reply = (
        "<tool_call><function=write_file><parameter=content>a <parameter b</parameter></function>"
    )

    assert called(events_of("qwen3_coder", reply)) == [
        ("write_file", {"content": "a <parameter b"})
    ]


def test_vllm_name_inside_arguments_is_not_the_tool() -> None:
    """The first `"name"` of the text was taken for the tool's."""
    reply = '<tool_call>{"arguments": {"name": "inner"}, "name": "f"}</tool_call>'

    assert called(events_of("hermes", reply)) == [("f", {"name": "inner"})]


def test_club_3090_1191_literal_tag_in_prose_keeps_the_answer() -> None:
    """Everything after it was lost, tools or not."""
    prose = "Write `<tool_call>` first. Then comes\nthe rest, {all} of it."

    for tools in ((), (_X,)):
        assert events_of("hermes", prose, tools) == [Text(prose)]


def test_rapid_mlx_1513_prose_is_no_call() -> None:
    """Calls were made up from documentation."""
    prose = "Tags are <function=f> and <parameter=x>, closed by </function>."

    assert events_of("qwen3_coder", prose, (_X,)) == [Text(prose)]


def test_rapid_mlx_1996_value_with_a_literal_close_tag_is_whole() -> None:
    """It was cut at the tag and the rest of the file was gone."""
    content = "see </parameter> and </function> and </tool_call> here"
    reply = (
        "<tool_call>\n<function=write_file>\n<parameter=content>\n"
        f"{content}\n</parameter>\n</function>\n</tool_call>"
    )

    assert called(events_of("qwen3_coder", reply)) == [("write_file", {"content": content})]


def test_sglang_18001_line_break_between_calls_is_no_close_tag() -> None:
    """The separator was mistaken for the beginning of the close tag."""
    call = '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'

    assert called(events_of("hermes", f"{call}\n{call}\n\n{call}")) == [("f", {"x": 1})] * 3


def test_sglang_23363_bad_call_does_not_poison_the_next() -> None:
    """Text of a failed block stayed in the buffer."""
    reply = '<tool_call>{"x": 1}</tool_call>a<tool_call>{"name": "f", "arguments": {}}</tool_call>b'
    events = events_of("hermes", reply)

    assert called(events) == [("f", {})]
    assert shown(events) == '<tool_call>{"x": 1}</tool_call>ab'
    assert len(problems(events)) == 1


def test_rtp_llm_682_several_markers_in_one_piece() -> None:
    """Speculative decoding sends the end of one block and the start of the next together."""
    parser = parser_of("hermes", (_X,))
    pieces = (
        "<think>a",
        '</think> b<tool_call>{"name": "f",',
        ' "arguments": {}}',
        '</tool_call><tool_call>{"name": "f", "arguments": {}}</tool_call>c',
    )
    events = [event for piece in pieces for event in parser.feed(piece)]

    assert called(events) == [("f", {})] * 2
    assert shown(events) == "bc"


def test_ollama_12357_ampersands_are_data() -> None:
    """Values went through an XML parser."""
    reply = "<function=write_file><parameter=content>a && b &amp; <c></parameter></function>"

    assert called(events_of("qwen3_coder", reply)) == [
        ("write_file", {"content": "a && b &amp; <c>"})
    ]


def test_ollama_17914_missing_close_tag_of_a_parameter() -> None:
    """It failed the whole request."""
    reply = "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</function>\n</tool_call>"

    assert called(events_of("qwen3_coder", reply)) == [("get_weather", {"city": "Oslo"})]


def test_claude_code_67765_malformed_arguments_are_not_emptied() -> None:
    """A tool ran with nothing."""
    reply = '<tool_call>{"name": "f", "arguments": {"x": 1, oops}}</tool_call>'
    events = events_of("hermes", reply)

    assert ("f", {}) not in called(events)


def test_w1_partial_names_are_no_calls() -> None:
    """Qwen-Agent hands out `m`, `my_im`, `my_ima` … as tools while the name streams in."""
    reply = '✿FUNCTION✿: my_image_gen\n✿ARGS✿: {"prompt": "小狗"}\n'
    parser = parser_of("qwen", (tool("my_image_gen", prompt="string"),))
    events = [event for one in reply for event in parser.feed(one)]

    assert called(events) == [("my_image_gen", {"prompt": "小狗"})]


def test_w2_markup_never_flickers_into_the_answer() -> None:
    """Qwen-Agent shows `<`, `<t` … `<tool_call` while the marker streams in."""
    reply = 'Hi <tool_call>{"name": "f", "arguments": {}}</tool_call>'
    parser = parser_of("hermes")
    parts = [shown(parser.feed(one)) for one in reply]

    assert "".join(parts) == "Hi "


def test_w4_calls_that_nous_loses() -> None:
    """Other keys, no arguments, lists, compact JSON without a close tag, fences, extra brackets."""
    for body, arguments in (
        ('{"name": "f", "parameters": {"x": 1}}', {"x": 1}),
        ('{"name": "f"}', {}),
        ('[{"name": "f", "arguments": {"x": 1}}]', {"x": 1}),
        ('{"name":"f","arguments":{"x":1}}', {"x": 1}),
        ('```json\n{"name": "f", "arguments": {"x": 1}}\n```', {"x": 1}),
        ('{"name": "f", "arguments": {"x": 1}}}', {"x": 1}),
        ('{"name": "f", "arguments": "{\\"x\\": 1}"}', {"x": 1}),
        ('{"name": "f", "arguments": {"x": "the <tool_call> tag"}}', {"x": "the <tool_call> tag"}),
        ('{"name": "f", "arguments": {"x": "a </tool_call> b"}}', {"x": "a </tool_call> b"}),
        ("<function=f><parameter=x>1</parameter></function>", {"x": 1}),
    ):
        for close in ("", "\n</tool_call>"):
            reply = f"<tool_call>\n{body}{close}"
            assert called(events_of("hermes", reply, (_X,))) == [("f", arguments)], reply


def test_w4_garbage_is_no_call_with_an_empty_name() -> None:
    """It goes back to the text and is reported."""
    events = events_of("hermes", "<tool_call>\nnot json at all\n</tool_call>")

    assert called(events) == []
    assert broken(events) == []
    assert len(problems(events)) == 1


def test_w4_not_a_number_is_no_json() -> None:
    """NaN went on to the tool's server, which could not read it."""
    assert called(events_of("hermes", '<tool_call>{"name": "f", "arguments": {"x": NaN}}')) == []


def test_w5_qwen_markers_in_strings_colons_and_lone_flowers() -> None:
    """A marker in a string split the call, other colons hid it, a last flower was eaten."""
    quoted = '✿FUNCTION✿: f\n✿ARGS✿: {"q": "what is ✿FUNCTION✿: here"}'

    assert called(events_of("qwen", quoted)) == [("f", {"q": "what is ✿FUNCTION✿: here"})]
    assert called(events_of("qwen", '✿FUNCTION✿：f\n✿ARGS✿ {"q": 1}')) == [("f", {"q": 1})]
    assert events_of("qwen", '✿FUNCTION✿: f\n✿ARGS✿: {"a": 1}\nuse {b}') == [
        Call(name="f", arguments={"a": 1}, raw='{"a": 1}')
    ]
    assert shown(events_of("qwen", "a flower ✿")) == "a flower ✿"
    assert called(events_of("qwen", '✿FUNCTION✿: f\n✿ARGS✿: {"a": 1}\n✿RESULT✿: 5')) != []


def test_w10_words_that_begin_like_a_stop_word_are_kept() -> None:
    """A reply that ended in the first half of a stop word lost a real word."""
    assert shown(events_of("qwen", "the sign ✿RE")) == "the sign ✿RE"


def test_w20_marker_cut_after_other_text_in_a_piece() -> None:
    """LazyLLM's hold-back worked only for markers at the start of a piece."""
    parser = parser_of("hermes")

    assert parser.feed("abc<tool_") == [Text("abc")]
    assert called(parser.feed('call>{"name": "f", "arguments": {}}</tool_call>\n')) == [("f", {})]
    assert parser.close() == []


def test_w20_held_text_is_flushed_at_the_end() -> None:
    """It was never shown."""
    parser = parser_of("hermes")

    assert parser.feed("a") == [Text("a")]
    assert parser.feed("<tool_") == []
    assert parser.close() == [Text("<tool_")]


def test_w20_text_before_a_marker_in_the_last_piece_is_shown() -> None:
    """Text and a whole call in one piece."""
    reply = 'Let me <tool_call>{"name": "f", "arguments": {}}</tool_call>'

    assert shown(parser_of("hermes").feed(reply)) == "Let me "


_OSLO = "<parameter=city>\nOslo\n</parameter>"
_CITIES = '{"city": "Oslo", "city": "Rome"}'


@pytest.mark.parametrize(
    ("protocol", "reply"),
    [
        ("hermes", f'<tool_call>{{"name": "get_weather", "arguments": {_CITIES}}}</tool_call>'),
        ("leak", f'```json\n{{"name": "get_weather", "arguments": {_CITIES}}}\n```'),
        ("react", f"Action: get_weather\nAction Input: {_CITIES}"),
        ("react", f'```json\n{{"name": "get_weather", "arguments": {_CITIES}}}\n```'),
        ("qwen", f"✿FUNCTION✿: get_weather\n✿ARGS✿: {_CITIES}"),
        ("qwen3_coder", f"<function=get_weather>{_OSLO}{_OSLO.replace('Oslo', 'Rome')}</function>"),
    ],
)
def test_a_key_that_is_given_twice_is_not_run_with_one_of_its_values(
    protocol: str, reply: str
) -> None:
    """Every peer runs the last one and loses the other call without a word."""
    events = events_of(protocol, reply)

    assert called(events) == []
    assert [call.problem for call in broken(events)] == [
        '"city" is given twice: make one call for each value.'
    ]


@pytest.mark.parametrize("protocol", ["hermes", "leak"])
def test_a_call_with_two_arguments_is_two_calls(protocol: str) -> None:
    """The same outside of the arguments: the model meant two calls and wrote one."""
    both = '"arguments": {"city": "Oslo"}, "arguments": {"city": "Rome"}'
    events = events_of(protocol, f'<tool_call>{{"name": "get_weather", {both}}}</tool_call>')

    assert called(events) == []
    assert [call.problem for call in broken(events)] == [
        '"arguments" is given twice: make one call for each value.'
    ]

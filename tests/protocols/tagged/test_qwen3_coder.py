"""Replies in the qwen3_coder protocol."""

import pytest

from strategies.protocols.base import ToolSpec
from tests.protocols.replies import TOOLS, broken, called, events_of, parser_of, shown, tool


def _file(content: str, *, path: str = "a.txt", close: str = "\n</parameter>\n") -> str:
    return (
        "<tool_call>\n<function=write_file>\n"
        f"<parameter=path>\n{path}\n</parameter>\n"
        f"<parameter=content>\n{content}{close}</function>\n</tool_call>"
    )


def _content(reply: str) -> object:
    [(name, arguments)] = called(events_of("qwen3_coder", reply))
    assert name == "write_file"
    assert arguments["path"] == "a.txt"
    return arguments["content"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "plain",
        "\n\n",
        "   indented\n",
        "a <b>tag</b> & more",
        'he said "}{" and then }{',
        '{"not": "an object"}',
        "crlf\r\nend",
        "a literal </parameter> inside",
        "a literal </function> inside",
        "a literal <function=demo> inside",
        "a literal <parameter=fake> inside",
        "a literal <tool_call> inside",
        "a literal </tool_call> inside",
        "a literal <think> inside",
        "<function=demo>\n</function>\n</tool_call>",
        '"</parameter>\\n",\n"</function>\\n",',
        'x = """\n<parameter=path>\nb\n</parameter>\n"""',
        "<tool_call>\n<function=now>\n<parameter=a>\nb\n</parameter>\n</function>\n</tool_call>\n.",
        "</parameter",
        "< /parameter>",
    ],
)
def test_value_comes_through_byte_for_byte(content: str) -> None:
    """Nothing is escaped in this form, so tags inside a value must not end it."""
    assert _content(_file(content)) == content


@pytest.mark.parametrize(
    "close",
    ["\n</parameter1>\n", "\n</parameter_function>\n", "\n</parameter\n", "\n", "\n</parameter>"],
)
def test_missing_or_drifted_close_tag(close: str) -> None:
    """Models mistype the close tag or leave it out."""
    assert _content(_file("text", close=close)) == "text"
    between = (
        f"<tool_call>\n<function=write_file>\n<parameter=content>\ntext{close}<parameter=path>\n"
        "a.txt\n</parameter>\n</function>\n</tool_call>"
    )
    assert _content(between) == "text"


def test_compact_form() -> None:
    """All on one line, close tags left out."""
    reply = "<function=write_file><parameter=path>a.txt<parameter=content>text</function>"

    assert _content(reply) == "text"
    assert _content(f"<tool_call>{reply}</tool_call>") == "text"


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ("string", "3", "3"),
        ("string", "null", "null"),
        ("integer", "42", 42),
        ("integer", "007", 7),
        ("integer", "4.5", "4.5"),
        ("integer", "None", None),
        ("number", "1.5e3", 1500.0),
        ("number", "3", 3),
        ("number", "3.14.159", "3.14.159"),
        ("number", "1e999", "1e999"),
        ("boolean", "TRUE", True),
        ("boolean", "false", False),
        ("boolean", "yes", "yes"),
        ("array", '["a", 1, null]', ["a", 1, None]),
        ("array", "a, b", "a, b"),
        ("object", '{"a": {"b": 1}}', {"a": {"b": 1}}),
        ("object", "{'a': 'b'}", {"a": "b"}),
        ("object", "\"{'a': 1}\"", {"a": 1}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "42", 42),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "null", None),
        ({"anyOf": [{"type": "array"}, {"type": "string"}]}, "[1]", [1]),
        ({"anyOf": [{"type": "array"}, {"type": "string"}]}, "one", "one"),
        ({"type": ["string", "number"]}, "hello", "hello"),
        ({"type": ["number", "string"]}, "2.5", 2.5),
        ({"enum": ["a"]}, "a", "a"),
        ({"type": "mystery"}, "1", "1"),
        ("integer", "9" * 30, int("9" * 30)),
    ],
)
def test_values_are_typed_by_the_schema(schema: object, text: str, value: object) -> None:
    """What does not fit stays text, for the check of the arguments to complain about."""
    reply = f"<tool_call>\n<function=f>\n<parameter=p>\n{text}\n</parameter>\n</function>\n"

    assert called(events_of("qwen3_coder", reply, (tool("f", p=schema),))) == [("f", {"p": value})]


def test_without_schema_values_are_text() -> None:
    """An undeclared tool, a parameter that is not in the schema, a schema without properties."""
    reply = "<tool_call><function=g><parameter=zip>\n007\n</parameter></function></tool_call>"

    assert called(events_of("qwen3_coder", reply)) == [("g", {"zip": "007"})]
    assert called(events_of("qwen3_coder", reply, ())) == [("g", {"zip": "007"})]
    assert called(events_of("qwen3_coder", reply.replace("=g>", "=now>"))) == [
        ("now", {"zip": "007"})
    ]


def test_invented_parameter_is_a_parameter() -> None:
    """It is dropped by the check against the schema, not glued to the value before it."""
    reply = (
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n"
        "<parameter=unit>\ncelsius\n</parameter>\n</function>\n</tool_call>"
    )

    assert called(events_of("qwen3_coder", reply)) == [
        ("get_weather", {"city": "Oslo", "unit": "celsius"})
    ]


def test_open_and_close_tags_of_the_call_may_be_missing() -> None:
    """The function alone is a call if the tool is known, and stray close tags are hidden."""
    one = "<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>"
    oslo = ("get_weather", {"city": "Oslo"})

    for reply in (one, f"{one}\n</tool_call>", f"<tool_call>\n{one}", f"```xml\n{one}\n```"):
        assert called(events_of("qwen3_coder", reply)) == [oslo]
        assert shown(events_of("qwen3_coder", reply)) == ""
    twice = f"Text.\n\n{one}\n{one}\nMore."
    assert called(events_of("qwen3_coder", twice)) == [oslo, oslo]
    assert shown(events_of("qwen3_coder", twice)) == "Text.\n\nMore."


def test_malformed_function_tag_is_recovered() -> None:
    """The bracket after the name is forgotten, or the name is quoted."""
    for tag in (
        "<function=get_weather\n",
        '<function="get_weather">',
        '<function name="get_weather">',
    ):
        reply = f"<tool_call>\n{tag}<parameter=city>Oslo</parameter>\n</function>\n</tool_call>"
        assert called(events_of("qwen3_coder", reply)) == [("get_weather", {"city": "Oslo"})]


def test_call_is_out_with_its_line() -> None:
    """Then no sentence can go on behind it."""
    parser = parser_of("qwen3_coder")

    assert parser.feed(_file("text").rstrip()) == []
    assert len(called(parser.feed("\n"))) == 1
    assert parser.close() == []


@pytest.mark.parametrize("end", ["", "te", "text", "text\n</para", "text </function> and"])
def test_value_that_is_cut_is_reported_and_not_run(end: str) -> None:
    """No close tag, no value."""
    reply = f"<tool_call>\n<function=write_file>\n<parameter=content>\n{end}"
    events = events_of("qwen3_coder", reply)

    assert called(events) == []
    assert [call.name for call in broken(events)] == ["write_file"]


def test_call_that_only_lacks_its_end() -> None:
    """Complete values are enough, unless the provider says that more would have come."""
    reply = "<tool_call>\n<function=write_file>\n<parameter=path>\na\n</parameter>\n"

    assert called(events_of("qwen3_coder", reply)) == [("write_file", {"path": "a"})]
    assert called(events_of("qwen3_coder", reply, cut_short=True)) == []
    assert broken(events_of("qwen3_coder", "<tool_call><function=now>"))[0]


def test_literal_call_that_is_never_closed_is_bounded() -> None:
    """If tags inside a value hide the end of the call, it is guessed at the end, and not run."""
    reply = _file("<function=demo>\n<parameter=x>") + "\nDone. <tool_call><function=now></function>"
    events = events_of("qwen3_coder", reply)

    assert [call.name for call in broken(events)] == ["write_file"]
    assert [name for name, _ in called(events)] == ["now"]
    assert shown(events) == "Done. "


def test_tags_that_do_not_belong_are_passed_over() -> None:
    """A stray close tag before the first parameter, and a tool without a proper schema."""
    odd = ToolSpec(name="f", description="", parameters={"properties": []})
    reply = "<tool_call><function=f></parameter><parameter=x>1</parameter></function></tool_call>"

    assert called(events_of("qwen3_coder", reply, (odd,))) == [("f", {"x": "1"})]
    junk = "<tool_call><function=f> x <parameter=x>1</parameter> y </function></tool_call>"
    assert [call.name for call in broken(events_of("qwen3_coder", junk))] == ["f"]
    twice = "<tool_call><function=f><function=now></function></tool_call>"
    assert called(events_of("qwen3_coder", twice)) == []


def test_text_between_functions_and_their_tag() -> None:
    """Text after a tag that may end a call shows that it does not, or that the call is over."""
    start = "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo"

    for end in ("\n</function>\n</tool_call>\nDone.", "\n</function></tool_call>Done."):
        events = events_of("qwen3_coder", start + end)
        assert called(events) == [("get_weather", {"city": "Oslo"})]
        assert shown(events) == "Done."


def test_prose_for_parameters_is_reported() -> None:
    """A call without a single parameter tag names its tool and nothing else."""
    reply = "<tool_call><function=get_weather>\nOslo\n</function></tool_call>Done."
    events = events_of("qwen3_coder", reply)

    assert called(events) == []
    assert [call.name for call in broken(events)] == ["get_weather"]
    assert shown(events) == "Done."


@pytest.mark.parametrize("wrapped", [True, False])
def test_parameters_in_tags_of_their_own_are_read(wrapped: bool) -> None:  # noqa: FBT001
    """Small models write them so, with or without the tag around the call."""
    body = "<path>\na.txt\n</path>\n<content>Hi</content>"
    reply = f"<function=write_file>\n{body}\n</function>"
    events = events_of(
        "qwen3_coder", f"<tool_call>{reply}</tool_call>" if wrapped else reply, TOOLS
    )

    assert called(events) == [("write_file", {"path": "a.txt", "content": "Hi"})]
    assert not shown(events).strip()


@pytest.mark.parametrize(
    "body",
    [
        "<parameter>path>\na.txt\n</parameter>\n<parameter>content>\nHi\n</parameter>",
        "<path>a.txt</path>\n<mode>w</mode>",
        "<path>a.txt</path>\n<path>b.txt</path>",
        "<path>a.txt</path> and\n<content>Hi</content>",
        "<path>a.txt</path>\n<content>a < b</content>",
    ],
    ids=["half a tag", "no such parameter", "twice", "words between", "not escaped"],
)
def test_other_tags_are_reported(body: str) -> None:
    """What they mean would be a guess; the reader sees none of it."""
    events = events_of("qwen3_coder", f"<function=write_file>\n{body}\n</function>", TOOLS)

    assert called(events) == []
    assert [call.name for call in broken(events)] == ["write_file"]
    assert "<parameter=KEY>" in broken(events)[0].problem
    assert not shown(events).strip()


@pytest.mark.parametrize(
    "prose",
    [
        "The marker is <function=f> here.",
        "Docs mention </tool_call> and <function=name> together.",
        "Use <parameter=path> for the path.",
        "Call <function=write_file> to write.",
        "<function=write_file",
    ],
)
def test_talk_about_tags_is_text(prose: str) -> None:
    """Nothing is made into a call, nothing is lost."""
    events = events_of("qwen3_coder", prose, TOOLS)

    assert shown(events) == prose
    assert len(events) == 1

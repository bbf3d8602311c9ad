"""Replies in the qwen protocol."""

import pytest

from strategies.protocols.base import Text, ToolSpec
from tests.protocols.replies import broken, called, events_of, parser_of, problems, shown

_CALL = '✿FUNCTION✿: get_weather\n✿ARGS✿: {"city": "Oslo"}'
_OSLO = ("get_weather", {"city": "Oslo"})


def test_text_then_calls() -> None:
    """Text before the calls is shown, several calls are run."""
    events = events_of("qwen", f"Let me see.\n{_CALL}\n{_CALL}\n")

    assert shown(events) == "Let me see.\n"
    assert called(events) == [_OSLO, _OSLO]


def test_one_name_with_several_arguments_is_several_calls() -> None:
    """The template's short form for parallel calls."""
    events = events_of("qwen", f'{_CALL}\n✿ARGS✿: {{"city": "Rome"}}')

    assert called(events) == [_OSLO, ("get_weather", {"city": "Rome"})]


def test_call_is_out_with_its_line() -> None:
    """Nothing closes a call in this protocol, but a sentence may go on behind it."""
    parser = parser_of("qwen")

    assert called(parser.feed(_CALL.rstrip())) == []
    assert called(parser.feed("\n")) == [_OSLO]


@pytest.mark.parametrize("colon", [":", ": ", "：", "", " "])
def test_colons_are_optional_and_may_be_full_width(colon: str) -> None:
    """Chinese models write the colon of their language."""
    reply = f'✿FUNCTION✿{colon}get_weather\n✿ARGS✿{colon}{{"city": "Oslo"}}'

    assert called(events_of("qwen", reply)) == [_OSLO]


@pytest.mark.parametrize(
    "rest",
    [
        " <!-- a comment -->",
        "\nuse {b} next",
        "\n✿RES",
        "\n✿RESULT✿: 4\n✿RETURN✿: It is 4. ✿FUNCTION✿: now\n✿ARGS✿: {}",
        "\n✿RETURN✿: It is 4.",
        "<|im_end|>",
    ],
)
def test_what_follows_the_arguments_does_not_count(rest: str) -> None:
    """Junk, cut stop words and invented results are neither shown nor run."""
    assert events_of("qwen", _CALL + rest) == events_of("qwen", _CALL)


def test_call_without_arguments() -> None:
    """A known tool needs no ✿ARGS✿; a name that may be cut names none."""
    assert called(events_of("qwen", "✿FUNCTION✿: now")) == [("now", {})]
    assert called(events_of("qwen", "✿FUNCTION✿: now\n✿RESULT✿")) == [("now", {})]
    assert called(events_of("qwen", "✿FUNCTION✿: now\n✿ARGS✿:")) == [("now", {})]
    assert called(events_of("qwen", "✿FUNCTION✿: now\n✿ARGS✿: \n✿RESULT✿")) == [("now", {})]
    for cut in ("✿FUNCTION✿: get_wea", "✿FUNCTION✿: now\n✿AR"):
        assert called(events_of("qwen", cut)) == []
        assert broken(events_of("qwen", cut))[0]
    for cut in ("✿FUNCTION✿: now", "✿FUNCTION✿: now\n✿ARGS✿:"):
        assert called(events_of("qwen", cut, cut_short=True)) == []


def test_arguments_without_their_marker() -> None:
    """An object right after the name can only be the arguments."""
    assert called(events_of("qwen", '✿FUNCTION✿: get_weather\n{"city": "Oslo"}')) == [_OSLO]


def test_code_in_a_fence_goes_to_the_argument_that_takes_it() -> None:
    """Models write code as code; a tool with one argument or one named code can take it."""
    reply = '✿FUNCTION✿: {}\n✿ARGS✿:\n```py\nx = {{"a": 1}}\nprint("```")\n```\nDone.'
    code = {"code": 'x = {"a": 1}\nprint("```")'}

    assert called(events_of("qwen", reply.format("python"))) == [("python", code)]
    assert [call.name for call in broken(events_of("qwen", reply.format("write_file")))] == [
        "write_file"
    ]
    assert broken(events_of("qwen", reply.format("python")[:-10]))[0]


def test_json_in_a_fence_is_json() -> None:
    """The fence is left away."""
    for language in ("json", "JSON", ""):
        reply = f'✿FUNCTION✿: get_weather\n✿ARGS✿: ```{language}\n{{"city": "Oslo"}}\n```\nDone.'
        assert called(events_of("qwen", reply)) == [_OSLO]


def test_text_right_after_an_unknown_name_is_no_call() -> None:
    """Without arguments only known tools are called; JSON in single backticks are arguments."""
    reply = "✿FUNCTION✿: other\nand so on"

    assert shown(events_of("qwen", reply)) == reply
    assert called(events_of("qwen", "✿FUNCTION✿: now\nand so on")) == [("now", {})]
    ticks = '✿FUNCTION✿: get_weather\n✿ARGS✿: `{"city": "Oslo"}`\n'
    assert called(events_of("qwen", ticks)) == [_OSLO]


def test_markers_inside_and_outside_of_strings() -> None:
    """Inside a string a marker is data, outside it ends the arguments."""
    data = '✿FUNCTION✿: f\n✿ARGS✿: {"a": "✿ARGS✿ ✿RESULT✿", "b": "✿RETURN✿"}'
    cut = f'✿FUNCTION✿: f\n✿ARGS✿: {{"a": 1\n{_CALL}'
    guessed = '✿FUNCTION✿: f\n✿ARGS✿: {"a": "he said "x" y"} ✿RESULT✿'

    assert called(events_of("qwen", data)) == [("f", {"a": "✿ARGS✿ ✿RESULT✿", "b": "✿RETURN✿"})]
    assert called(events_of("qwen", cut)) == [("f", {"a": 1}), _OSLO]
    assert r'{"a": "he said \"x\" y"}' in broken(events_of("qwen", guessed))[0].problem
    bare = ToolSpec(name="f", description="", parameters={"properties": None})
    fence = "✿FUNCTION✿: f\n✿ARGS✿: ```py\nx\n```"
    assert [call.name for call in broken(events_of("qwen", fence, (bare,)))] == ["f"]


def test_cut_arguments_are_reported_and_not_run() -> None:
    """The reply ended inside a value, or the provider says that it did."""
    for reply in (_CALL[:-4], f"{_CALL[:-2]}\n✿RESULT✿: 5"):
        assert called(events_of("qwen", reply)) == []
        assert broken(events_of("qwen", reply))[0]
    assert broken(events_of("qwen", _CALL[:-1], cut_short=True))[0]


def test_arguments_that_are_no_object_are_reported() -> None:
    """Prose is not made into arguments."""
    events = events_of("qwen", "✿FUNCTION✿: get_weather\n✿ARGS✿: Oslo\n")

    assert called(events) == []
    assert [call.name for call in broken(events)] == ["get_weather"]


@pytest.mark.parametrize(
    "prose",
    ["I like ✿ flowers", "a lone ✿", "✿FUN", "The ✿FUNCTION✿ marker starts a call.", "✿ ARGS ✿"],
)
def test_flowers_and_talk_about_markers_are_text(prose: str) -> None:
    """Nothing is eaten from prose."""
    assert events_of("qwen", prose) == [Text(prose)]


def test_unreadable_call_goes_back_to_the_text_and_is_reported() -> None:
    """Arguments without a name, or a sentence for a name."""
    stray = '\n✿ARGS✿: {"city": "Oslo"}'
    sentence = "✿FUNCTION✿: I would call the weather\n"

    assert shown(events_of("qwen", stray)) == stray
    assert len(problems(events_of("qwen", stray))) == 1
    assert shown(events_of("qwen", sentence)) == sentence
    assert len(problems(events_of("qwen", sentence))) == 1


def test_reply_that_goes_on_at_return() -> None:
    """The marker or the colon that the prompt left open is no part of the answer."""
    assert shown(events_of("qwen", ": It is 4.")) == "It is 4."
    assert shown(events_of("qwen", "：好的")) == "好的"
    assert shown(events_of("qwen", ":) Hello")) == ":) Hello"
    events = events_of("qwen", f"✿RETURN✿: Oslo done.\n{_CALL}")
    assert shown(events) == "Oslo done.\n"
    assert called(events) == [_OSLO]


def test_invented_result_at_the_start_is_dropped() -> None:
    """The stop word was to prevent it."""
    assert events_of("qwen", "✿RESULT✿: 4") == []

"""The final answer as an action in JSON: shown while it streams, and the same at every cut."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.protocols.base import BrokenCall, FormatError, Text
from strategies.protocols.react.actions import Action
from strategies.protocols.react.protocol import React
from tests.protocols.cases import read_all
from tests.protocols.replies import TOOLS, called, events_of, shown, thought

_TAUGHT = """\
Thought: I know what to answer
Action:
```json
{{
  "name": "Final Answer",
  "arguments": {{"answer": "{}"}}
}}
```"""
_FORMS = (
    _TAUGHT,
    'Action: {{"name": "Final Answer", "arguments": {{"answer": "{}"}}}}',
    'Action: {{"action": "Final Answer", "action_input": "{}"}}\n',
    '{{"action": "Final Answer", "action_input": "{}"}}',
    'Thought: so\n{{"tool": "final_answer", "args": {{ "output" :\n"{}"\n}}\n}}',
    '```json\n{{"action": "Final Answer", "action_input": "{}"}}\n```\n',
    'Thought: so\n~~~\n{{"function":"最终答案","parameters":{{"text":"{}"}}}}\n~~~',
    'Thought: I am done. Action: {{"action": "FinalAnswer", "action_input": "{}"}}',
    'Let me see.\nAction: {{"action": "Final Answer", "action_input": "{}", "sure": true}}',
)
_BARE = _FORMS[3]
_ROME = 'Action: {"action": "get_weather", "action_input": {"city": "Rome"}}'


@pytest.mark.parametrize("form", _FORMS)
def test_an_answer_in_json_is_shown_while_it_streams(form: str) -> None:
    """Each piece leaves at once; what closes the JSON is not shown."""
    before, after = form.replace("{{", "{").replace("}}", "}").split("{}")
    parser = React().parser(TOOLS)
    parser.feed(before)

    assert shown(parser.feed("It ra")) == "It ra"
    assert shown(parser.feed("ins.")) == "ins."
    assert [*parser.feed(after), *parser.close()] == []


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize(
    "text",
    [
        'Say "so", "or" so: {"a": "b"}.\n```\nx\n```\n\\ \t/',
        "Thought: x\nAction: now\nObservation: y",
        "雨 😀 é",
        "C:\\Users\\u0041",
    ],
)
@pytest.mark.parametrize("plain", [True, False])
def test_escapes_are_resolved_at_every_cut(form: str, text: str, plain: bool) -> None:  # noqa: FBT001
    r"""Quotes, `\n`, `\uXXXX` and the two halves of a `\uD83D\uDE00`."""
    written = json.dumps(text, ensure_ascii=plain)[1:-1]
    events = events_of("react", form.format(written))

    assert shown(events) == text
    assert called(events) == []


@given(
    st.text(min_size=1),
    st.sampled_from(_FORMS[1:4]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_shown_text_is_what_reading_the_whole_json_gives(
    text: str,
    form: str,
    plain: bool,  # noqa: FBT001
    chance: random.Random,
) -> None:
    """Whatever the answer says, however it is written and cut."""
    reply = form.format(json.dumps(text, ensure_ascii=plain)[1:-1])
    wanted = Action("Final Answer", {"answer": text} if "arguments" in form else text).answer
    at = sorted(chance.choices(range(len(reply) + 1), k=3))
    pieces = [reply[: at[0]], reply[at[0] : at[1]], reply[at[1] : at[2]], reply[at[2] :]]

    for cut in ([reply], pieces, list(reply)):
        assert shown(read_all(React().parser(()), cut)) == wanted


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize(
    "written",
    [
        'It is "hot", he said.',
        'Write {"a": 1} so.',
        'A "b": c',
        'He said "yes", "no" and "maybe".',
        '"so" it is',
        'line\n"two"\nthree',
    ],
)
def test_a_quote_that_was_not_escaped_is_text(form: str, written: str) -> None:
    """A small model forgets it: the answer goes on up to a quote with the end of JSON behind it."""
    assert shown(events_of("react", form.format(written))) == written


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("It rai", "It rai"),
        ("It rains\\", "It rains"),
        ("It rains \\u00", "It rains "),
        ("It rains \\ud83d", "It rains "),
        ("It rains \\ud83d\\ude", "It rains "),
        ('It rains"', "It rains"),
        ('It rains" }', "It rains"),
        ('It rains", "sour', "It rains"),
        ('He said "so', 'He said "so'),
    ],
)
@pytest.mark.parametrize("cut_short", [True, False])
def test_an_answer_that_is_cut_off_is_shown_as_far_as_it_came(
    written: str,
    text: str,
    cut_short: bool,  # noqa: FBT001
) -> None:
    """Without half an escape; it is an answer, so there is nothing to tell the model."""
    for form in _FORMS[:3]:
        reply = form.format("|").split("|")[0] + written
        events = events_of("react", reply, cut_short=cut_short)

        assert shown(events) == text
        assert not any(isinstance(event, BrokenCall | FormatError) for event in events)


@pytest.mark.parametrize("form", _FORMS)
def test_nothing_behind_an_answer_is_shown_or_run(form: str) -> None:
    """As behind `Final Answer:`."""
    events = events_of("react", f"{form.format('42')}\nThought: more\n{_ROME}\nFinal Answer: 43")

    assert (shown(events), called(events)) == ("42", [])


@pytest.mark.parametrize("form", _FORMS)
def test_an_answer_beside_an_action_is_not_shown(form: str) -> None:
    """It was written without the tool's result."""
    events = events_of("react", f"{_ROME}\n{form.format('It rains.')}")

    assert shown(events) == ""
    assert called(events) == [("get_weather", {"city": "Rome"})]


@pytest.mark.parametrize(
    ("given_input", "text"),
    [
        ('{"answer": {"n": 1}}', '{"answer": {"n": 1}}'),
        ('{"n": 1, "answer": "x"}', '{"n": 1, "answer": "x"}'),
        ("42", "42"),
        ("[1, 2]", "[1, 2]"),
        ('"{\\"answer\\": \\"x\\"}"', "x"),
        ('"\\n\\u007b\\"answer\\": \\"x\\"}"', "x"),
    ],
)
def test_an_answer_that_is_no_text_comes_whole(given_input: str, text: str) -> None:
    """An object, a number, a list, and text that is JSON with the answer in it."""
    reply = f'Action: {{"name": "Final Answer", "arguments": {given_input}}}'
    parser = React().parser(TOOLS)

    assert parser.feed(reply[:-1]) == []
    assert parser.feed(reply[-1]) == []
    assert parser.close() == [Text(text)]
    assert shown(events_of("react", reply)) == text


def test_what_stands_beside_an_answer_is_not_shown() -> None:
    """When it comes, the answer has already left."""
    given_input = '{"answer": "It rains.", "source": "now", "sure": true}'

    assert (
        shown(events_of("react", f'Action: {{"name": "Final Answer", "arguments": {given_input}}}'))
        == "It rains."
    )


@pytest.mark.parametrize("around", ["The form is:\n{}\nThat is all.", "word " * 80 + "\n{}\nSo."])
def test_an_answer_in_an_explanation_is_a_part_of_it(around: str) -> None:
    """Behind words without a label JSON may be an example, so it waits for what follows."""
    reply = around.format(_BARE.format("42"))

    assert events_of("react", reply) == [Text(reply)]


def test_a_word_before_the_answer_is_a_thought() -> None:
    """It is not part of the answer."""
    events = events_of("react", _FORMS[-1].format("42"))

    assert (thought(events), shown(events)) == ("Let me see.", "42")

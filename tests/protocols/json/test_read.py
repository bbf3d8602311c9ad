"""Arguments as models write them: what is read, what is refused, and in what time."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.protocols.json.read import (
    Arguments,
    Guessed,
    Unreadable,
    Value,
    read_arguments,
    read_value,
)
from strategies.protocols.json.span import split_objects
from tests.protocols.cases import PEER_CASES, canonical

_MILLION = 1_000_000


def _peer_lines() -> list[dict[str, Any]]:
    path = PEER_CASES / "json_args.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# A value after which junk stands in its string, `"{ b": {} }"`: we keep all of it.
_DISSENT = {"json-051"}
_GRADED = [
    pytest.param(line, id=line["id"])
    for line in _peer_lines()
    if line["tier"] in {"must", "should"} and line["id"] not in _DISSENT
]


def _arguments(text: str) -> dict[str, object]:
    outcome = read_arguments(text)
    assert isinstance(outcome, Arguments), outcome
    return outcome.value


def _refusal(text: str) -> Unreadable:
    outcome = read_arguments(text)
    assert isinstance(outcome, Unreadable), outcome
    return outcome


@pytest.mark.parametrize("line", _GRADED)
def test_peer_arguments_are_read(line: dict[str, Any]) -> None:
    """What peers agree on is read so; what was cut or guessed is shown so, but not handed out."""
    outcome = read_arguments(line["text"])

    shown = outcome.value if isinstance(outcome, Arguments) else outcome.partial
    assert canonical(shown) == canonical(line["expected"]["arguments"])
    assert isinstance(outcome, Arguments | Guessed) or outcome.truncated


def test_policy_lines_never_raise_and_never_invent_a_key() -> None:
    """Where peers disagree, every top-level key that comes out stands in the text."""
    for line in _peer_lines():
        outcome = read_arguments(line["text"])
        if isinstance(outcome, Arguments):
            readable = line["text"].replace("\\", "")
            assert all(key.replace("\\", "") in readable for key in outcome.value), line["id"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a": None, "b": True, "c": False}', {"a": None, "b": True, "c": False}),
        ('{"a": "line\n",}', {"a": "line\n"}),
        (r'{"path": "C:\Users\d", "re": "\d+"}', {"path": r"C:\Users\d", "re": r"\d+"}),
        ('Here it is: {"a": 1} - enjoy', {"a": 1}),
        ('{{"a": 1}}', {"a": 1}),
        ('the route /users/{id}: {"city": "Rome"}', {"city": "Rome"}),
        ("{'a': \"it's\", 'b': (1, 2)}", {"a": "it's", "b": [1, 2]}),
        (
            "{'a': \"None, 'x': 1\", “b”: “it's, True”, c: ['[', False,], 'd': {},}",
            {"a": "None, 'x': 1", "b": "it's, True", "c": ["[", False], "d": {}},
        ),
        ("{'a': [[[[[[{'b': None}]]]]]], 'c': 'x'}", {"a": [[[[[[{"b": None}]]]]]], "c": "x"}),
        (
            '{"a": [{"b": 1}, {"b": 2}, {"b": 3}],, "c": "4"',
            {"a": [{"b": n} for n in (1, 2, 3)], "c": "4"},
        ),
        ("｛“城市”：“巴黎”，“天数”：3｝", {"城市": "巴黎", "天数": 3}),
        ('{"city": "巴黎，法国"}', {"city": "巴黎，法国"}),
        (r"{\"city\": \"Paris\"}", {"city": "Paris"}),
        (json.dumps(json.dumps({"a": 1})), {"a": 1}),
        ('{"code": """print("hi")"""}', {"code": 'print("hi")'}),
        ('{"a": 1, /* two */ "b": 2 // three\n}', {"a": 1, "b": 2}),
        ('{"a": "x", "b": {"c": [1, 2]', {"a": "x", "b": {"c": [1, 2]}}),
        ('{"a": {"b": 1}, "c": 2}, "d": 3}', {"a": {"b": 1}, "c": 2, "d": 3}),
        ('{"n": 0x10, "m": .5, "k": 1.}', {"n": 16, "m": 0.5, "k": 1.0}),
        ('{"a": 1}\n{"a": 1}', {"a": 1}),
        ("", {}),
        (" \n", {}),
        ("null", {}),
        ("{}", {}),
    ],
)
def test_plain_meaning_is_read(text: str, wanted: dict[str, object]) -> None:
    """Mistakes with one meaning are forgiven, and nothing of a string is lost."""
    assert _arguments(text) == wanted


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ('{"q": "say "hi", ok"}', {"q": 'say "hi", ok'}),
        ('{"c": "git commit -m "fix: bug""}', {"c": 'git commit -m "fix: bug"'}),
        ("{'a': 'it's ok', 'b': 1}", {"a": "it's ok", "b": 1}),
        ('{"city": "New York, "gender": "male"}', {"city": "New York", "gender": "male"}),
        ("{city: New York}", {"city": "New York"}),
        ('{"z": 007}', {"z": "007"}),
        ('{"x": 1e}', {"x": 1}),
        ('{"x": 1.5E+}', {"x": 1.5}),
        ('{"a": [1] really, "b": 1}', {"a": [1], "b": 1}),
        ('{} or rather {"a": 1}', {"a": 1}),
        ('"{\\"q\\": say}"', {"q": "say"}),
        ('{"list": [\na\n b\n], "n": [1\r\n2]}', {"list": ["a", "b"], "n": [1, 2]}),
    ],
)
def test_guessed_values_are_given_back(text: str, understood: dict[str, object]) -> None:
    """A value that took a guess is no argument; the model is told what was understood."""
    outcome = read_arguments(text)

    assert isinstance(outcome, Guessed)
    assert outcome.partial == understood
    assert json.dumps(understood, ensure_ascii=False) in outcome.problem


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a": "b" "c": "d"}', {"a": "b", "c": "d"}),
        ('{"list": [{"a": 1], "b": 2}', {"list": [{"a": 1}], "b": 2}),
        ('{"a": [1, 2}', {"a": [1, 2]}),
        ('{b": 1}', {"b": 1}),
    ],
)
def test_corrected_punctuation_is_marked(text: str, wanted: dict[str, object]) -> None:
    """A comma or a bracket that is wrong leaves the values as they were written."""
    assert read_arguments(text) == Arguments(value=wanted, repaired=True)


@pytest.mark.parametrize(
    "text",
    [
        '{"city": "Par',
        '{"a": "x\\',
        '{"a": "x\\u20',
        '{"limit": 1',
        '{"limit": 1.',
        '{"flag": tr',
        '{"a": -',
        '{"a": ',
        '{"a"',
        '{"a',
        '{"a": 1,',
        "{",
        '{"a": [',
        '```json\n{"a": "x',
    ],
)
def test_text_cut_inside_a_value_is_never_arguments(text: str) -> None:
    """W22: a tool must not run on what is left of its arguments."""
    assert _refusal(text).truncated


@pytest.mark.parametrize("text", ['{"a": "x"', '{"a": true', '{"a": [1, 2]', '{"a": {"b": null}'])
def test_missing_closers_alone_are_safe(text: str) -> None:
    """A value that is whole is not lost with the brackets around it."""
    assert list(_arguments(text)) == ["a"]


@pytest.mark.parametrize(
    "text",
    "not json|[1, 2]|3|true|'hi'|}|[[[|{not json}|{'a' 1}|{'a': }|{'a': NaN}|{'a': -Infinity}|"
    "{'a': 1}{'a': 2}|{'a': {1, 2}}|{'a': 'b'][".replace("'", '"').split("|"),
)
def test_unreadable_text_is_never_an_empty_object(text: str) -> None:
    """Claude Code #67765: arguments that cannot be read must not become `{}`."""
    outcome = read_arguments(text)

    assert isinstance(outcome, Unreadable) or outcome.value
    if isinstance(outcome, Unreadable):
        assert outcome.problem.startswith("The ")
        assert outcome.problem.endswith(".")


def test_problem_names_the_place() -> None:
    """The model is told what is wrong and where."""
    assert "no colon after the key 'b' near position 13" in _refusal('{"a": 1, "b" 2}').problem
    assert "must be a JSON object, not a list" in _refusal("[1]").problem
    assert "cut off" in _refusal('{"a": "b').problem


@pytest.mark.parametrize("text", ["[" * _MILLION, '{"a":' * 200_000, "{" * _MILLION])
def test_deep_nesting_is_refused_without_recursion(text: str) -> None:
    """Neither the reader nor those behind it run out of stack."""
    _refusal(text)


def test_a_second_line_of_a_bare_value_is_not_dropped() -> None:
    """Half of what a model meant is not what it meant."""
    assert "no comma" in _refusal('{"a": first\nsecond}').problem


def test_deep_but_valid_json_is_refused() -> None:
    """Valid JSON may be too deep for those who write it again."""
    assert "nested" in _refusal('{"a":' + "[" * 300 + "]" * 300 + "}").problem


@pytest.mark.timed
@pytest.mark.parametrize(
    "unit",
    [
        *('x" y ', '",', '" /*', '{"a"x', '{"a":"b"x', "\\", "it's ", "*", "/*", "{b:1,},"),
        *('{"x":1}', "```", "...", ",", "]", "'", '"a"b', ' \n"', "x: ", "“”", '"""', "{\n", "\n"),
        "a, b: c} ",
    ],
)
@pytest.mark.parametrize("start", ["", '{"a":"', '{"a":[', '{"a":1} ', "{'a':"])
def test_reading_is_linear(start: str, unit: str) -> None:
    """Whatever a long text is made of, it is not looked at again and again."""
    text = start + unit * (100_000 // len(unit))
    started = time.process_time()
    read_arguments(text)

    assert time.process_time() - started < 3  # a quadratic reader takes minutes


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(), _JSON, max_size=5))
def test_valid_json_is_read_as_it_stands(value: dict[str, object]) -> None:
    """Strict JSON comes out unchanged, alone, in a fence and after prose."""
    text = json.dumps(value)

    assert read_arguments(text) == Arguments(value=value)
    assert read_arguments(f"```json\n{text}\n```") == Arguments(value=value)


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=4), st.data())
def test_cut_json_never_becomes_other_arguments(value: dict[str, str], data: st.DataObject) -> None:
    """Whatever is cut off, no text becomes shorter and no member is made up."""
    text = json.dumps(value, ensure_ascii=False)
    outcome = read_arguments(text[: data.draw(st.integers(1, len(text) - 1))])

    if isinstance(outcome, Arguments):
        assert outcome.value.items() <= value.items()
        assert outcome.value


_AWKWARD = st.text(alphabet="ab\"\\\n'{}[],: é1/*#`", max_size=8)
_AWKWARD_OBJECTS = st.dictionaries(
    _AWKWARD.filter(bool),
    _AWKWARD | st.integers() | st.none() | st.booleans() | st.lists(_AWKWARD, max_size=3),
    min_size=1,
    max_size=4,
)


@given(_AWKWARD_OBJECTS, st.booleans())
def test_small_mistakes_change_nothing(value: dict[str, object], plain: bool) -> None:  # noqa: FBT001
    """A trailing comma, a comment, a fence or a Python repr leave every string as it is."""
    text = json.dumps(value, ensure_ascii=plain)

    for written in (
        f"{text[:-1]},}}",
        f"{{/* c */{text[1:-1]}, // x\n}}",
        f"Sure:\n```json\n{text[:-1]},}}\n```\nDone.",
        repr(value),
    ):
        assert read_arguments(written) == Arguments(value=value)


@given(_AWKWARD_OBJECTS, st.data())
def test_cut_awkward_json_never_becomes_other_arguments(
    value: dict[str, object], data: st.DataObject
) -> None:
    """Quotes inside strings do not make a cut string look whole."""
    text = json.dumps(value, ensure_ascii=False)
    outcome = read_arguments(text[: data.draw(st.integers(1, len(text) - 1))])

    if isinstance(outcome, Arguments):
        *whole, last = outcome.value
        assert all(outcome.value[key] == value[key] for key in whole)
        assert outcome.value[last] == value[last] or isinstance(value[last], list)


@given(st.text(alphabet="{}[]\"'`:,\\/*#\n aé1.-tN“”，：", max_size=60))
def test_no_text_raises(text: str) -> None:
    """Any text is read or refused."""
    assert isinstance(read_arguments(text), Arguments | Unreadable)
    assert isinstance(read_value(text), Value | Unreadable)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("[1, 2,]", [1, 2]), ("True", True), ("3", 3), ('"x"', "x"), ("[{'a': None}]", [{"a": None}])],
)
def test_any_value_is_read(text: str, wanted: object) -> None:
    """`read_value` takes lists and scalars too."""
    assert read_value(text) == Value(value=wanted)


def test_glued_objects_are_split() -> None:
    """Objects written one after another are taken apart; anything else stays whole."""
    assert split_objects('{"x": 1}{"x": 2}\n{"y": "}{"}') == ['{"x": 1}', '{"x": 2}', '{"y": "}{"}']
    assert split_objects('{"x": 1} and more') == ['{"x": 1} and more']
    assert split_objects('{"x": 1') == ['{"x": 1']
    assert split_objects("") == [""]


@pytest.mark.parametrize("text", ['{"a": 1, "b": {"c": 1, "c": 2}}', "{c: 'x', c: 'y'}"])
def test_a_key_with_two_values_is_named(text: str) -> None:
    """Standard JSON readers keep the last one; the model meant both."""
    outcome = read_arguments(text)

    assert isinstance(outcome, Unreadable)
    assert outcome.problem == '"c" is given twice: make one call for each value.'


def test_a_key_with_the_same_value_twice_loses_nothing() -> None:
    """A stutter."""
    assert read_arguments('{"a": 1, "a": 1}') == Arguments(value={"a": 1})


@pytest.mark.parametrize("form", ["{}", '{{"a": {}}}', "{{'a': {}}}", "[{}, 1,]", "[-{}e0]"])
def test_a_number_of_thousands_of_digits_raises_nothing(form: str) -> None:
    """Python refuses to convert them."""
    for length in (4_299, 4_301, 50_000):
        assert isinstance(read_value(form.format("7" * length)), Value | Unreadable)

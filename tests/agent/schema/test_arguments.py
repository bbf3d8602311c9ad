"""Arguments held against a tool's schema: set right, refused with reasons, never blocked."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.agent.schema.arguments import Refused, check

_SEARCH: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {"type": "string"},
        "limit": {"type": "integer", "default": 10},
        "score": {"type": "number"},
        "exact": {"type": "boolean"},
        "mode": {"type": "string", "enum": ["semantic", "keyword"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "filters": {
            "type": "object",
            "properties": {"limit": {"type": "integer"}},
            "required": ["limit"],
        },
        "since": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "place": {"$ref": "#/$defs/Place"},
    },
    "required": ["query"],
    "$defs": {
        "Place": {
            "type": "object",
            "properties": {"lat": {"type": "number"}, "in": {"$ref": "#/$defs/Place"}},
            "required": ["lat"],
        }
    },
}


def _checked(arguments: dict[str, Any], schema: dict[str, Any] = _SEARCH) -> dict[str, object]:
    outcome = check(arguments, schema)
    assert isinstance(outcome, dict), outcome
    return outcome


def _problems(arguments: dict[str, Any], schema: dict[str, Any] = _SEARCH) -> tuple[str, ...]:
    outcome = check(arguments, schema)
    assert isinstance(outcome, Refused), outcome
    return outcome.problems


def _one(kind: object) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": {"type": kind}}}


def test_fitting_arguments_are_left_alone() -> None:
    """Nothing is changed, noted or filled in: defaults are Dify's business."""
    arguments: dict[str, object] = {
        "query": "x",
        "exact": False,
        "tags": ["a"],
        "filters": {"limit": 3},
        "since": None,
        "place": {"lat": 1.5, "in": {"lat": 2}},
    }

    assert check(arguments, _SEARCH) == arguments


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("integer", "3", 3),
        ("integer", " -4 ", -4),
        ("integer", 3.0, 3),
        ("integer", "3.0", 3),
        ("number", "2.5", 2.5),
        ("number", "3", 3),
        ("number", "1e3", 1000.0),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("boolean", 1, True),
        ("boolean", "0", False),
        (["null", "boolean"], "TRUE", True),
        (["integer", "number"], "3.0", 3),
        ("string", 3, "3"),
        ("string", True, "true"),
        ("string", {"a": "é"}, '{"a": "é"}'),
        ("object", '{"a": 1}', {"a": 1}),
        ("array", "[1, 2]", [1, 2]),
        (["integer", "null"], "null", None),
        (["integer", "string"], "3", "3"),
        (["integer", "string"], 3, 3),
        (["string", "integer"], 3.0, 3),
    ],
)
def test_another_spelling_is_set_right(kind: object, value: object, wanted: object) -> None:
    """What is only spelled otherwise is set right: each kind of spelling that there is."""
    found = _checked({"x": value}, _one(kind))["x"]

    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("integer", "many", 'x: must be an integer, got "many"'),
        ("integer", 2.5, "x: must be an integer, got 2.5"),
        ("integer", True, "x: must be an integer, got true"),
        ("number", "NaN", 'x: must be a number, got "NaN"'),
        ("number", float("inf"), "x: must be a number, got Infinity"),
        ("boolean", "maybe", 'x: must be true or false, got "maybe"'),
        ("integer", "five", 'x: must be an integer, got "five"'),
        ("integer", "2.5", 'x: must be an integer, got "2.5"'),
        ("integer", "about 3", 'x: must be an integer, got "about 3"'),
        ("integer", "1,000", 'x: must be an integer, got "1,000"'),
        ("number", "50%", 'x: must be a number, got "50%"'),
        ("number", "3 km", 'x: must be a number, got "3 km"'),
        ("boolean", "yes", 'x: must be true or false, got "yes"'),
        ("boolean", "off", 'x: must be true or false, got "off"'),
        ("boolean", 2, "x: must be true or false, got 2"),
        ("boolean", [], "x: must be true or false, got []"),
        ("null", "", 'x: must be null, got ""'),
        ("object", "{a: 1}", 'x: must be an object, got "{a: 1}"'),
        ("object", '{"a": 1', 'x: must be an object, got "{\\"a\\": 1"'),
        ("array", "[1, 2", 'x: must be a list, got "[1, 2"'),
        ("array", "one\ntwo", 'x: must be a list, got "one\\ntwo"'),
        (["integer", "boolean"], "1", 'x: "1" can mean 1 or true: write which'),
        ("object", "a: 1", 'x: must be an object, got "a: 1"'),
        ("object", [1], "x: must be an object, got [1]"),
        ("array", "a, b", 'x: must be a list, got "a, b"'),
        (["integer", "boolean"], "x", 'x: must be an integer or true or false, got "x"'),
    ],
)
def test_what_would_be_a_guess_is_given_back(kind: object, value: object, problem: str) -> None:
    """What has no plain meaning is named, and what was expected."""
    assert _problems({"x": value}, _one(kind)) == (problem,)


def test_every_bad_field_is_named_with_its_path_in_one_go() -> None:
    """T6: the model needs one more attempt, not one for each field."""
    arguments: dict[str, Any] = {
        "limit": "many",
        "mode": "hybrid",
        "filters": {"limit": "few"},
        "tags": [{}, None],
    }

    assert _problems(arguments) == (
        'limit: must be an integer, got "many"',
        'mode: must be one of "semantic", "keyword", got "hybrid"',
        'filters.limit: must be an integer, got "few"',
        "tags[1]: must be a string, got null",
        "query: is required",
    )


def test_unknown_arguments_are_dropped() -> None:
    """T8: seed 000's model invents an `image_url`."""
    outcome = check({"query": "x", "image_url": "u", "filters": {"limit": 1, "z": 2}}, _SEARCH)

    assert outcome == {"query": "x", "filters": {"limit": 1}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "integer"}},
        {"type": "object", "properties": {"a": {}}, "patternProperties": {".*": {}}},
    ],
)
def test_open_objects_keep_what_they_do_not_name(schema: dict[str, Any]) -> None:
    """An object that allows for other members keeps them."""
    assert _checked({"b": 3}, schema) == {"b": 3}


def test_additional_members_are_checked_by_their_schema() -> None:
    """LazyLLM's nested_search: every filter is an integer."""
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}

    assert _checked({"limit": "3"}, schema) == {"limit": 3}
    assert _problems({"limit": "many"}, schema) == ('limit: must be an integer, got "many"',)


def test_tool_without_parameters_takes_none() -> None:
    """What the model makes up for it is dropped."""
    assert _checked({"x": 1}, {"type": "object", "properties": {}}) == {}


def test_choice_is_found_in_any_case() -> None:
    """A choice written otherwise is mapped to the declared one if only one is meant."""
    schema = {"type": "object", "properties": {"x": {"enum": ["News", "news", "Web", 5, None]}}}

    assert _checked({"x": " WEB "}, schema) == {"x": "Web"}
    assert _checked({"x": "5"}, schema) == {"x": 5}
    assert _checked({"x": None}, schema) == {"x": None}
    assert _problems({"x": "NEWS"}, schema)
    assert _problems({"x": True}, {"properties": {"x": {"const": 1}}}) == (
        "x: must be 1, got true",
    )


def test_name_written_otherwise_is_understood() -> None:
    """`Query` and `query` are one argument, unless both were given."""
    assert _checked({"Query": "x", "LIMIT": 3}) == {"query": "x", "limit": 3}
    assert _checked({"Query": "x", "query": "y"}) == {"query": "y"}


def test_null_for_an_optional_argument_means_not_given() -> None:
    """Models fill in null for what they leave out."""
    assert _checked({"query": "x", "limit": None}) == {"query": "x"}
    assert _problems({"query": None}) == ("query: must be a string, got null",)


def test_required_argument_with_a_default_may_be_missing() -> None:
    """Dify fills it in."""
    schema = {"properties": {"x": {"type": "string", "default": "a"}}, "required": ["x"]}

    assert _checked({}, schema) == {}


def test_one_value_becomes_a_list_if_it_is_plainly_an_item() -> None:
    """A tag is a list of one tag; text that looks like a list is not one tag."""
    assert _checked({"query": "x", "tags": "news"})["tags"] == ["news"]
    assert _problems({"query": "x", "tags": "a, b"})


def test_alternatives_take_the_one_that_fits_as_it_is() -> None:
    """A value is changed only if no alternative takes it unchanged."""
    schema = {"properties": {"x": {"oneOf": [{"type": "integer"}, {"type": "string"}]}}}

    assert _checked({"x": "3"}, schema) == {"x": "3"}
    assert _checked({"query": "q", "since": "4"})["since"] == 4
    either = {"properties": {"x": {"anyOf": [{"type": "boolean"}, {"type": "integer"}]}}}
    assert _problems({"x": "1"}, either) == ('x: "1" can mean true or 1: write which',)
    assert _problems({"x": [1]}, {"properties": {"x": {"anyOf": [{"type": "null"}, _one("null")]}}})


def test_alternatives_name_the_problem_of_the_one_that_was_meant() -> None:
    """The type of the value tells which alternative the model had in mind."""
    schema = {
        "properties": {
            "x": {
                "anyOf": [
                    {"type": "integer"},
                    {"type": "object", "properties": {"n": {"type": "integer"}}},
                ]
            }
        }
    }

    assert _problems({"x": {"n": "many"}}, schema) == ('x.n: must be an integer, got "many"',)
    assert _problems({"query": "q", "since": "no"}) == ('since: must be an integer, got "no"',)


def test_all_of_adds_up() -> None:
    """Properties and required names of all parts count."""
    schema: dict[str, Any] = {
        "allOf": [
            {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"$ref": "#/$defs/B"},
        ],
        "$defs": {"B": {"properties": {"b": {"type": "integer"}}, "required": ["b"]}},
    }

    assert _checked({"a": "1", "b": "2"}, schema) == {"a": 1, "b": 2}
    assert _problems({}, schema) == ("a: is required", "b: is required")


def test_alternatives_of_required_names_are_understood() -> None:
    """Some tools ask for one of two arguments."""
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }

    assert _checked({"b": 1}, schema) == {"b": 1}
    assert isinstance(check({}, schema), Refused)


def test_half_surrogates_are_replaced() -> None:
    """No wire carries them, and models do write them."""
    assert _checked({"query": "a\ud83d"}) == {"query": "a?"}


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "bogus"},
        {"type": 5},
        {"$ref": "#/nowhere"},
        {"$ref": "https://elsewhere"},
        {"$ref": "#/properties/x"},
        {"anyOf": "no list"},
        {"anyOf": [5, None]},
        {"enum": "no list"},
        {"allOf": [{"$ref": "#/properties/x"}, 5]},
        {"properties": 5, "required": "x"},
        {"items": [{"type": "integer"}]},
        {"not": {}},
        5,
        None,
        True,
    ],
)
def test_broken_schemas_block_nothing(broken: object) -> None:
    """A schema that is not understood asks nothing."""
    assert _checked({"x": "v"}, {"type": "object", "properties": {"x": broken}}) == {"x": "v"}


def test_schemas_that_go_in_circles_end() -> None:
    """Alternatives within alternatives do not multiply without bound."""
    circle = {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}
    nested: dict[str, object] = {"a": 1}
    for _ in range(60):
        nested = {"a": nested}
    started = time.process_time()
    check({"a": 1}, circle)
    check(nested, {"properties": {"a": circle}})

    assert time.process_time() - started < 3


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "type", "anyOf", "items", "properties", "required", "$ref"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), _VALUES, max_size=3),
    st.dictionaries(
        st.sampled_from(["type", "properties", "required", "anyOf", "allOf", "enum", "$ref"]),
        _VALUES | st.sampled_from(["object", "integer", "#", "#/properties/a"]),
        max_size=4,
    ),
)
def test_no_schema_raises(arguments: dict[str, object], schema: dict[str, object]) -> None:
    """Any arguments and any schema come to a verdict."""
    outcome = check(arguments, schema)

    assert isinstance(outcome, dict) or outcome.problems

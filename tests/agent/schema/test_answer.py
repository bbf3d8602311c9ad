"""The shape of an answer: reading the schema, asking for it, holding the answer against it."""

import json
import subprocess
import sys
from typing import Any

import pytest

from strategies.agent.schema.answer import AnswerShape, Misshapen, Shaped, ShapeError, read_shape

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "people": {"type": "integer", "minimum": 1},
        "kind": {"enum": ["city", "town"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "mayor": {"$ref": "#/$defs/person"},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {
        "person": {
            "type": "object",
            "properties": {"age": {"type": "number", "exclusiveMaximum": 150}},
            "required": ["age"],
        }
    },
}


CALL: dict[str, Any] = {"type": "object", "properties": {"name": {}, "arguments": {}}}


def shape(schema: Any) -> AnswerShape:
    """Read a schema that is one."""
    found = read_shape(json.dumps(schema))
    assert found is not None
    return found


def value_of(schema: Any, answer: Any) -> Any:
    """Read an answer that fits."""
    read = shape(schema).read(answer if isinstance(answer, str) else json.dumps(answer))
    assert isinstance(read, Shaped), read
    assert json.loads(read.text) == read.value
    return read.value


def problems_of(schema: Any, answer: Any) -> tuple[str, ...]:
    """Read an answer that does not fit."""
    read = shape(schema).read(answer if isinstance(answer, str) else json.dumps(answer))
    assert isinstance(read, Misshapen), read
    return read.problems


FITTING: list[tuple[Any, Any, Any]] = [
    (CITY, {"name": "Rome", "people": "3"}, {"name": "Rome", "people": 3}),
    (CITY, {"name": "Rome", "people": 3.0}, {"name": "Rome", "people": 3}),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, '"3"', 3),
    ({"type": "array", "items": {"type": ["boolean", "null"]}}, ["true", None], [True, None]),
    (CITY, {"name": 1984}, {"name": "1984"}),
    (CITY, {"name": "Rome", "mayor": {"age": 50, "x": 1}}, None),
    ({"type": "array", "items": {"type": "integer"}}, [1, "2"], [1, 2]),
    (
        {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "null"}}},
        [None],
        None,
    ),
    ({}, {"anything": [1, {"at": "all"}]}, None),
    ({"properties": {"a": {}}}, {"a": 1, "b": 2}, None),
    ({"type": ["object", "null"]}, "null", None),
    ({"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "array"}]}, [1], [1]),
    ({"type": "object", "additionalProperties": {"type": "number"}}, {"x": "1.5"}, {"x": 1.5}),
    (
        {
            "type": "object",
            "properties": {},
            "patternProperties": {"^x": {"type": "string"}},
            "additionalProperties": False,
        },
        {"x1": "a"},
        None,
    ),
]

# -- the schema


@pytest.mark.parametrize("blank", [None, "", " \n "])
def test_no_schema_is_no_shape(blank: object) -> None:
    """An empty parameter asks for nothing."""
    assert read_shape(blank) is None


@pytest.mark.parametrize(
    "packed",
    [
        CITY,
        {"name": "city", "schema": CITY, "strict": True},
        {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}},
    ],
)
def test_a_schema_may_come_in_the_envelope_of_a_provider(packed: dict[str, Any]) -> None:
    """What is around the schema is taken off; an object is as good as its text."""
    assert shape(packed).schema == CITY
    assert read_shape(packed) == AnswerShape(CITY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read as JSON at line 1, column 2"),
        ("answer in JSON", "cannot be read as JSON at line 1, column 1"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "must be a JSON object"),
        ('"string"', "must be a JSON object"),
        ("7", "must be a JSON object"),
        ('{"name": "the name", "age": 7}', "none of the words of a schema"),
        ('{"type": "text"}', "type: 'text' is not one of"),
        ('{"type": ["string", 7]}', "or 7 is not one of"),
        ('{"properties": ["a"]}', "properties: ['a'] is not of type 'object'"),
        (
            '{"properties": {"a": "string"}}',
            "properties.a: 'string' is not of type 'object', 'boolean'",
        ),
        ('{"properties": {"a": {"type": "x"}}}', "properties.a.type: 'x' is not one of"),
        ('{"required": "a"}', "required: 'a' is not of type 'array'"),
        ('{"required": [1]}', "required[0]: 1 is not of type 'string'"),
        ('{"$ref": "#"}', "refers to itself without end"),
        ('{"items": {"$ref": "other.json#/a"}}', '"other.json#/a" leads nowhere within it'),
        ('{"items": {"minimum": "3"}}', "items.minimum: '3' is not of type 'number'"),
        ('{"anyOf": {}}', "anyOf: {} is not of type 'array'"),
        ('{"items": 7}', "items: 7 is not of type 'object', 'boolean'"),
        ('{"$ref": "#/$defs/none"}', 'the reference "#/$defs/none" leads nowhere within it'),
        ('{"$ref": "https://x.test/schema"}', "leads nowhere"),
        ('{"type": "string", "pattern": "("}', "pattern: '(' is not a 'regex'"),
    ],
)
def test_what_is_no_schema_is_refused_in_one_sentence(text: str, said: str) -> None:
    """The builder of the app reads which parameter it is and what is wrong with it."""
    with pytest.raises(ShapeError) as caught:
        read_shape(text)

    assert "`answer_schema`" in str(caught.value)
    assert said in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_request_shows_the_schema(language: Any) -> None:
    """The model reads the whole schema, in its own letters."""
    said = shape({"type": "object", "description": "一个城市"}).request(language)

    assert '{"type": "object", "description": "一个城市"}' in said


# -- the answer


@pytest.mark.parametrize(
    "answer",
    [
        '{"name": "Rome"}',
        'Here it is:\n```json\n{"name": "Rome"}\n```\nDone.',
        'The answer is {"name": "Rome"}.',
        "{'name': 'Rome',}",
    ],
)
def test_an_answer_is_read_in_spite_of_what_is_around_it(answer: str) -> None:
    """Fences, prose and small mistakes are no obstacle; the text is the JSON alone."""
    assert shape(CITY).read(answer) == Shaped({"name": "Rome"}, '{"name": "Rome"}')


@pytest.mark.parametrize(
    ("schema", "answer", "value"),
    FITTING,
)
def test_what_fits_is_the_value(schema: Any, answer: Any, value: Any) -> None:
    """Plain slips are set right; members that the schema does not forbid stay."""
    expected = value if value is not None else json.loads(answer) if answer == "null" else answer

    assert value_of(schema, answer) == expected


@pytest.mark.parametrize(
    ("schema", "answer", "said"),
    [
        (CITY, {}, "the answer: 'name' is a required property"),
        (CITY, {"name": "R"}, "name: 'R' is too short (minLength: 2)"),
        (CITY, {"name": "Rome", "people": 0}, "people: 0 is less than the minimum of 1"),
        (CITY, {"name": "Rome", "people": "many"}, "people: 'many' is not of type 'integer'"),
        (
            CITY,
            {"name": "Rome", "kind": "village"},
            "kind: 'village' is not one of ['city', 'town']",
        ),
        (CITY, {"name": "Rome", "tags": []}, "tags: [] should be non-empty"),
        (
            CITY,
            {"name": "Rome", "tags": ["a", "b", "c"]},
            "tags: ['a', 'b', 'c'] is too long (maxItems: 2)",
        ),
        (CITY, {"name": "Rome", "mayor": {}}, "mayor: 'age' is a required property"),
        (
            CITY,
            {"name": "Rome", "mayor": {"age": 150}},
            "mayor.age: 150 is greater than or equal to the maximum of 150",
        ),
        (CITY, {"name": "Rome", "river": "Tiber"}, "('river' was unexpected)"),
        (CITY, [{"name": "Rome"}, {"name": "Oslo"}], "is not of type 'object'"),
        (CITY, "There is no such city.", "the answer is text, not JSON"),
        ({"type": "array"}, "There is none.", "the answer is text, not JSON"),
        (CITY, '{"name": "Ro', "cut off"),
        ({"type": "array", "items": {"type": "string"}}, {"a": 1}, "is not of type 'array'"),
        (
            {"type": "array", "uniqueItems": True},
            [{"a": 1}, {"a": 1}],
            "has non-unique elements",
        ),
        ({"type": "array", "minItems": 2}, [1], "the answer: [1] is too short (minItems: 2)"),
        ({"type": "object", "minProperties": 1}, {}, "{} should be non-empty"),
        ({"properties": {"a": {"const": 7}}}, {"a": 8}, "a: 7 was expected"),
        ({"properties": {"a": {"maximum": 2}}}, {"a": 3}, "a: 3 is greater than the maximum of 2"),
        (
            {"properties": {"a": {"exclusiveMinimum": 2}}},
            {"a": 2},
            "a: 2 is less than or equal to the minimum of 2",
        ),
        ({"properties": {"a": {"multipleOf": 5}}}, {"a": 7}, "a: 7 is not a multiple of 5"),
        ({"properties": {"a": {"pattern": "^x"}}}, {"a": "y"}, "a: 'y' does not match '^x'"),
        (
            {"properties": {"a": {"maxLength": 1}}},
            {"a": "yy"},
            "a: 'yy' is too long (maxLength: 1)",
        ),
        (
            {"properties": {"a": {"type": "string", "default": "x"}}, "required": ["a"]},
            {},
            "'a' is a required property",
        ),
        (
            {"properties": {"l": {"type": "array", "items": {"type": "number", "minimum": 1}}}},
            {"l": [1, 0]},
            "l[1]: 0 is less than the minimum of 1",
        ),
        (
            {
                "properties": {
                    "a": {"anyOf": [{"type": "string", "maxLength": 1}, {"type": "null"}]}
                }
            },
            {"a": "long"},
            "a: 'long' is too long (maxLength: 1)",
        ),
        (
            {"properties": {"a": {"allOf": [{"type": "number"}, {"minimum": 3}]}}},
            {"a": 1},
            "a: 1 is less than the minimum of 3",
        ),
        (
            {"properties": {"a": {"oneOf": [{"type": "number"}, {"type": "boolean"}]}}},
            {"a": "x"},
            "a: 'x' is not of type 'number', or 'x' is not of type 'boolean'",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "number", "minimum": 5}},
            {"x": 1},
            "x: 1 is less than the minimum of 5",
        ),
    ],
)
def test_what_does_not_fit_is_named(schema: Any, answer: Any, said: str) -> None:
    """Every rule of the schema that is broken is told with its place."""
    assert any(said in problem for problem in problems_of(schema, answer))


def test_all_problems_of_one_kind_are_told_at_once() -> None:
    """The model needs one more attempt and not one for each field."""
    problems = problems_of(CITY, {"people": "many", "kind": 7, "mayor": {"age": "old"}})

    assert len(problems) == 4


def test_the_alternative_that_was_meant_decides() -> None:
    """Of several objects, the one whose constant fits is the one that is held against."""
    animal = {
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    "kind": {"const": "cat"},
                    "lives": {"type": "integer", "maximum": 9},
                },
                "required": ["kind", "lives"],
            },
            {
                "type": "object",
                "properties": {
                    "kind": {"const": "dog"},
                    "lives": {"type": "integer", "maximum": 1},
                },
                "required": ["kind", "lives"],
            },
        ]
    }

    assert value_of(animal, {"kind": "cat", "lives": 9}) == {"kind": "cat", "lives": 9}
    assert problems_of(animal, {"kind": "dog", "lives": 9}) == (
        "lives: 9 is greater than the maximum of 1",
    )


def test_a_schema_that_refers_to_itself_is_followed() -> None:
    """A tree of any depth is checked to its leaves."""
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "minimum": 0},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["size"],
            }
        },
    }
    good = {"size": 1, "children": [{"size": 2, "children": [{"size": 3}]}]}

    assert value_of(tree, good) == good
    assert problems_of(tree, {"size": 1, "children": [{"size": -2}]}) == (
        "children[0].size: -2 is less than the minimum of 0",
    )


def test_a_flood_of_problems_is_cut() -> None:
    """The model is told a dozen of them."""
    many = {"type": "array", "items": {"type": "integer"}}

    assert len(problems_of(many, ["x"] * 500)) == 12


def test_rules_of_the_newest_draft_count() -> None:
    """Conditions, dependencies, `contains` and anchors are judged too."""
    schema = {
        "type": "object",
        "properties": {"kind": {"type": "string"}, "tags": {"contains": {"const": "new"}}},
        "if": {"properties": {"kind": {"const": "car"}}},
        "then": {"required": ["wheels"]},
        "dependentRequired": {"wheels": ["doors"]},
        "unevaluatedProperties": {"$ref": "#size"},
        "$defs": {"size": {"$anchor": "size", "type": "integer"}},
    }

    assert value_of(schema, {"kind": "car", "wheels": 4, "doors": 2})
    assert problems_of(schema, {"kind": "car"}) == ("the answer: 'wheels' is a required property",)
    assert problems_of(schema, {"kind": "boat", "tags": ["old"]})
    assert problems_of(schema, {"kind": "bike", "wheels": 2})
    assert problems_of(schema, {"kind": "bike", "size": {}})


def test_an_older_draft_is_followed_where_the_schema_names_it() -> None:
    """In draft 7 a list of schemas under `items` is for the places of a list."""
    old = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}

    assert problems_of(old, [{}]) == ("[0]: {} is not of type 'string'",)


def test_an_answer_that_the_schema_follows_in_circles_is_refused() -> None:
    """No reply of a model ends in an exception."""
    circle = {"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"$ref": "#/$defs/b"}}}

    assert "cannot be checked" in problems_of(circle, {"a": 1})[0]


def test_what_is_guessed_is_not_set_right() -> None:
    """Names, choices and lists of one are for the model to write again."""
    assert problems_of(CITY, {"name": "Rome", "kind": "City"})
    assert problems_of(CITY, {"Name": "Rome"})
    assert problems_of({"type": "array"}, '"one"')
    assert problems_of({"properties": {"a": {"type": "boolean"}}}, {"a": "yes"})


LIKE_CALLS: list[tuple[Any, bool]] = [
    (CALL, True),
    ({"type": "array", "items": {"$ref": "#/$defs/c"}, "$defs": {"c": CALL}}, True),
    ({"anyOf": [{"type": "null"}, {"properties": {"tool": {}}}]}, True),
    ({"properties": {"city": {}, "people": {}}}, False),
    ({}, False),
]


@pytest.mark.parametrize(("schema", "expected"), LIKE_CALLS)
def test_a_schema_that_looks_like_a_call_is_known(schema: Any, expected: object) -> None:
    """Its answers, alone in a reply, could be taken for calls of a tool."""
    assert shape(schema).looks_like_call is expected


def test_the_library_waits_until_a_schema_is_there() -> None:
    """It takes 0.1 s and more to import, which no run without a schema pays."""
    code = (
        "import sys; from strategies.agent.schema.answer import read_shape; read_shape('');"
        "assert 'jsonschema' not in sys.modules; read_shape('{}');"
        "assert 'jsonschema' in sys.modules"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0

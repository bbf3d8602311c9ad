"""The shape of an answer: reading the schema, asking for it, holding the answer against it."""

import json
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
    (CITY, {"Name": "Rome", "kind": "City"}, {"name": "Rome", "kind": "city"}),
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
        ('{"type": "text"}', 'it has the type "text"'),
        ('{"type": ["string", 7]}', "it has the type 7"),
        ('{"properties": ["a"]}', "properties of it must be an object"),
        ('{"properties": {"a": "string"}}', "`properties/a` is no schema"),
        ('{"properties": {"a": {"type": "x"}}}', '`properties/a` has the type "x"'),
        ('{"required": "a"}', "required of it must be a list of names"),
        ('{"required": [1]}', "required of it must be a list of names"),
        ('{"enum": []}', "enum of it must be a list of values"),
        ('{"anyOf": {}}', "anyOf of it must be a list of schemas"),
        ('{"items": 7}', "`items` is no schema"),
        ('{"$ref": "#/$defs/none"}', 'the $ref "#/$defs/none" of it leads nowhere'),
        ('{"$ref": "https://x.test/schema"}', "leads nowhere"),
        ('{"type": "string", "pattern": "("}', "the pattern of it is no regular expression"),
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
        (CITY, {}, "name: is required"),
        (CITY, {"name": "R"}, "name: must have at least 2 characters, got 1"),
        (CITY, {"name": "Rome", "people": 0}, "people: must be at least 1, got 0"),
        (CITY, {"name": "Rome", "people": "many"}, "people: must be an integer"),
        (CITY, {"name": "Rome", "kind": "village"}, "kind: must be one of"),
        (CITY, {"name": "Rome", "tags": []}, "tags: must have at least 1 items, got 0"),
        (CITY, {"name": "Rome", "tags": ["a", "b", "c"]}, "tags: must have at most 2 items, got 3"),
        (CITY, {"name": "Rome", "mayor": {}}, "mayor.age: is required"),
        (
            CITY,
            {"name": "Rome", "mayor": {"age": 150}},
            "mayor.age: must be less than 150, got 150",
        ),
        (CITY, {"name": "Rome", "river": "Tiber"}, "river: is not allowed"),
        (CITY, [{"name": "Rome"}, {"name": "Oslo"}], "must be an object"),
        (CITY, "There is no such city.", "the answer is text and no JSON"),
        ({"type": "array"}, "There is none.", "the answer is text and no JSON"),
        (CITY, '{"name": "Ro', "cut off"),
        ({"type": "array", "items": {"type": "string"}}, {"a": 1}, "must be a list"),
        (
            {"type": "array", "uniqueItems": True},
            [{"a": 1}, {"a": 1}],
            "must not hold an item twice",
        ),
        ({"type": "array", "minItems": 2}, [1], "the answer: must have at least 2 items, got 1"),
        ({"type": "object", "minProperties": 1}, {}, "must have at least 1 members"),
        ({"properties": {"a": {"const": 7}}}, {"a": 8}, "a: must be 7"),
        ({"properties": {"a": {"maximum": 2}}}, {"a": 3}, "a: must be at most 2, got 3"),
        ({"properties": {"a": {"exclusiveMinimum": 2}}}, {"a": 2}, "a: must be more than 2"),
        ({"properties": {"a": {"multipleOf": 5}}}, {"a": 7}, "a: must be a multiple of 5, got 7"),
        ({"properties": {"a": {"pattern": "^x"}}}, {"a": "y"}, "a: must match the pattern ^x"),
        ({"properties": {"a": {"maxLength": 1}}}, {"a": "yy"}, "at most 1 characters, got 2"),
        (
            {"properties": {"a": {"type": "string", "default": "x"}}, "required": ["a"]},
            {},
            "a: is required",
        ),
        (
            {"properties": {"l": {"type": "array", "items": {"type": "number", "minimum": 1}}}},
            {"l": [1, 0]},
            "l[1]: must be at least 1, got 0",
        ),
        (
            {
                "properties": {
                    "a": {"anyOf": [{"type": "string", "maxLength": 1}, {"type": "null"}]}
                }
            },
            {"a": "long"},
            "a: must have at most 1 characters",
        ),
        (
            {"properties": {"a": {"allOf": [{"type": "number"}, {"minimum": 3}]}}},
            {"a": 1},
            "a: must be at least 3",
        ),
        (
            {"properties": {"a": {"oneOf": [{"type": "number"}, {"type": "boolean"}]}}},
            {"a": "x"},
            "a: must be a number or true or false",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "number", "minimum": 5}},
            {"x": 1},
            "x: must be at least 5",
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
    assert problems_of(animal, {"kind": "dog", "lives": 9}) == ("lives: must be at most 1, got 9",)


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
        "children[0].size: must be at least 0, got -2",
    )


def test_a_flood_of_problems_is_cut() -> None:
    """The model is told a dozen of them."""
    many = {"type": "array", "items": {"type": "integer"}}

    assert len(problems_of(many, ["x"] * 500)) == 12

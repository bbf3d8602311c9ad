"""The tools of a task: what Dify is told of them, and what they give back."""

from typing import Any

import pytest

from workbench.base.ports import AnswerError, Json
from workbench.evaluate.toolset import Tool, Toolset, read_tool


def tool(**described: Any) -> Tool:
    """A tool as a file describes it."""
    return read_tool("it", {"description": "Does it.", **described}, "here")


def given(toolset: Toolset, **arguments: Any) -> Any:
    """What a call gives back."""
    request: Json = {"tool": "it", "tool_parameters": arguments}
    message = next(toolset.call(request))["message"]
    return message.get("text", message.get("json_object"))


def test_parameters_may_be_written_short() -> None:
    """A description, `type: description`, or a schema; a question mark makes it optional."""
    parameters = {"a": "Some text", "b?": "number: How many", "c": {"type": "boolean"}}
    schema = tool(parameters=parameters, returns="x").schema

    assert schema == {
        "type": "object",
        "properties": {
            "a": {"type": "string", "description": "Some text"},
            "b": {"type": "number", "description": "How many"},
            "c": {"type": "boolean"},
        },
        "required": ["a", "c"],
    }


def test_a_json_schema_stays_as_it_is() -> None:
    """Other keys of the schema go on."""
    schema: Json = {"type": "object", "properties": {"a": {"type": "string"}}, "required": []}

    assert tool(parameters=schema, returns="x").schema == schema


def test_values_to_choose_from_are_a_select_of_dify() -> None:
    """With its options."""
    parameters = {"size": {"type": "string", "enum": ["s", "l"]}}
    declared = tool(parameters=parameters, returns="x").entity()["parameters"][0]

    assert declared["type"] == "select"
    assert [option["value"] for option in declared["options"]] == ["s", "l"]


def test_a_template_names_arguments() -> None:
    """Other braces stay, also those that an argument brings along."""
    toolset = Toolset([tool(parameters={"a": "A", "b": "B"}, returns='{a}, {b}, {c}, {"x": 1}')])

    assert given(toolset, a="{b}", b=2) == '{b}, 2, {c}, {"x": 1}'


def test_json_is_returned_as_json() -> None:
    """Its texts are templates."""
    toolset = Toolset([tool(parameters={"a": "A"}, returns={"got": "{a}", "rows": [1, None]})])

    assert given(toolset, a="x") == {"got": "x", "rows": [1, None]}


def test_an_expression_is_worked_out() -> None:
    """With its result in a text, or bare."""
    bare = Toolset([tool(parameters={"a": "number"}, calculates="{a} * 2")])
    told = Toolset([tool(parameters={"a": "number"}, calculates="{a} * 2", returns="= {result}")])

    assert given(bare, a=4) == "8"
    assert given(told, a=4) == "= 8"


def test_what_is_not_arithmetic_is_never_run() -> None:
    """The model reads why."""
    toolset = Toolset([tool(parameters={"a": "A"}, calculates="{a}")])

    with pytest.raises(AnswerError, match="is no arithmetic"):
        given(toolset, a="__import__('os').getcwd()")


def test_a_failure_is_told_in_its_words() -> None:
    """As a tool of Dify would fail."""
    toolset = Toolset([tool(parameters={"a": "A"}, fails="{a} is down")])

    with pytest.raises(AnswerError, match="x is down"):
        given(toolset, a="x")


def test_results_may_change_from_call_to_call() -> None:
    """The last one stays; every run begins anew."""
    described = tool(in_turn=[{"fails": "busy"}, "two", {"returns": {"n": 3}}])
    toolset = Toolset([described])

    with pytest.raises(AnswerError, match="busy"):
        given(toolset)
    assert [given(toolset) for _ in range(3)] == ["two", {"n": 3}, {"n": 3}]
    with pytest.raises(AnswerError, match="busy"):
        given(Toolset([described]))


def test_cases_go_by_the_arguments() -> None:
    """The first that fits; letter case and what stands around a word do not matter."""
    cases = [
        {"when": {"city": ["Lisbon", "里斯本"], "unit": "f"}, "returns": "75"},
        {"when": {"city": ["Lisbon", "里斯本"]}, "returns": "24"},
    ]
    parameters = {"city": "City", "unit?": "Unit"}
    closed = Toolset([tool(parameters=parameters, cases=cases)])
    open_ended = Toolset([tool(parameters=parameters, cases=cases, returns="no {city}")])

    assert given(closed, city="LISBON, Portugal") == "24"
    assert given(closed, city="里斯本", unit="F") == "75"
    assert given(open_ended, city="Oslo") == "no Oslo"
    with pytest.raises(AnswerError, match="Nothing was found"):
        given(closed, city="Oslo")


def test_a_tool_that_is_not_offered_is_refused() -> None:
    """In Dify's words."""
    with pytest.raises(AnswerError, match="tool other not found"):
        next(Toolset([]).call({"tool": "other"}))

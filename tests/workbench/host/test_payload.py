"""The payload: shapes that the SDK reads, and MCP schemas as Dify turns them into parameters."""

import json

from workbench.base.ports import Json
from workbench.host.payload import (
    history_message,
    model_value,
    parameter,
    request_frame,
    schema_parameters,
    strategy_parameters,
    tool_value,
)


def test_keys_arrive_in_alphabetical_order() -> None:
    """As after Go's maps."""
    frame = request_frame("s", "function_calling", {"b": 1, "a": {"d": 1, "c": 2}})

    assert json.dumps(frame["data"]["agent_strategy_params"]) == '{"a": {"c": 2, "d": 1}, "b": 1}'


def test_an_unknown_model_has_no_entity() -> None:
    """Dify sends null when it finds no schema."""
    assert model_value(entity=False)["entity"] is None
    assert model_value(features=None)["entity"]["features"] is None


def test_history_looks_like_difys_memory() -> None:
    """Only the assistant's messages have tool_calls."""
    assert history_message("user", "Hi") == {"role": "user", "content": "Hi", "name": None}
    assert history_message("assistant", "Ho")["tool_calls"] == []


def test_a_tool_carries_what_the_core_adds() -> None:
    """Runtime parameters, credential and provider type stand beside the entity."""
    tool = tool_value(
        "search",
        parameters=[parameter("q"), parameter("key", form="form")],
        runtime_parameters={"key": "x"},
        credential_id="c",
        provider_type="api",
    )

    assert (tool["runtime_parameters"], tool["credential_id"]) == ({"key": "x"}, "c")
    assert tool["provider_type"] == "api"


def test_a_json_schema_becomes_parameters() -> None:
    """Types, required ones and defaults survive; nested schemas are kept whole."""
    schema: Json = {
        "properties": {
            "city": {"type": "string", "description": "Where."},
            "days": {"type": ["integer", "null"], "default": 3},
            "deep": {"type": "object", "properties": {"x": {"type": "number"}}},
            "tags": {"type": "array", "items": {"type": "string"}},
            "any": {},
        },
        "required": ["city"],
    }
    made = {each["name"]: each for each in schema_parameters(schema)}

    assert {name: each["type"] for name, each in made.items()} == {
        "city": "string",
        "days": "number",
        "deep": "object",
        "tags": "array",
        "any": "string",
    }
    assert [name for name, each in made.items() if each["required"]] == ["city"]
    assert made["days"]["default"] == 3
    assert made["deep"]["input_schema"] == schema["properties"]["deep"]


def test_parameters_that_are_not_named_are_absent() -> None:
    """A builder who leaves a field alone sends nothing."""
    assert set(strategy_parameters("Hi")) == {"model", "tools", "query"}
    assert strategy_parameters("Hi", tools=None)["tools"] is None

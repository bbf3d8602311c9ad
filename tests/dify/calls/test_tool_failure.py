"""How a tool failed: all of it for the model, without what Dify puts round it."""

import json

import pytest

from strategies.dify.calls.tool_failure import tool_error, tool_failure


def wrapped(**fields: object) -> str:
    """Wrap the error of a tool as core, daemon and SDK do."""
    return (
        "read tool response failed: request failed: req_id: 4f2a PluginInvokeError: "
        + json.dumps(fields)
    )


TOLD = [
    ("invoke tool failed: no such tool", "no such tool"),
    ("read tool response failed: request failed: page 2 is gone", "page 2 is gone"),
    (
        "read tool response failed: request failed: Reached maximum retries (0) for URL x",
        "Reached maximum retries (0) for URL x",
    ),
    ("[Errno 2] No such file: '/data/x.csv'", "[Errno 2] No such file: '/data/x.csv'"),
    ("request failed: by the tool itself", "request failed: by the tool itself"),
    (wrapped(error_type="ValueError", message="odd", args={}), "ValueError: odd"),
    (
        wrapped(error_type="ValueError", message="odd", args={"traceback": "File x"}),
        "ValueError: odd",
    ),
    (
        wrapped(error_type="E", message="odd", args={"description": "odd", "field": "city"}),
        "E: odd\nfield: city",
    ),
    (wrapped(message="odd", hints=["a", {"b": 1}]), 'odd\nhints: ["a",{"b":1}]'),
    (
        wrapped(error_type="Outer", message=wrapped(error_type="Inner", message="odd")),
        "Outer: Inner: odd",
    ),
    (
        (
            "invoke tool failed: request failed with status code: 400 and respond with: "
            '{"code": "invalid_param", "message": "city is missing", "data": null}'
        ),
        "city is missing\ncode: invalid_param",
    ),
    ("PluginInvokeError: {not JSON", "{not JSON"),
    ("PluginInvokeError: [1, 2]", "[1, 2]"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "told"), TOLD)
def test_a_tool_s_error_is_unwrapped_without_loss(text: str, told: str) -> None:
    """Type, text and every further field; only Dify's own words and ids are left out."""
    assert tool_error(text) == told


def test_what_came_before_the_failure_is_kept_and_the_reader_gets_one_sentence() -> None:
    """The model reads both, each cut to half of what a result may be."""
    outcome = tool_failure(wrapped(error_type="E", message="odd\nTraceback: x"), "page 1", [], 60)

    assert outcome.text == "page 1\n\nE: odd\nTraceback: x\n\nThe tool failed."
    assert "\n" not in outcome.error
    assert outcome.error.startswith("E: odd")


def test_a_tool_that_does_not_say_why_it_failed() -> None:
    """The sentence says so; a red row without a word would be a riddle."""
    outcome = tool_failure(" ", "", [], 100)

    assert outcome.text == "The tool failed. It did not say why."
    assert outcome.error == "It did not say why."

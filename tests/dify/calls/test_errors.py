"""Errors as Dify words them: what a provider said of itself is left."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.agent.failures.classify import ModelFailure, classify
from strategies.dify.calls.errors import model_error
from strategies.dify.calls.tool_failure import tool_error

# Wordings collected from public issues and from the official model plugins; ids are made up.
CASES = json.loads(Path(__file__).with_name("failures.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}: {case['text'][:40]}")
def test_a_failure_is_sorted_by_what_its_provider_says(case: dict[str, str]) -> None:
    """Each real wording is sorted into the kind that decides what can be done about it."""
    assert classify(model_error(case["text"])).kind == case["kind"]


def test_wrappers_come_off_layer_by_layer() -> None:
    """The innermost text is kept, and the names that the layers gave it."""
    error = model_error(
        'read llm model failed: request failed: req_id: 1 PluginInvokeError: {"args":{},'
        '"error_type":"InvokeRateLimitError","message":"[openai] Rate Limit Error, slow down"}'
    )

    assert str(error) == "slow down"
    assert error.types == ("InvokeRateLimitError", "InvokeRateLimitError")


def test_the_status_of_a_layer_is_kept() -> None:
    """It says something where the text says nothing."""
    error = model_error(
        "invoke llm model failed: request failed with status code: 500 and respond with: "
        '{"code": -500, "message": "odd", "data": null}'
    )

    assert (str(error), error.statuses) == ("odd", (500,))


def test_a_wrapper_with_broken_quotes_comes_off_too() -> None:
    """dify#22166: inner quotes are not always escaped."""
    text = (
        'PluginInvokeError: {"args":{},"error_type":"Exception","message":"request failed: '
        'PluginInvokeError: {"args":{"description":"[models] Error: slow \\u003c429\\u003e"},'
        '"error_type":"InvokeError","message":"[models] Error: slow \\u003c429\\u003e"}"}'
    )

    assert classify(model_error(text)) == ModelFailure(kind="transient", message="slow <429>")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            "invocation exited without response after 250 seconds",
            "The model sent nothing for 250 seconds.",
        ),
        ("killed by timeout", "Dify ended the call because it took too long."),
        (
            "read llm model failed: http: read on closed response body",
            "The connection broke while the model was answering.",
        ),
    ],
)
def test_dify_s_own_plumbing_is_said_in_plain_words(text: str, plain: str) -> None:
    """What only Dify's makers understand is translated, and may work when tried again."""
    assert classify(model_error(text)) == ModelFailure(kind="transient", message=plain)


def test_wrappers_without_end_are_left_at_some_point() -> None:
    """Twelve layers are more than there are."""
    assert str(model_error("request failed: " * 40 + "x")).endswith("request failed: x")


@given(st.text(max_size=400))
def test_no_text_is_too_strange(text: str) -> None:
    """Whatever comes is told."""
    assert tool_error(text) or not text.strip()
    model_error(text)


@pytest.mark.timed
@pytest.mark.parametrize(
    "piece", ["a", " ", "{", '"message":"', "PluginInvokeError: {", "request failed: ", "req_id: "]
)
def test_a_huge_text_takes_no_time(piece: str) -> None:
    """Nothing may hold the process: ten megabytes are unwrapped in a moment."""
    text = piece * (10_000_000 // len(piece))
    start = time.process_time()
    model_error(text)
    tool_error(text[:1_000_000])

    assert time.process_time() - start < 0.5

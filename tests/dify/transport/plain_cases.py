"""What is handed to the SDK's own links, run by test_sdk.py in a process of their own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from dify_plugin.errors.model import InvokeBadRequestError
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.dify.transport.frames import LARGEST, as_json, joined
from strategies.dify.transport.plain import plain, plain_messages

texts = st.text(st.characters(codec="utf-8"))
values: st.SearchStrategy[Any] = st.recursive(
    texts | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(texts, values, max_size=3))
def test_a_request_is_handed_over_as_it_was_meant(fields: dict[str, Any]) -> None:
    """Parts of it were JSON before."""
    assert plain(joined({**fields, "again": joined(fields)})) == {**fields, "again": fields}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dictionaries(texts, values, max_size=3), max_size=3))
def test_messages_stay_as_they_are(messages: list[dict[str, Any]]) -> None:
    """In their order."""
    assert list(plain_messages(messages)) == messages


def test_half_a_character_and_odd_numbers_are_corrected() -> None:
    """As our own frames do it."""
    message = {"a\ud83d": ["\ud83d\ude42", float("nan")]}

    assert list(plain_messages([message])) == [json.loads(as_json(message))]


def test_a_message_that_would_end_the_process_is_left_out_and_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The others leave."""
    with capfd.disabled():
        sent = list(plain_messages([{"a": "x" * LARGEST}, {"a": "b"}]))

    assert sent == [{"a": "b"}]
    assert "too large" in caplog.text


def test_the_error_of_a_run_can_be_written() -> None:
    """A run whose error the SDK cannot write never ends."""

    def failing() -> Iterator[dict[str, Any]]:
        yield {"a": "b"}
        raise InvokeBadRequestError("half \ud83d")

    messages = plain_messages(failing())

    assert next(messages) == {"a": "b"}
    with pytest.raises(InvokeBadRequestError, match="half \ufffd"):
        next(messages)


def test_what_is_nested_too_deeply_fails_the_run_as_on_our_links() -> None:
    """And no other run."""
    value: Any = "x"
    for _ in range(5_000):
        value = {"a": value}

    with pytest.raises(ValueError, match="nested too deeply"):
        list(plain_messages([{"a": value}]))

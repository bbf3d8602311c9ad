"""What leaves for Dify can be written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.dify.transport.writable import writable, writable_text
from tests.dify.entities import cpu_seconds

odd_text = st.text(st.characters(codec=None, exclude_categories=()))
odd_messages: st.SearchStrategy[Any] = st.recursive(
    odd_text | st.none() | st.integers() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(odd_text, inner) | st.tuples(inner),
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("plain", "plain"),
        ("漢字 🙂", "漢字 🙂"),
        ("\ud83d\ude42", "🙂"),
        ("a\ud83d", "a\ufffd"),
        ("\ude42a", "\ufffda"),
        ("\ud83d\ud83d\ude42", "\ufffd🙂"),
    ],
)
def test_halves_of_characters_are_joined_or_replaced(said: str, expected: str) -> None:
    """Models write emoji as two escapes, and sometimes only one of them."""
    assert writable_text(said) == expected


@given(odd_messages)
def test_every_message_becomes_writable(message: Any) -> None:
    """And what was writable stays as it is."""
    once = writable(message)

    assert json.dumps(once, ensure_ascii=False).encode()
    assert json.dumps(writable(once)) == json.dumps(once)


def test_nesting_without_end_is_refused_with_a_sentence() -> None:
    """The SDK's writer would end with an error about circles."""
    value: Any = "x"
    for _ in range(5_000):
        value = [value]

    with pytest.raises(ValueError, match="nested too deeply"):
        writable(value)


@pytest.mark.timed
def test_a_long_conversation_costs_a_look() -> None:
    """Four megabytes of messages, in every round."""
    messages = [{"role": "user", "content": "漢字 text " * 400}] * 1_000

    assert cpu_seconds(lambda: writable(messages)) < 0.5

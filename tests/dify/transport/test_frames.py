"""The plugin's frames as Dify's daemon reads them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.dify.transport.frames import (
    Written,
    array,
    as_json,
    frame,
    joined,
    session_frame,
    writable,
    writable_text,
)
from tests.dify.entities import cpu_seconds

texts = st.text(st.characters(codec="utf-8"))
values: st.SearchStrategy[Any] = st.recursive(
    texts | st.none() | st.integers(-(2**40), 2**40) | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


@given(st.dictionaries(texts, values), st.lists(values), texts)
def test_a_frame_is_one_line_that_says_what_went_in(
    fields: dict[str, Any], items: list[Any], session: str
) -> None:
    """Whatever of it was JSON before."""
    request = joined({**fields, "items": array(map(as_json, items)), "again": joined(fields)})
    line = bytes(session_frame(session, "invoke", request))

    assert line.count(b"\n") == 2
    assert line.endswith(b"\n\n")
    assert json.loads(line) == {
        "event": "session",
        "session_id": session,
        "data": {"type": "invoke", "data": {**fields, "items": items, "again": fields}},
    }


@given(values)
def test_any_other_frame(value: Any) -> None:
    """Heartbeats, errors, and what the SDK says of itself."""
    whole = frame("error", None, value)

    assert json.loads(bytes(whole)) == {"event": "error", "session_id": None, "data": value}
    assert whole.size == len(bytes(whole))


def test_nothing_is_a_list_and_an_object() -> None:
    """No comma too many."""
    assert (bytes(array([])), bytes(joined({}))) == (b"[]", b"{}")


def test_half_characters_and_odd_numbers_are_corrected() -> None:
    """UTF-8 has no bytes for the one, JSON no form for the other."""
    value = {"a\ud83d": ["\ud83d\ude42", float("nan"), float("inf")]}

    assert json.loads(as_json(value)) == {"a\ufffd": ["🙂", None, None]}


def test_a_field_that_has_to_be_corrected_is_no_trouble_for_the_others() -> None:
    """Correcting goes less deep than writing, and a call may hold both."""
    deep: Any = 1
    for _ in range(230):
        deep = [deep]

    written = joined({"deep": deep, "half": "a\ud83d", "more": array([b"1"])})
    assert json.loads(bytes(written)) == {"deep": deep, "half": "a\ufffd", "more": [1]}


def test_what_is_nested_too_deeply_is_refused_with_a_sentence() -> None:
    """The run says so, and goes on or ends; the process stays."""
    value: Any = "x"
    for _ in range(5_000):
        value = {"a": value}

    with pytest.raises(ValueError, match="nested too deeply"):
        joined({"a": value})


def test_long_parts_are_not_copied() -> None:
    """A conversation of a megabyte goes through four hands in every round."""
    long = as_json("x" * 100_000)
    whole = session_frame("run", "invoke", joined({"messages": array([long, long])}))

    assert sum(piece is long for piece in whole.pieces) == 2
    assert isinstance(whole, Written)


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

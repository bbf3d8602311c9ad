"""Pieces of a model's reply as they stand on Dify's wire."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from strategies.agent.interface.ports import ModelDelta
from strategies.agent.interface.usage import Usage
from strategies.dify.calls.chunks import read_chunk, read_usage
from strategies.protocols.base import CallDelta
from tests.dify.entities import odd_objects, odd_values


def read(content: Any = "", **delta: Any) -> ModelDelta:
    """Read a chunk with this content."""
    calls = delta.pop("tool_calls", [])
    message = {"role": "assistant", "content": content, "name": None, "tool_calls": calls}
    return read_chunk({"model": "m", "prompt_messages": [], "delta": {"message": message, **delta}})


@dataclass(frozen=True, slots=True)
class Case:
    """Something on the wire and what it is read as."""

    id: str
    wire: Any
    expected: Any


CONTENTS = [
    Case("text", "Hello", "Hello"),
    Case("blank", " ", " "),
    Case("null", None, ""),
    Case("parts", [{"type": "text", "data": "Hel"}, {"type": "text", "data": "lo"}], "Hello"),
    Case("plain parts", ["Hel", "lo"], "Hello"),
    Case("part without data", [{"type": "text"}, {"type": "text", "data": None}], ""),
    Case("odd parts", [None, 5, [], {"type": "new", "data": "x"}], ""),
    Case("number", 5, ""),
]


@pytest.mark.parametrize("case", CONTENTS, ids=lambda case: case.id)
def test_text_is_read_from_every_form_of_content(case: Case) -> None:
    """The SDK's own reading loses lists (W48)."""
    delta = read(case.wire)

    assert delta.text == case.expected
    assert delta.files == ()


CALLS = [
    Case(
        "fragment",
        [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a"'}}],
        [CallDelta(id="c1", name="f", arguments='{"a"')],
    ),
    Case(
        "two at once",
        [{"id": "1", "function": {"name": "f"}}, {"id": "2", "function": {"name": "g"}}],
        [CallDelta(id="1", name="f"), CallDelta(id="2", name="g")],
    ),
    Case("id a number", [{"id": 7, "function": {"name": "f"}}], [CallDelta(id="7", name="f")]),
    Case("id null", [{"id": None, "function": {"name": "f"}}], [CallDelta(name="f")]),
    Case("name null", [{"id": "1", "function": {"name": None}}], [CallDelta(id="1")]),
    Case(
        "arguments an object",
        [{"id": "1", "function": {"name": "f", "arguments": {"ü": [1]}}}],
        [CallDelta(id="1", name="f", arguments='{"ü": [1]}')],
    ),
    Case("function null", [{"id": "1", "function": None}], [CallDelta(id="1")]),
    Case("odd items", [None, "f", []], [CallDelta(), CallDelta(), CallDelta()]),
    Case("null", None, []),
    Case("object", {"id": "1"}, []),
]


@pytest.mark.parametrize("case", CALLS, ids=lambda case: case.id)
def test_calls_are_read_piece_by_piece(case: Case) -> None:
    """A piece is no call yet, and half of its JSON is no mistake (W40, W48)."""
    assert list(read(tool_calls=case.wire).calls) == case.expected


@pytest.mark.parametrize("chunk", [{}, {"delta": None}, {"delta": []}, {"delta": {"message": 5}}])
def test_a_chunk_without_a_reply_is_an_empty_piece(chunk: Any) -> None:
    """Some providers send one to keep the connection."""
    assert read_chunk(chunk) == ModelDelta()


FILES = [
    Case(
        "bytes",
        {"type": "image", "format": "png", "base64_data": "aGk=", "mime_type": "image/png"},
        {"type": "blob", "message": {"blob": "aGk="}, "meta": {"mime_type": "image/png"}},
    ),
    Case(
        "bytes without a mime type",
        {"type": "image", "format": "webp", "base64_data": "aGk=", "filename": "a.webp"},
        {
            "type": "blob",
            "message": {"blob": "aGk="},
            "meta": {"mime_type": "image/webp", "filename": "a.webp"},
        },
    ),
    Case(
        "address",
        {"type": "image", "url": "https://x.org/a.png", "mime_type": "image/png"},
        {
            "type": "image",
            "message": {"text": "https://x.org/a.png"},
            "meta": {"mime_type": "image/png"},
        },
    ),
    Case(
        "address that holds the bytes",
        {"type": "image", "url": "data:image/gif;base64,aGk="},
        {"type": "blob", "message": {"blob": "aGk="}, "meta": {"mime_type": "image/gif"}},
    ),
    Case(
        "document",
        {"type": "document", "base64_data": "aGk="},
        {
            "type": "blob",
            "message": {"blob": "aGk="},
            "meta": {"mime_type": "application/octet-stream"},
        },
    ),
]


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.id)
def test_what_a_model_draws_is_a_file(case: Case) -> None:
    """Never base64 in the text (dify#31272)."""
    delta = read([{"type": "text", "data": "Here: "}, case.wire])

    assert delta.text == "Here: "
    assert list(delta.files) == [case.expected]


def test_the_reason_of_the_end_is_read() -> None:
    """A reply that ended for its length may hold half a call."""
    assert read(finish_reason="length").finish_reason == "length"
    assert read(finish_reason=None).finish_reason == ""


def test_usage_is_read_exactly() -> None:
    """Prices are decimals in text; a float is what it looks like."""
    usage = read_usage(
        {
            "prompt_tokens": 10,
            "completion_tokens": 5.0,
            "total_tokens": None,
            "total_price": "0.1",
            "prompt_price": 0.1,
            "prompt_price_unit": "1E-7",
            "currency": "CNY",
            "latency": 0.25,
        }
    )

    assert usage == Usage(
        prompt_tokens=10,
        completion_tokens=5,
        total_tokens=15,
        total_price=Decimal("0.1"),
        prompt_price=Decimal("0.1"),
        prompt_price_unit=Decimal("0.0000001"),
        currency="CNY",
        latency=0.25,
    )


def test_a_price_has_the_digits_that_sums_have() -> None:
    """Written out whole, one of a million digits would be too large for a message."""
    usage = read_usage({"total_tokens": 3, "total_price": "0." + "3" * 1_000_000})

    assert usage is not None
    assert len(str(usage.total_price)) == 30


@pytest.mark.parametrize("wire", [None, {}, [], "usage", 5])
def test_no_usage_is_none(wire: Any) -> None:
    """Most pieces have none."""
    assert read_usage(wire) is None


ODD_NUMBERS: list[Any] = [
    "NaN",
    float("nan"),
    "inf",
    "",
    "many",
    None,
    True,
    [],
    {},
    "1E+999999",
    10**400,
]


@pytest.mark.parametrize("odd", ODD_NUMBERS, ids=str)
def test_odd_numbers_count_as_absent(odd: Any) -> None:
    """Written out, 1E+999999999 would hold the process for minutes; null fails the node."""
    usage = read_usage({"prompt_tokens": odd, "total_price": odd, "latency": odd, "currency": odd})

    assert usage is not None
    assert usage.total_tokens == 0
    assert usage.total_price == 0
    assert usage.latency == 0
    assert usage.currency


chunks = odd_objects("delta", "model") | odd_objects("message", "usage").map(
    lambda delta: {"delta": delta}
)
messages = odd_objects("content", "tool_calls")


@given(chunks, messages, odd_values)
def test_whatever_a_provider_sends_is_read(chunk: Any, message: Any, odd: Any) -> None:
    """A piece of a reply never ends the run by its form."""
    deltas = [read_chunk(chunk), read_chunk({"delta": {"message": message}})]
    deltas += [read(odd), read([odd]), read(tool_calls=odd), read(tool_calls=[odd])]

    assert all(isinstance(delta.text, str) for delta in deltas)
    assert all(isinstance(call.id + call.name, str) for delta in deltas for call in delta.calls)


CACHED = [
    ({"cached_tokens": 7}, 7),
    ({"prompt_tokens_details": {"cached_tokens": 7}}, 7),
    ({"cache_read_input_tokens": 7}, 7),
    ({"prompt_cache_hit_tokens": "7"}, 7),
    ({"prompt_tokens_details": None, "cached_tokens": None}, 0),
]


@pytest.mark.parametrize(("told", "expected"), CACHED)
def test_tokens_from_a_cache_are_read_in_every_provider_s_words(
    told: dict[str, Any], expected: int
) -> None:
    """Dify's own usage has no place for them yet; whoever sends them is heard."""
    usage = read_usage({"prompt_tokens": 10, **told})

    assert usage
    assert usage.cached_tokens == expected

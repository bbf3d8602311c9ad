"""Messages within the limits of Dify's wire."""

import base64
import os
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.agent.interface.usage import Usage
from strategies.dify.outputs.media import inline_file
from strategies.dify.outputs.messages import (
    forwarded_messages,
    log_message,
    text_messages,
    totals_message,
)
from strategies.dify.transport.frames import as_json
from tests.dify.entities import cpu_seconds

USAGE = Usage(
    prompt_tokens=10,
    completion_tokens=5,
    total_tokens=15,
    prompt_unit_price=Decimal("0.0000001"),
    prompt_price_unit=Decimal("1E-7"),
    total_price=Decimal("0.1"),
    latency=0.5,
)


def totals(usage: Usage, **extra: object) -> dict[str, Any]:
    """Return the totals as they stand in the message."""
    message: Any = totals_message(usage, extra)["message"]
    metadata: dict[str, Any] = message["json_object"]["execution_metadata"]
    return metadata


def said(text: str) -> list[str]:
    """Return the texts of the messages for a text."""
    return [message["message"]["text"] for message in text_messages(text)]


@pytest.mark.parametrize("letter", ["a", "é", "漢", "🙂"])
def test_no_text_message_is_above_a_megabyte(letter: str) -> None:
    """A text message of 4 MB never reached the reader; nothing is lost by cutting."""
    whole = letter * 1_200_000
    texts = said(whole)

    assert "".join(texts) == whole
    assert all(len(text.encode()) <= 1_000_000 for text in texts)


def test_nothing_said_is_no_message() -> None:
    """An empty message would cost Dify as much as a full one."""
    assert said("") == []


def test_text_that_dify_could_not_store_is_mended() -> None:
    """A lone half of an emoji ends the SDK's thread, a NUL is refused by Dify's database."""
    assert said("a\ud83d\ude00b\ud83d\0c") == ["a\U0001f600b\ufffdc"]


def test_totals_are_numbers_that_dify_takes() -> None:
    """Tokens as text or null, and prices with an exponent, fail the node after the answer."""
    metadata = totals(USAGE)

    assert None not in metadata.values()
    assert [type(metadata[f"{one}_tokens"]) for one in ("prompt", "completion", "total")] == [
        int
    ] * 3
    assert metadata["prompt_unit_price"] == "0.0000001"
    assert metadata["prompt_price_unit"] == "0.0000001"
    assert metadata["total_price"] == "0.1"
    assert metadata["latency"] == 0.5


def test_sums_of_prices_are_exact() -> None:
    """A tenth and two tenths are three tenths."""
    summed = replace(USAGE, total_price=Decimal("0.1")) + replace(USAGE, total_price=Decimal("0.2"))

    assert totals(summed)["total_price"] == "0.3"
    assert totals(summed)["total_tokens"] == 30


def test_totals_stand_beside_other_outputs() -> None:
    """Dify takes the usage out and leaves the rest in the node's JSON."""
    message: Any = totals_message(USAGE, {"stop_reason": "answered"})

    assert message["type"] == "json"
    assert message["message"]["json_object"]["stop_reason"] == "answered"


def pieces_of(content: bytes, **meta: object) -> list[dict[str, Any]]:
    """Forward a file."""
    return list(forwarded_messages(inline_file(base64.b64encode(content).decode(), meta)))


@pytest.mark.parametrize("size", [1, 2, 3, 8_189, 8_190, 8_191, 8_192, 100_000])
def test_a_file_goes_in_pieces_that_make_it_whole(size: int) -> None:
    """The daemon takes 8,192 bytes at a time and wants an end."""
    content = os.urandom(size)
    messages = pieces_of(content, mime_type="a/b", filename="x")
    bodies = [message["message"] for message in messages]
    pieces = [base64.b64decode(body["blob"]) for body in bodies]

    assert b"".join(pieces) == content
    assert all(0 < len(piece) <= 8_192 for piece in pieces[:-1])
    assert [body["end"] for body in bodies] == [False] * (len(bodies) - 1) + [True]
    assert [body["sequence"] for body in bodies] == list(range(len(bodies)))
    assert {body["total_length"] for body in bodies} == {size}
    assert len({body["id"] for body in bodies}) == 1
    assert messages[-1]["meta"] == {"mime_type": "a/b", "filename": "x"}


def test_fifteen_megabytes_pass_and_more_are_told() -> None:
    """The daemon drops a larger file without a word."""
    most = 15 * 1024 * 1024
    passed, refused = pieces_of(b"x" * most), pieces_of(b"x" * (most + 1))

    assert passed[-1]["message"]["total_length"] == most
    assert [message["type"] for message in refused] == ["text"]
    assert "15.0 MB is too large for Dify" in refused[0]["message"]["text"]


@pytest.mark.timed
def test_a_large_file_never_holds_the_process() -> None:
    """Other runs stream while the pieces leave."""
    encoded = base64.b64encode(os.urandom(15 * 1024 * 1024)).decode()
    messages = forwarded_messages(inline_file(encoded, {}))
    first = cpu_seconds(lambda: next(messages))
    slowest = max(cpu_seconds(lambda: next(messages)) for _ in range(1_000))

    assert first < 1
    assert slowest < 0.2


def test_base64_in_lines_is_read() -> None:
    """Some tools break it after 76 letters."""
    content = os.urandom(1_000)
    lines = base64.encodebytes(content).decode()
    bodies = [message["message"] for message in forwarded_messages(inline_file(lines, {}))]

    assert b"".join(base64.b64decode(body["blob"]) for body in bodies) == content


@pytest.mark.parametrize("odd", ["漢字漢字", "abc", "a=bc", "ab*d", "not base64 at all!!"])
def test_a_file_that_is_no_base64_is_told(odd: str) -> None:
    """Half of it sent would be a broken file in the node."""
    [message] = forwarded_messages(inline_file(odd, {}))

    assert "not readable" in message["message"]["text"]


def test_what_names_a_file_is_passed_on_as_it_is() -> None:
    """The SDK cannot write a binary_link, but lets a plain object pass."""
    link = {"type": "binary_link", "message": {"text": "/files/tools/x.pdf"}, "meta": {"a": 1}}

    assert list(forwarded_messages(link)) == [link]


odd_text = st.text(st.characters(codec=None, exclude_categories=()))
odd_data: st.SearchStrategy[Any] = st.recursive(
    odd_text | st.integers(-9, 9) | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(odd_text, inner),
    max_leaves=8,
)


@given(odd_text, st.dictionaries(odd_text, odd_data))
def test_every_log_can_be_written(text: str, found: dict[str, Any]) -> None:
    """Whatever a model puts into the arguments of a call."""
    message = log_message(
        log_id="1",
        parent_id=None,
        label=text,
        status="error",
        error=text,
        data=found,
        metadata={"provider": text},
    )

    assert as_json(message)

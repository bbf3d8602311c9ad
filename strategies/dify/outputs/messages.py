"""Dify's messages as plain dicts, within its limits (docs/dify.md, "Messages")."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypedDict, Unpack

from strategies.agent.interface.ports import Forwarded
from strategies.agent.interface.usage import Usage
from strategies.dify.outputs.media import decoded_size
from strategies.dify.outputs.pacing import DifyMessage
from strategies.dify.transport.frames import writable_text
from strategies.dify.wire_values import mapping, text_of

# 250,000 characters are at most 1,000,000 bytes; a text message of 4 MB never reached the reader.
_TEXT_LENGTH = 250_000
# The daemon's limits are 8,192 bytes for a piece of a file and 15 MB for the whole. Three bytes are
# four letters of base64, so a piece of a multiple of three is cut out of the text as it is.
_CHUNK_LETTERS = 8_190 // 3 * 4
FILE_LENGTH = 15 * 1024 * 1024
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


def text_messages(said: str) -> Iterator[DifyMessage]:
    """Write text for the reader, in as few messages as the wire takes."""
    for piece in _pieces(said):
        yield _message("text", {"text": piece})


def streamed_variable(name: str, said: str) -> Iterator[DifyMessage]:
    """Write a part of an output that an answer node can show while it grows."""
    for piece in _pieces(said):
        body = {"variable_name": name, "variable_value": piece, "stream": True}
        yield _message("variable", body)


def variable_message(name: str, value: object) -> DifyMessage:
    """Write an output of the node in one piece."""
    body = {"variable_name": name, "variable_value": value, "stream": False}
    return _message("variable", body)


def _pieces(said: str) -> Iterator[str]:
    # Dify's database refuses an answer with a NUL in it.
    said = writable_text(said).replace("\0", "")
    for start in range(0, len(said), _TEXT_LENGTH):
        yield said[start : start + _TEXT_LENGTH]


class LogFields(TypedDict):
    """What Dify knows of a log beside its id."""

    parent_id: str | None
    label: str
    status: Literal["start", "success", "error"]
    error: str | None
    data: Mapping[str, object]
    metadata: Mapping[str, object]


def log_message(*, log_id: str, **fields: Unpack[LogFields]) -> DifyMessage:
    """Write one state of a log; a later message of the same id replaces the whole log."""
    return _message("log", {"id": log_id, **fields})


def totals_message(usage: Usage, extra: Mapping[str, object]) -> DifyMessage:
    """Write the last JSON message of a run: Dify takes the node's usage from it.

    Tokens are ints and prices decimal text, because Dify refuses null and rounds floats. Dify knows
    one currency: further ones, and tokens from a provider's cache, stand beside its usage.
    """
    totals: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_unit_price": f"{usage.prompt_unit_price:f}",
        "prompt_price_unit": f"{usage.prompt_price_unit:f}",
        "prompt_price": f"{usage.prompt_price:f}",
        "completion_unit_price": f"{usage.completion_unit_price:f}",
        "completion_price_unit": f"{usage.completion_price_unit:f}",
        "completion_price": f"{usage.completion_price:f}",
        "total_price": f"{usage.total_price:f}",
        "currency": usage.currency,
        "latency": usage.latency,
    }
    beside: dict[str, Any] = {
        **({"cached_tokens": usage.cached_tokens} if usage.cached_tokens else {}),
        **({"prices": prices(usage)} if usage.elsewhere else {}),
    }
    return _message("json", {"json_object": {"execution_metadata": totals, **beside, **extra}})


def prices(usage: Usage) -> str:
    """Write what was paid where there is more than one currency: 0.01 USD + 0.2 RMB."""
    if not usage.elsewhere:
        return ""
    return " + ".join(f"{price:f} {currency}" for currency, price in usage.total_prices.items())


def forwarded_messages(message: Forwarded) -> Iterator[DifyMessage]:
    """Write what is passed on to the reader; a file goes in pieces that the daemon joins again."""
    if message.get("type") != "blob":
        yield dict(message)
        return
    encoded = _without_blanks(text_of(mapping(message.get("message")).get("blob")))
    size = decoded_size(encoded)
    if not _is_base64(encoded):
        yield from text_messages("\n[A file that a tool made is not readable and was left out.]\n")
    elif size > FILE_LENGTH:
        megabytes = f"{size / 1024 / 1024:.1f}"
        said = f"\n[A file of {megabytes} MB is too large for Dify (15 MB) and was left out.]\n"
        yield from text_messages(said)
    else:
        yield from _chunks(encoded, size, dict(mapping(message.get("meta"))))


def _without_blanks(encoded: str) -> str:
    if any(blank in encoded for blank in " \t\r\n"):
        return "".join(encoded.split())
    return encoded


def _is_base64(encoded: str) -> bool:
    if not encoded.isascii() or len(encoded) % 4 or "=" in encoded[:-2]:
        return False
    return not encoded.encode().translate(None, _BASE64)


def _chunks(encoded: str, size: int, meta: dict[str, Any]) -> Iterator[DifyMessage]:
    blob_id = uuid.uuid4().hex
    # The last piece is what stands behind the end, which is nothing.
    for sequence, start in enumerate([*range(0, len(encoded), _CHUNK_LETTERS), len(encoded)]):
        piece = encoded[start : start + _CHUNK_LETTERS]
        body = {
            "id": blob_id,
            "sequence": sequence,
            "total_length": size,
            "blob": piece,
            "end": not piece,
        }
        yield _message("blob_chunk", body, meta)


def _message(kind: str, body: dict[str, Any], meta: dict[str, Any] | None = None) -> DifyMessage:
    return {"type": kind, "message": body, "meta": meta}

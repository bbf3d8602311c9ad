"""Dify's messages as plain dicts, within the limits of its wire (dify-contract.md §2, §3.3)."""

import base64
import binascii
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from strategies.agent.ports import Forwarded, Usage
from strategies.dify.pacing import DifyMessage
from strategies.dify.reading import mapping, text

# 250,000 characters are at most 1,000,000 bytes; a text message of 4 MB never reached the reader.
_TEXT_LENGTH = 250_000
# The daemon's limits for a piece of a file, and for the whole.
_CHUNK_LENGTH = 8_192
_FILE_LENGTH = 15 * 1024 * 1024

type LogStatus = Literal["start", "success", "error"]


def text_messages(said: str) -> Iterator[DifyMessage]:
    """Write text for the reader, in as few messages as the wire takes."""
    for start in range(0, len(said), _TEXT_LENGTH):
        yield _message("text", {"text": said[start : start + _TEXT_LENGTH]})


def log_message(
    *,
    log_id: str,
    parent_id: str | None,
    label: str,
    status: LogStatus,
    error: str | None,
    data: Mapping[str, object],
    metadata: Mapping[str, object],
) -> DifyMessage:
    """Write one state of a log; a later message of the same id replaces the whole log."""
    return _message(
        "log",
        {
            "id": log_id,
            "parent_id": parent_id,
            "label": label,
            "status": status,
            "error": error,
            "data": dict(data),
            "metadata": dict(metadata),
        },
    )


def totals_message(usage: Usage, extra: Mapping[str, object]) -> DifyMessage:
    """Write the last JSON message of a run: Dify takes the node's usage from it.

    Tokens are ints and prices decimal text, because Dify refuses null and rounds floats.
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
    return _message("json", {"json_object": {"execution_metadata": totals, **extra}})


def forwarded_messages(message: Forwarded) -> Iterator[DifyMessage]:
    """Write what is passed on to the reader; a file goes in pieces that the daemon joins again."""
    if message.get("type") != "blob":
        yield dict(message)
        return
    encoded = text(mapping(message.get("message")).get("blob"))
    meta = dict(mapping(message.get("meta")))
    try:
        blob = base64.b64decode(encoded)
    except binascii.Error:
        yield from text_messages("\n[A file that a tool made is not readable and was left out.]\n")
        return
    if len(blob) > _FILE_LENGTH:
        size = f"{len(blob) / 1024 / 1024:.1f}"
        said = f"\n[A file of {size} MB is too large for Dify (15 MB) and was left out.]\n"
        yield from text_messages(said)
        return
    yield from _chunks(blob, meta)


def _chunks(blob: bytes, meta: dict[str, Any]) -> Iterator[DifyMessage]:
    blob_id = uuid.uuid4().hex
    starts = range(0, len(blob), _CHUNK_LENGTH)
    for sequence, start in enumerate(starts):
        yield _chunk(blob_id, sequence, blob[start : start + _CHUNK_LENGTH], len(blob), meta)
    yield _chunk(blob_id, len(starts), b"", len(blob), meta)


def _chunk(
    blob_id: str, sequence: int, piece: bytes, total: int, meta: dict[str, Any]
) -> DifyMessage:
    body = {
        "id": blob_id,
        "sequence": sequence,
        "total_length": total,
        "blob": base64.b64encode(piece).decode(),
        "end": not piece,
    }
    return _message("blob_chunk", body, meta)


def _message(kind: str, body: dict[str, Any], meta: dict[str, Any] | None = None) -> DifyMessage:
    return {"type": kind, "message": body, "meta": meta}

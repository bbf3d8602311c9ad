"""Pieces of a model's reply, read from Dify's wire: what is missing or odd counts as absent."""

from decimal import Decimal, InvalidOperation

from strategies.agent.interface.ports import Forwarded, ModelDelta
from strategies.agent.interface.usage import Usage
from strategies.dify.outputs.media import inline_file, linked_file
from strategies.dify.wire_values import Json, mapping, only_text, sequence, text_of
from strategies.protocols.base import CallDelta

_MOST_DIGITS = 15
"""Before and after the point: a number outside is no price, and writing it out could take hours."""


def read_chunk(chunk: Json) -> ModelDelta:
    """Read one LLMResultChunk."""
    delta = mapping(chunk.get("delta"))
    message = mapping(delta.get("message"))
    parts = _parts(message.get("content"))
    return ModelDelta(
        text="".join(text_of(part.get("data")) for part in parts if part.get("type") == "text"),
        calls=tuple(_call_delta(mapping(call)) for call in sequence(message.get("tool_calls"))),
        usage=read_usage(delta.get("usage")),
        finish_reason=text_of(delta.get("finish_reason")),
        files=tuple(file for file in map(_file, parts) if file is not None),
    )


def read_usage(value: object) -> Usage | None:
    """Read LLMUsage: tokens as numbers, prices as numbers or text."""
    usage = mapping(value)
    if not usage:
        return None
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=_count(usage.get("total_tokens")) or prompt + completion,
        prompt_unit_price=_price(usage.get("prompt_unit_price")),
        prompt_price_unit=_price(usage.get("prompt_price_unit")),
        prompt_price=_price(usage.get("prompt_price")),
        completion_unit_price=_price(usage.get("completion_unit_price")),
        completion_price_unit=_price(usage.get("completion_price_unit")),
        completion_price=_price(usage.get("completion_price")),
        total_price=_price(usage.get("total_price")),
        currency=only_text(usage.get("currency")) or "USD",
        latency=float(_price(usage.get("latency"))),
        cached_tokens=_cached(usage),
    )


def _cached(usage: Json) -> int:
    """Read how much of the prompt came from a cache, in the words of whoever reports it."""
    details = mapping(usage.get("prompt_tokens_details"))
    told = (
        usage.get("cached_tokens"),
        details.get("cached_tokens"),
        usage.get("cache_read_input_tokens"),
        usage.get("prompt_cache_hit_tokens"),
    )
    return max(map(_count, filter(None, told)), default=0)


def _parts(content: object) -> list[Json]:
    items = [content] if isinstance(content, str) else sequence(content)
    return [
        {"type": "text", "data": item} if isinstance(item, str) else mapping(item) for item in items
    ]


def _call_delta(call: Json) -> CallDelta:
    function = mapping(call.get("function"))
    return CallDelta(
        id=text_of(call.get("id")),
        name=only_text(function.get("name")),
        arguments=text_of(function.get("arguments")),
    )


def _file(part: Json) -> Forwarded | None:
    """Make a picture of the model a message for the reader: never base64 in the text."""
    encoded, url = only_text(part.get("base64_data")), only_text(part.get("url"))
    if not encoded and not url:
        return None
    meta = {"mime_type": _mime_type(part)}
    if only_text(part.get("filename")):
        meta["filename"] = only_text(part["filename"])
    return inline_file(encoded, meta) if encoded else linked_file("image", url, meta)


def _mime_type(part: Json) -> str:
    kind, form = only_text(part.get("type")), only_text(part.get("format"))
    guess = f"{kind}/{form}" if kind in {"image", "audio", "video"} and form else ""
    return only_text(part.get("mime_type")) or guess or "application/octet-stream"


def _count(value: object) -> int:
    return max(int(_price(value)), 0)


def _price(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return Decimal(0)
    try:
        price = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return Decimal(0)
    # The sign rounds it to the digits that sums have.
    return +price if price.is_finite() and abs(price.adjusted()) <= _MOST_DIGITS else Decimal(0)

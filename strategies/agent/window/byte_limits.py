"""Messages whose largest parts are made smaller, for a request that is too large in bytes.

Of the parts of a message (its text, each text or medium in its content, each call) those above a
limit give way: texts keep head and tail, calls the head and tail of long arguments, media become a
few words. The model can read in the text what was left out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pydantic_core import to_json

from strategies.agent.interface.ports import Message
from strategies.agent.prompt.conversation import calls_of
from strategies.agent.prompt.media import Part, described, is_medium, parts_of
from strategies.agent.prompt.shortening import cut, cut_arguments

LEAST_PART = 400
"""Bytes that are left of every text."""


def json_size(value: object) -> int:
    """Count the bytes of a value as JSON in UTF-8 without blanks."""
    try:
        return len(to_json(value))
    except ValueError:  # half characters, and whatever JSON has no form for
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
        return len(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSize:
    """The size of one part of a message."""

    size: int
    """Bytes as JSON."""
    is_medium: bool


def part_sizes(message: Message) -> Iterator[PartSize]:
    """Measure the parts of a message."""
    content = message.get("content")
    if isinstance(content, str):
        yield PartSize(size=json_size(content), is_medium=False)
    for part in parts_of(message):
        yield PartSize(size=json_size(part), is_medium=is_medium(part))
    for call in calls_of(message):
        yield PartSize(size=json_size(call), is_medium=False)


def level(sizes: Sequence[int], excess: int) -> int:
    """Find the size that all parts must keep to for an excess to go; the largest come first."""
    freed = 0
    for count, size in enumerate(sizes, start=1):
        following = sizes[count] if count < len(sizes) else 0
        if freed + count * (size - following) >= excess:
            return max(size - (excess - freed) // count - 1, LEAST_PART)
        freed += count * (size - following)
    return LEAST_PART


def with_parts_cut(message: Message, limit: int) -> Message:
    """Return the message without a part of more than `limit` bytes."""
    content = message.get("content")
    changed = dict(message)
    if isinstance(content, str):
        changed["content"] = _cut_text(content, limit)
    elif parts := parts_of(message):
        changed["content"] = [_cut_part(part, limit) for part in parts]
    if calls := calls_of(message):
        changed["tool_calls"] = [_cut_call(call, limit) for call in calls]
    return changed


def _cut_part(part: Part, limit: int) -> Part:
    size = json_size(part)
    if size <= limit:
        return part
    if is_medium(part):
        reason = f", {size:,} bytes, left out because it is too large to send"
        return {"type": "text", "data": described(part, reason)}
    return {"type": "text", "data": _cut_text(str(part.get("data") or ""), limit)}


def _cut_text(text: str, limit: int) -> str:
    shorter, characters = text, len(text)
    while characters > 0 and (size := json_size(shorter)) > limit:
        characters = min(int(characters * limit / size * 0.98), characters - 1)
        shorter = cut(text, characters)
    return shorter


def _cut_call(call: Mapping[str, object], limit: int) -> Mapping[str, object]:
    function = cast("Mapping[str, object]", call.get("function") or {})
    arguments = shorter = str(function.get("arguments") or "")
    characters = limit
    while json_size(shorter) > limit and characters > LEAST_PART // 4:
        characters //= 2
        shorter = cut_arguments(arguments, characters)
    if json_size(shorter) > limit:
        # Neither JSON nor anything to cut in it; the call's result still tells what it was.
        shorter = "{}"
    return {**call, "function": {**function, "arguments": shorter}}

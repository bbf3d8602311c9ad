"""No request to Dify's daemon above its limit, whatever the conversation holds.

The daemon reads a plugin line by line and ends the plugin's process, with every run in it, at a
line of 5 MiB. So the serialised size of a request is counted before it is sent, and the largest
parts are shrunk first: texts to head and tail, media to a few words. The model can read in the
text what was left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pydantic_core import to_json

from strategies.agent.ports import Message
from strategies.agent.prompt.conversation import calls_of
from strategies.agent.prompt.media import described, is_medium, parts_of
from strategies.agent.prompt.truncation import cut, cut_arguments

MAX_REQUEST_BYTES = 3_800_000
"""Bytes of one request to a model; what is around the messages fits into the rest of 4 MB."""

_LEAST_TEXT = 400
"""Bytes that are left of every text."""

_TWO_BYTES = b'"\\\n\r\t\b\f'
_SIX_BYTES = bytes(byte for byte in range(0x20) if byte not in _TWO_BYTES)


def json_size(value: object) -> int:
    """Count the bytes of a value as JSON in UTF-8 without blanks."""
    try:
        return len(to_json(value))
    except ValueError:
        return _counted(value)


def _counted(value: object) -> int:
    """Count what cannot be written: half characters, and whatever JSON has no form for."""
    if isinstance(value, str):
        return _text_size(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        pairs = sum(_text_size(name) + 1 + _counted(inner) for name, inner in fields.items())
        return 2 + pairs + max(len(fields) - 1, 0)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        items = cast("Sequence[object]", value)
        return 2 + sum(map(_counted, items)) + max(len(items) - 1, 0)
    if value is None or value is True:
        return 4
    return len(str(value))


def shrink(messages: Sequence[Message], limit: int) -> tuple[list[Message], tuple[str, ...]]:
    """Bring messages under a size in bytes; return them and one note per part that was shrunk.

    Messages that fit are returned as they are, and a second call changes nothing.
    """
    shrunk = list(messages)
    if _most_bytes(shrunk) <= limit or json_size(shrunk) <= limit:
        return shrunk, ()
    notes: list[str] = []
    parts = sorted(_parts(shrunk), key=lambda part: part.size, reverse=True)
    excess = json_size(shrunk) - limit
    while parts and excess > 0:
        level = _level([part.size for part in parts], excess)
        largest = parts.pop(0)
        if largest.is_text and largest.size <= _LEAST_TEXT:
            continue
        before = json_size(shrunk[largest.message])
        shrunk[largest.message] = _replaced(shrunk[largest.message], largest, level)
        excess -= before - json_size(shrunk[largest.message])
        notes.append(largest.note())
    return shrunk, tuple(notes)


def _most_bytes(value: object) -> int:
    """Bound the size from above without reading a text: nearly every request is far below."""
    if isinstance(value, str):
        return 2 + 6 * len(value)
    if isinstance(value, dict):
        size = 2
        for name, inner in cast("dict[str, object]", value).items():
            # Most are texts, and a call for each would cost more than the look.
            most = 6 * len(inner) if isinstance(inner, str) else _most_bytes(inner)
            size += 6 * len(name) + 6 + most
        return size
    if isinstance(value, list):
        items = cast("list[object]", value)
        return 2 + len(items) + sum(map(_most_bytes, items))
    return json_size(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One text or medium, by its place."""

    message: int
    role: str
    size: int
    kind: str
    """`content`, `part` or `call`."""
    index: int = 0
    is_text: bool = True

    def note(self) -> str:
        what = "text" if self.is_text else "file"
        return f"shrunk a {what} of {self.size:,} bytes in a message of the {self.role}"


def _parts(messages: Sequence[Message]) -> Iterator[_Part]:
    for place, message in enumerate(messages):
        role = str(message.get("role"))
        content = message.get("content")
        if isinstance(content, str):
            yield _Part(message=place, role=role, size=_text_size(content), kind="content")
        for index, part in enumerate(parts_of(message)):
            yield _Part(
                message=place,
                role=role,
                size=json_size(part),
                kind="part",
                index=index,
                is_text=not is_medium(part),
            )
        for index, call in enumerate(calls_of(message)):
            size = json_size(call)
            yield _Part(message=place, role=role, size=size, kind="call", index=index)


def _level(sizes: Sequence[int], excess: int) -> int:
    """Find the size that all texts must keep to for an excess to go; the largest give first."""
    freed = 0
    for count, size in enumerate(sizes, start=1):
        following = sizes[count] if count < len(sizes) else 0
        if freed + count * (size - following) >= excess:
            return max(size - (excess - freed) // count - 1, _LEAST_TEXT)
        freed += count * (size - following)
    return _LEAST_TEXT


def _replaced(message: Message, part: _Part, level: int) -> Message:
    if part.kind == "content":
        return {**message, "content": _cut_to(str(message["content"]), level)}
    if part.kind == "call":
        calls = list(calls_of(message))
        calls[part.index] = _smaller_call(calls[part.index], level)
        return {**message, "tool_calls": calls}
    parts = list(parts_of(message))
    old = parts[part.index]
    said = (
        _cut_to(str(old.get("data") or ""), level)
        if part.is_text
        else described(old, f", {part.size:,} bytes, left out because it is too large to send")
    )
    parts[part.index] = {"type": "text", "data": said}
    return {**message, "content": parts}


def _smaller_call(call: Mapping[str, object], level: int) -> Mapping[str, object]:
    function = cast("Mapping[str, object]", call.get("function") or {})
    arguments = str(function.get("arguments") or "")
    limit = level
    shorter = arguments
    while limit > _LEAST_TEXT // 4 and _text_size(shorter) > level:
        limit //= 2
        shorter = cut_arguments(arguments, limit)
    if _text_size(shorter) > level:
        # Neither JSON nor anything to cut in it; the call's result still tells what it was.
        shorter = "{}"
    return {**call, "function": {**function, "arguments": shorter}}


def _cut_to(text: str, size: int) -> str:
    limit = len(text)
    shorter = text
    while limit > 0 and _text_size(shorter) > size:
        limit = min(int(limit * size / _text_size(shorter) * 0.98), limit - 1)
        shorter = cut(text, max(limit, 0))
    return shorter


def _text_size(text: str) -> int:
    raw = text.encode("utf-8", "surrogatepass")
    doubled = len(raw) - len(raw.translate(None, _TWO_BYTES))
    written_out = len(raw) - len(raw.translate(None, _SIX_BYTES))
    return 2 + len(raw) + doubled + 5 * written_out

"""Pictures, sounds and files inside a message, and the words that can stand in for them."""

from collections.abc import Mapping, Sequence
from typing import cast

from strategies.agent.interface.ports import Message
from strategies.protocols.writing.escaping import escaped_markers

type Part = Mapping[str, object]


def parts_of(message: Message) -> Sequence[Part]:
    """Return a message's content parts; text that stands alone is none."""
    content = message.get("content")
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        return cast("Sequence[Part]", content)
    return ()


def is_medium(part: Part) -> bool:
    """Tell a picture, sound or file from text."""
    return part.get("type") != "text"


def has_media(message: Message) -> bool:
    """Tell whether a message holds anything but text."""
    return any(map(is_medium, parts_of(message)))


def described(part: Part, reason: str = "") -> str:
    """Name a medium in words, such as `[image: map.png, image/png]`; a reason goes to the end."""
    known = [str(part[key]) for key in ("filename", "mime_type") if part.get(key)]
    facts = ", ".join(known) or part.get("format")
    kind = part.get("type") or "file"
    return escaped_markers(f"[{kind}: {facts}{reason}]" if facts else f"[{kind}{reason}]")


def without_media(message: Message) -> Message:
    """Put words in the place of all media; what is left is plain text."""
    if isinstance(message.get("content"), str):
        return message
    texts = [
        described(part) if is_medium(part) else str(part.get("data") or "")
        for part in parts_of(message)
    ]
    return {**message, "content": "\n".join(text for text in texts if text)}

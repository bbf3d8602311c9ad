"""What the SDK can write: it refuses a message with half a character, and its run never ends.

Models write half of an emoji as an escape in the arguments of a call. Read as JSON, it
becomes a lone surrogate, for which UTF-8 has no bytes. Where a frame cannot be written for that
(frames.py), its texts are mended here.
"""

from collections.abc import Mapping
from typing import Any, cast

from strategies.dify.loose_json import sequence

LONGEST_LINE = 4_000_000
"""Bytes of one frame. The daemon ends the plugin, and every run in it, at 5 MiB."""
LARGEST = 3_900_000
"""Bytes of what one frame carries; what is around it fits into the rest."""

_DEEPEST = 200
"""The SDK's own writer ends at some 250."""


def writable_text(said: str) -> str:
    """Join halves of characters that belong together and replace those that stand alone."""
    if said.isascii():
        return said
    try:
        said.encode()
    except UnicodeEncodeError:
        return said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return said


def writable(value: Any, depth: int = 0) -> Any:
    """Make every text of a message writable.

    Raises:
        ValueError: the message is nested so deeply that the SDK could not write it.
    """
    if isinstance(value, str):
        return value if value.isascii() else writable_text(value)
    if value is None:
        return None
    if depth > _DEEPEST:
        raise ValueError("The message is nested too deeply for Dify.")
    if isinstance(value, dict | Mapping):  # the former is told much faster
        entries = cast("Mapping[object, object]", value).items()
        return {_writable_key(key): writable(item, depth + 1) for key, item in entries}
    if isinstance(value, list | tuple):
        items = sequence(cast("object", value))
        return [writable(item, depth + 1) for item in items]
    return value


def _writable_key(key: object) -> str:
    return key if isinstance(key, str) and key.isascii() else writable_text(str(key))

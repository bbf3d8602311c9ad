"""What the SDK can write: it refuses a message with half a character, and its run never ends.

Models write half of an emoji as an escape in the arguments of a call. Read as JSON, it
becomes a lone surrogate, for which UTF-8 has no bytes. So everything that leaves for Dify passes
here, each text at the cost of a look.
"""

from collections.abc import Mapping
from typing import Any, cast

from strategies.agent.sizes import json_size
from strategies.dify.reading import sequence

LARGEST = 3_900_000
"""Bytes of one line. The daemon ends the plugin at 5 MiB; what is around a message fits into the
rest of 4 MB."""

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


def length_of(value: Any) -> int:
    """Add up the characters of all texts in a message, for a first look at its size."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict | Mapping):
        length = 0
        for key, item in cast("Mapping[str, object]", value).items():
            # Most are texts, and a call for each would cost more than the look.
            length += len(key) + 4 + (len(item) if isinstance(item, str) else length_of(item))
        return length
    if isinstance(value, list | tuple):
        return sum(length_of(item) + 1 for item in sequence(cast("object", value)))
    return 8


def fits(value: Any) -> bool:
    """Tell whether a message may leave in one line."""
    # JSON makes a text six times as long at the most, so only a large message is counted exactly.
    return length_of(value) * 6 <= LARGEST or json_size(value) <= LARGEST

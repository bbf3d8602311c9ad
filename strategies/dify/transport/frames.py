"""The plugin's frames: one line of JSON each, written in one pass.

The SDK copies and checks what it sends before it writes it. Here a value becomes JSON at once, and
what has become JSON before (`Written`, the messages of earlier rounds) is put in as it
stands.

Models write half of an emoji as an escape in the arguments of a call. Read as JSON, it becomes a
lone surrogate, for which UTF-8 has no bytes: where a value cannot be written for that, its texts
are corrected.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from pydantic_core import to_json

from strategies.dify.wire_values import sequence

LONGEST_LINE = 4_000_000
"""Bytes of one frame. The daemon ends the plugin, and every run in it, at 5 MiB."""
LARGEST = 3_900_000
"""Bytes of what one frame carries; what is around it fits into the rest."""
TOO_LARGE = "A frame of %d bytes was too large and was left out"
"""What the log says of a longer one."""

_DEEPEST = 200
"""The SDK's own writer ends at some 250."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value that is JSON already, in pieces, so that a long one is never copied."""

    pieces: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(map(len, self.pieces))

    def __bytes__(self) -> bytes:
        return b"".join(self.pieces)


def as_json(value: object) -> bytes:
    """Write a value as JSON in UTF-8.

    Raises:
        ValueError: the value is nested too deeply, or is nothing that JSON knows.
    """
    try:
        return to_json(value, inf_nan_mode="null")
    except ValueError:
        # Half a character, for which UTF-8 has no bytes, or nested without end.
        return to_json(writable(value), inf_nan_mode="null")


def array(items: Iterable[bytes]) -> Written:
    """Put JSON values into a list."""
    return _enclosed(b"[", ((b",", item) for item in items), b"]")


def joined(fields: Mapping[str, object]) -> Written:
    """Write an object, some of whose values may be `Written`; raises as `as_json` does."""
    written = {name: value for name, value in fields.items() if isinstance(value, Written)}
    plain = {name: value for name, value in fields.items() if name not in written}
    pairs = ((b",", as_json(name), b":", *value.pieces) for name, value in written.items())
    return _enclosed(b"{", (*_members(plain), *pairs), b"}")


def session_frame(session_id: str | None, kind: str, data: object) -> Written:
    """Write a frame of a run; raises as `as_json` does.

    Args:
        session_id: the run's.
        kind: `stream` for a message of the run, `invoke` for a call back.
        data: its content, which may be `Written`.
    """
    head = b'{"event":"session","session_id":%b,"data":{"type":"%b","data":' % (
        as_json(session_id),
        kind.encode(),
    )
    pieces = data.pieces if isinstance(data, Written) else (as_json(data),)
    return Written((head, *pieces, b"}}\n\n"))


def frame(event: str, session_id: str | None, data: object) -> Written:
    """Write any other frame; raises as `as_json` does."""
    content = {"event": event, "session_id": session_id, "data": data}
    return Written((as_json(content), b"\n\n"))


def _members(fields: Mapping[str, object]) -> list[tuple[bytes, ...]]:
    """Write fields in one call, which takes a third of one for each, or where it fails apart."""
    try:
        return [(b",", to_json(fields, inf_nan_mode="null")[1:-1])] if fields else []
    except ValueError:
        return [(b",", as_json(name), b":", as_json(value)) for name, value in fields.items()]


def _enclosed(begin: bytes, members: Iterable[tuple[bytes, ...]], end: bytes) -> Written:
    """Put members, each with the comma before it, between brackets; the first needs no comma."""
    pieces = chain.from_iterable(members)
    next(pieces, None)
    return Written((begin, *pieces, end))


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
        return writable_text(value)
    if value is None:
        return None
    if depth > _DEEPEST:
        raise ValueError("The message is nested too deeply for Dify.")
    if isinstance(value, dict | Mapping):  # the former is told much faster
        entries = cast("Mapping[object, object]", value).items()
        return {writable_text(str(key)): writable(item, depth + 1) for key, item in entries}
    if isinstance(value, list | tuple):
        return [writable(item, depth + 1) for item in sequence(cast("object", value))]
    return value

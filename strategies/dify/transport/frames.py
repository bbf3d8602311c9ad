"""The plugin's frames: one line of JSON each, written in one pass.

The SDK copies and checks what it sends before it writes it. Here a value becomes JSON at once, and
what has become JSON before (`Written`, the messages of earlier rounds) is put in as it
stands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from pydantic_core import to_json

from strategies.dify.transport.writable import writable


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
    pairs = ((b",", as_json(name), b":", *_pieces(value)) for name, value in fields.items())
    return _enclosed(b"{", pairs, b"}")


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
    return Written((head, *_pieces(data), b"}}\n\n"))


def frame(event: str, session_id: str | None, data: object) -> Written:
    """Write any other frame; raises as `as_json` does."""
    content = {"event": event, "session_id": session_id, "data": data}
    return Written((as_json(content), b"\n\n"))


def _enclosed(begin: bytes, members: Iterable[tuple[bytes, ...]], end: bytes) -> Written:
    """Put members, each with the comma before it, between brackets; the first needs no comma."""
    pieces = chain.from_iterable(members)
    next(pieces, None)
    return Written((begin, *pieces, end))


def _pieces(value: object) -> tuple[bytes, ...]:
    return value.pieces if isinstance(value, Written) else (as_json(value),)

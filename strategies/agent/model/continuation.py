"""The rest of a reply that was cut off, joined to it without a seam.

The model is asked to begin with the last words that it wrote, so that the place is known where the
two belong together. They are cut off again; a rest that does not begin with them is put behind.
"""

from collections.abc import Sequence

from strategies.protocols.base import CallDelta, Reasoning, ReplyEvent, ReplyParser, Text

SEAM = 60
"""Characters of the end of a reply that its rest is to begin with."""

_LOOK_AHEAD = 3 * SEAM
_LEAST = 4
"""Characters from which on an overlap is no chance."""


class SeamParser:
    """Reads the rest of a reply; a `ReplyParser` that leaves out what was said already.

    The reasoning of the second call is left out, too: the reader is in the middle of an answer.
    """

    def __init__(self, parser: ReplyParser, before: str) -> None:
        self._parser = parser
        self._before = before
        self._held = ""
        self._joined = False

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[ReplyEvent]:
        """Take the next piece."""
        del deltas
        return self._join(self._parser.feed(text), over=False)

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Return what is left."""
        return self._join(self._parser.close(cut_short=cut_short), over=True)

    def _join(self, events: list[ReplyEvent], *, over: bool) -> list[ReplyEvent]:
        said = "".join(event.text for event in events if isinstance(event, Text))
        if not self._joined:
            self._held += said
            if not over and len(self._held.lstrip()) < _LOOK_AHEAD:
                return []
            self._joined = True
            said = joined(self._before, self._held)
        others = [event for event in events if not isinstance(event, Text | Reasoning)]
        return [*([Text(said)] if said else []), *others]


def joined(before: str, rest: str) -> str:
    """Return what of a rest belongs behind a text: all but the words that stand in both."""
    begins = rest.lstrip(" \n\"'“«…")
    tail = before[-SEAM * 2 :]
    for length in range(min(len(tail), len(begins)), _LEAST - 1, -1):
        if tail.endswith(begins[:length]):
            return begins[length:]
    bare = tail.rstrip()
    for length in range(min(len(bare), len(begins)), _LEAST - 1, -1):
        if bare.endswith(begins[:length]):
            return begins[length:].lstrip() if tail != bare else begins[length:]
    apart = before[-1:].isascii() and before[-1:].isalnum() and rest[:1].isascii()
    return f" {rest}" if apart and rest[:1].isalnum() else rest

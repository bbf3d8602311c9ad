"""Finding markers in text that comes in pieces, holding back as little as possible.

A marker is a fixed string such as `<tool_call>` or `✿ARGS✿`; some count only where a line starts.
All markers of a protocol are one regular expression, and all their beginnings are another, which
is tried on the last few characters of a piece only. So the cost does not depend on how many
markers there are or how the text is cut, and `a < b` leaves at once.
"""

import re
from collections.abc import Iterable

_BLANK = re.compile(r"\s*+")


def after_blank(text: str, at: int) -> int:
    """Return where the white space that starts at `at` ends."""
    found = _BLANK.match(text, at)
    return found.end() if found else at


class Markers:
    """A set of markers; asks its callers for one character of context before the text."""

    def __init__(self, anywhere: Iterable[str], line_starts: Iterable[str] = ()) -> None:
        free = sorted(set(anywhere), key=len, reverse=True)
        bound = sorted(set(line_starts), key=len, reverse=True)
        everything = sorted({*free, *bound}, key=len, reverse=True)
        self._longest = max(map(len, everything), default=0)
        self._whole = _alternatives(
            [re.escape(one) for one in free] + [_after_newline(one) for one in bound]
        )
        self._beginning = _alternatives(
            [re.escape(one) + r"\Z" for one in _beginnings(free)]
            + [_after_newline(one) + r"\Z" for one in _beginnings(bound)]
        )
        self._whole_here = _alternatives([re.escape(one) for one in everything])
        self._beginning_here = _alternatives(
            [re.escape(one) + r"\Z" for one in _beginnings(everything)]
        )

    def find(self, text: str, at: int) -> re.Match[str] | None:
        """Find the first marker from `at` on."""
        return self._whole.search(text, at)

    def settled(self, text: str, at: int) -> int:
        """Return up to where the text can no longer be the beginning of a marker."""
        tail = self._beginning.search(text, max(at, len(text) - self._longest + 1))
        return tail.start() if tail else len(text)

    def here(self, text: str, at: int) -> str:
        """Return the marker that stands at `at`, a line start or not, or an empty string."""
        found = self._whole_here.match(text, at)
        return found[0] if found else ""

    def begins_here(self, text: str, at: int) -> bool:
        """Tell whether all that is left of the text is the beginning of a marker."""
        return bool(self._beginning_here.match(text, at))


def _alternatives(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or r"(?!)")


def _after_newline(marker: str) -> str:
    # Looking behind comes last, so that the engine can skip to the first character quickly.
    return rf"{re.escape(marker)}(?<=\n{re.escape(marker)})"


def _beginnings(markers: list[str]) -> list[str]:
    cut = {marker[:length] for marker in markers for length in range(1, len(marker))}
    return sorted(cut, key=len, reverse=True)

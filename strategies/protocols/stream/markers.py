"""Finding markers in text that comes in pieces, holding back as little as possible.

A marker is a fixed string such as `<tool_call>` or `✿ARGS✿`; some count only where a line starts.
All markers of a protocol are one regular expression, and all their beginnings are another, which
is tried on the last few characters of a piece only. So the cost does not depend on how many
markers there are or how the text is cut, and `a < b` leaves at once.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from strategies.protocols.json.matching import past

_BLANK = re.compile(r"\s*+")


def after_blank(text: str, at: int) -> int:
    """Return where the white space that starts at `at` ends."""
    return past(_BLANK, text, at)


class Markers:
    """A set of markers; asks its callers for one character of context before the text."""

    def __init__(
        self, anywhere: Iterable[str], line_starts: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Take the markers that count anywhere, and those that count where a line starts.

        Each of the latter with a pattern: followed by what it fits, the marker counts for nothing.
        """
        free, bound = set(anywhere), set(line_starts)
        everything = free | bound
        # Looking behind comes last, so that the engine can skip to the first character quickly.
        self._whole = _one_of(
            {one: rf"(?<=\n{re.escape(one)})(?!{line_starts[one]})" for one in bound}
            | dict.fromkeys(free, "")
        )
        self._beginning = _one_of(
            {one: rf"(?<=\n{re.escape(one)})\Z" for one in _beginnings(bound)}
            | dict.fromkeys(_beginnings(free), r"\Z")
        )
        self._whole_here = _one_of(dict.fromkeys(everything, ""))
        self._beginning_here = _one_of(dict.fromkeys(_beginnings(everything), r"\Z"))
        self._longest_cut = max(map(len, everything), default=1) - 1

    def find(self, text: str, at: int) -> re.Match[str] | None:
        """Find the first marker from `at` on."""
        return self._whole.search(text, at)

    def settled(self, text: str, at: int) -> int:
        """Return up to where the text can no longer be the beginning of a marker."""
        if len(text) - at > self._longest_cut:
            at = len(text) - self._longest_cut
        tail = self._beginning.search(text, at)
        return tail.start() if tail else len(text)

    def here(self, text: str, at: int) -> str:
        """Return the marker that stands at `at`, a line start or not, or an empty string."""
        found = self._whole_here.match(text, at)
        return found[0] if found else ""

    def begins_here(self, text: str, at: int) -> bool:
        """Tell whether all that is left of the text is the beginning of a marker."""
        return bool(self._beginning_here.match(text, at))


def _one_of(words: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile(_pattern(words) if words else r"(?!)")


def _pattern(words: Mapping[str, str]) -> str:
    """Match one of the words and the pattern that belongs behind it, the longest word first.

    What words have in common is written once, so that no place of the text is tried word by word.
    """
    by_first: dict[str, dict[str, str]] = {}
    for word in filter(None, words):
        by_first.setdefault(word[0], {})[word[1:]] = words[word]
    ways = [re.escape(first) + _pattern(rest) for first, rest in sorted(by_first.items())]
    if "" in words:
        ways.append(words[""])
    return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"


def _beginnings(markers: Iterable[str]) -> set[str]:
    return {marker[:length] for marker in markers for length in range(1, len(marker))}

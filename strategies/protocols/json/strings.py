"""Where a string ends, as models write them: quotes inside of it may not be escaped.

A quote ends a string if what follows it fits, such as a colon behind a key, or a comma and another
member behind a value; any other belongs to the string. Each look ahead goes a bounded way.
"""

import re
from collections.abc import Callable

from strategies.protocols.json.brackets import OpenBrackets
from strategies.protocols.json.malformed import DEPTH_LIMIT, MalformedError
from strategies.protocols.json.marks import (
    BLANK,
    CLOSERS,
    COLONS,
    COMMAS,
    FENCE,
    KEY,
    KEY_AHEAD,
    OPENERS,
    REST_OF_KEY,
)
from strategies.protocols.json.matching import past
from strategies.protocols.json.scalars import QUOTES, unescape, without_cut_escape

_TRIPLE = ('"""', "'''")


def _string_body(ends: str) -> re.Pattern[str]:
    return re.compile(rf"[^{ends}\\]*+(?:\\.[^{ends}\\]*+)*+", re.DOTALL)


_BODIES = (
    {'"': _string_body('"'), "'": _string_body("'")}
    | dict.fromkeys("“”„", _string_body('"“”'))
    | dict.fromkeys("‘’`´", _string_body("'‘’`´"))
)
_CUT_KEY = r"""(?:"(?:[^"\\]|\\.){0,200}+"?|'(?:[^'\\]|\\.){0,200}+'?)\\?\s{0,200}\Z"""
_MEMBER_AHEAD = re.compile(rf"{KEY}|{_CUT_KEY}|[}}\]｝］,，#…]|//|/\*|\.\.\.|```|\Z")
"""What follows the comma behind a member: `"b":` in `{"a": "x", "b": 1}`, `"b` where the text ends
with it, or a closer, another comma, a comment, an ellipsis, a fence, nothing."""
_ITEM_AHEAD = re.compile(
    r"[\"'“‘{\[(}\]｛［｝］,，\d…#-]|true|false|null|None|True|False|//|/\*|\.\.\.|```|\Z"
)
"""What follows the comma behind an item: `"` in `["x", "y"]`, `2` in `["x", 2]`, or as above."""
_COMMA_AT_END = re.compile(r"[,，]\s*\Z")
"""What stands before the quote of a key if the string before it lacks its own: `, ` before the
`"c"` of `{"a": "b, "c": 1}`."""
_KEY_INSIDE = re.compile(r"[,，]\s*[^\W\d]\w*\s*[:：]")
"""Where a string that is never closed seems to end: `, b:` in `{"a": "x, b: 1}`."""
_CLOSERS_AT_END = re.compile(r"[\s}\])]*+\Z")
"""The same where nothing follows but closers: `}}` in `{"a": {"b": "x}}`."""
_LOOK_BACK, _LOOK_AHEAD = 64, 200
_LONGEST_KEY = 500


class Strings:
    """Reads the strings of one text, inside of the brackets that are open."""

    def __init__(self, text: str, brackets: OpenBrackets, *, guess: bool) -> None:
        self.guessed = False
        """Whether the end of some string had to be guessed."""
        self.truncated = False
        """Whether the text may end inside of a string."""
        self._text = text
        self._brackets = brackets
        self._guess = guess
        """Whether a quote that seems to end no string may be part of one."""
        self._ends_are_lost = False
        """No later quote ends a string properly, so a doubtful one must do."""
        self._unclosed: set[str] = set()
        """Triple quotes that do not come again."""

    def key(self, at: int) -> tuple[str, int]:
        """Read the key whose quote stands at `at`; return where it ends, too."""
        return self._until(at, self._ends_key, longest=_LONGEST_KEY)

    def value(self, at: int) -> tuple[str, int]:
        """Read a value in the same way; in Python's triple quotes, if they close."""
        quotes = self._text[at : at + 3]
        if quotes in _TRIPLE and quotes not in self._unclosed:
            end = self._text.find(quotes, at + 3)
            if end >= 0:
                return self._take(at + 3, end, end + 3)
            self._unclosed.add(quotes)
        return self._until(at, self._ends_value, longest=len(self._text))

    def _until(
        self, opening: int, is_end: Callable[[int], bool], *, longest: int
    ) -> tuple[str, int]:
        """Read a string; a quote that nothing fitting follows belongs to the string itself.

        `longest`: how many characters further such a quote is doubted.
        """
        text = self._text
        body = _BODIES[text[opening]]
        at = start = opening + 1
        doubtful = -1
        while True:
            found = body.match(text, at)
            end = found.end() if found else len(text)
            if end >= len(text) or text[end] == "\\":
                break
            if self._ends_are_lost or is_end(end + 1):
                if doubtful >= 0:
                    self.guessed = True
                    # Behind a quote that was passed over, the end of the text proves nothing.
                    self.truncated |= self._peek(end + 1) >= len(text)
                return self._take(start, end, end + 1)
            if self._lacks_end(start, end):
                self.guessed = True
                comma = start + len(text[start:end].rstrip()) - 1
                return self._take(start, comma, comma)
            if not self._guess:
                raise MalformedError("a string does not end", end)
            doubtful = end if doubtful < 0 else doubtful
            at = end + 1
            if at - start > longest:
                break
        if doubtful < 0:
            return self._cut_string(start)
        self.guessed = self._ends_are_lost = True
        return self._take(start, doubtful, doubtful + 1)

    def _take(self, start: int, end: int, then: int) -> tuple[str, int]:
        return unescape(self._text[start:end]), then

    def _ends_key(self, after: int) -> bool:
        after = self._peek(after)
        return after >= len(self._text) or self._text[after] in COLONS

    def _peek(self, at: int) -> int:
        """Skip white space and comments, but not so far that many peeks would cost much."""
        return past(BLANK, self._text, at, at + _LOOK_AHEAD)

    def _ends_value(self, quote_end: int) -> bool:
        """Tell whether what follows a quote shows that it ended a value."""
        text = self._text
        after = self._peek(quote_end)
        if after >= len(text) or not self._brackets.depth or text.startswith(FENCE, after):
            return True
        char = text[after]
        in_object = self._brackets.in_object
        if char in CLOSERS:
            return self._brackets.awaits(CLOSERS[char])
        if char in COMMAS:
            ahead = _MEMBER_AHEAD if in_object else _ITEM_AHEAD
            return bool(ahead.match(text, self._peek(after + 1)))
        if in_object:
            apart = after > quote_end or char in QUOTES
            return apart and bool(KEY_AHEAD.match(text, after))
        return char in QUOTES or char in OPENERS

    def _lacks_end(self, start: int, end: int) -> bool:
        """Tell whether this quote opens the next key: `"a": "b, "c": 1`."""
        return (
            bool(_COMMA_AT_END.search(self._text, max(start, end - _LOOK_BACK), end))
            and self._brackets.depth > 0
            and self._brackets.in_object
            and bool(REST_OF_KEY.match(self._text, end + 1))
        )

    def _cut_string(self, start: int) -> tuple[str, int]:
        """Read a string that never ends, as well as can be: it is shown, not run."""
        text = self._text
        self.truncated = True
        closers = _CLOSERS_AT_END.search(text, max(start, len(text) - 2 * DEPTH_LIMIT))
        closing = closers.start() if closers else len(text)
        written = "".join(text[closing:].split())
        if written and written == self._brackets.closers():
            if key := _KEY_INSIDE.search(text, start, closing):
                return self._take(start, key.start(), key.start())
            if len(written) > 1:
                return self._take(start, closing, closing)
        return unescape(without_cut_escape(text[start:])), len(text)

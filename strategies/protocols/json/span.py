"""Where one JSON value ends, in text that comes in pieces.

Parsers use it to tell the arguments of a call from what follows them without parsing anything
twice: each character is looked at once, by a regular expression, and nothing is kept but a depth
and a few flags. It does not judge the value; it only balances brackets outside strings, in single
quotes too where a key or value starts, as in a Python repr.
"""

import re

from strategies.protocols.json.matching import past

_STRING = r"""["][^"\\]*+(?:\\.[^"\\]*+)*+["]"""
_PLAIN = rf"""[^"'{{}}\[\]]*+(?:{_STRING}[^"'{{}}\[\]]*+)*+"""
# Strings, and brackets that hold nothing but plain things, are passed over in one go.
_PASSED = re.compile(rf"""{_PLAIN}(?:(?:\{{{_PLAIN}\}}|\[{_PLAIN}\]){_PLAIN})*+""", re.DOTALL)
_IN_STRING = {
    '"': re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL),
    "'": re.compile(r"[^'\\]*+(?:\\.[^'\\]*+)*+", re.DOTALL),
}
_BRACKET_OR_STRING = re.compile(rf"{_STRING}|[{{}}\[\]]", re.DOTALL)
_FLAT = rf"""[^"{{}}\[\]]*+(?:{_STRING}[^"{{}}\[\]]*+)*+"""
_OUTER_BRACKET = re.compile(rf"{_STRING}|[{{\[]{_FLAT}[}}\]]|[{{}}\[\]]", re.DOTALL)
_SEPARATOR = re.compile(r"[\s,;]*")
_FIRST = frozenset("\"'{}[]")
_SCALAR_END = re.compile(r"""[\s,;:<>{}\[\]"'`]""")
_BLANK = re.compile(r"[\s\ufeff]*")
_BEFORE_A_STRING = frozenset(("", "{", "[", ",", ":"))


class JsonSpan:
    """Finds the end of the JSON value that the text starts with, after white space."""

    def __init__(self) -> None:
        self.depth = 0
        """How many brackets are open."""
        self._quote = ""
        self._escaped = False
        self._scalar = False
        self._before = ""
        """The last character outside strings that is not white space."""

    @property
    def in_string(self) -> bool:
        """Whether the text so far ends inside a string."""
        return bool(self._quote)

    def feed(self, text: str, start: int = 0, end: int | None = None) -> int | None:
        """Take the next piece; return how much of it the value still fills if it ends here.

        `start`, `end`: where in the text the piece stands; it need not be cut out.
        """
        end = len(text) if end is None else end
        at = start
        while at < end:
            if self._quote:
                at = self._string(text, at, end)
            elif self._before and not self._scalar:
                at = self._brackets(text, at, end)
            else:
                at = self._first(text, at, end)
            if self._before and not (self.depth or self._quote or self._scalar):
                return at - start
        return None

    def _first(self, text: str, at: int, end: int) -> int:
        """Take the start of the value, or all of it where it is a number or a literal."""
        if not self._scalar:
            at = past(_BLANK, text, at, end)
            if at >= end:
                return at
            if text[at] in _FIRST:
                return self._bracket(text, at)
            self._scalar = True
        found = _SCALAR_END.search(text, at, end)
        self._before = text[at]
        self._scalar = not found
        return found.start() if found else end

    def _string(self, text: str, at: int, end: int) -> int:
        if self._escaped:
            self._escaped = False
            return at + 1
        at = past(_IN_STRING[self._quote], text, at, end)
        if at == end:
            return at
        if text[at] == "\\":  # the last character: its partner is in the next piece
            self._escaped = True
        else:
            self._before = self._quote
            self._quote = ""
        return at + 1

    def _brackets(self, text: str, at: int, end: int) -> int:
        passed = past(_PASSED, text, at, end)
        if passed > at:
            self._before = text[at:passed].rstrip()[-1:] or self._before
        return passed if passed == end else self._bracket(text, passed)

    def _bracket(self, text: str, at: int) -> int:
        char = text[at]
        if char in "{[":
            self.depth += 1
        elif char in "}]":
            self.depth = max(0, self.depth - 1)
        elif char == '"' or self._before in _BEFORE_A_STRING:
            self._quote = char
        self._before = char
        return at + 1


def split_objects(text: str) -> list[str]:
    """Split objects written one after another, `{…}{…}`, into the text of each.

    What cannot be split comes back whole, as one piece.
    """
    pieces: list[str] = []
    at = past(_SEPARATOR, text, 0)
    while text.startswith("{", at):
        end = JsonSpan().feed(text, at)
        if end is None:
            break
        pieces.append(text[at : at + end])
        at = past(_SEPARATOR, text, at + end)
    if pieces and not text[at:].strip():
        return pieces
    return [text]


def exceeds_depth(text: str, limit: int) -> bool:
    """Tell whether the brackets of strict JSON nest deeper than `limit`."""
    if text.count("[") + text.count("{") <= limit:
        return False
    # Brackets without others in them are most of a document, and make it deeper by one only.
    return _nests(_OUTER_BRACKET, text, limit - 1) and _nests(_BRACKET_OR_STRING, text, limit)


def _nests(brackets: re.Pattern[str], text: str, limit: int) -> bool:
    depth = 0
    for bracket in brackets.finditer(text):
        if bracket[0] in "{[":
            depth += 1
            if depth > limit:
                return True
        elif bracket[0] in "}]":
            depth -= 1
    return False

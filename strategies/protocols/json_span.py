"""Where one JSON value ends, in text that comes in pieces.

Parsers use it to tell the arguments of a call from what follows them without parsing anything
twice: each character is looked at once, by a regular expression, and nothing is kept but a depth
and a few flags. It does not judge the value; it only balances brackets outside strings, in single
quotes too where a key or value starts, as in a Python repr.
"""

import re

_OUTSIDE = re.compile(r"""["'{}\[\]]""")
_IN_STRING = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}
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

    def feed(self, text: str) -> int | None:
        """Take the next piece; return how much of it the value still fills if it ends here."""
        at = 0
        while at < len(text):
            if self._quote:
                at = self._string(text, at)
            elif self._scalar or self._starts_scalar(text, at):
                return self._literal(text, at)
            else:
                at = self._brackets(text, at)
            if self._before and not (self.depth or self._quote or self._scalar):
                return at
        return None

    def _starts_scalar(self, text: str, at: int) -> bool:
        if self.depth or self._before:
            return False
        blank = _BLANK.match(text, at)
        first = text[blank.end() : blank.end() + 1] if blank else ""
        self._scalar = bool(first) and not _OUTSIDE.match(first)
        return self._scalar

    def _literal(self, text: str, at: int) -> int | None:
        if not self._before:
            blank = _BLANK.match(text, at)
            at = blank.end() if blank else at
            self._before = text[at]
            at += 1
        end = _SCALAR_END.search(text, at)
        return end.start() if end else None

    def _string(self, text: str, at: int) -> int:
        if self._escaped:
            self._escaped = False
            return at + 1
        found = _IN_STRING[self._quote].search(text, at)
        if not found:
            return len(text)
        if found[0] == "\\":
            self._escaped = True
        else:
            self._before = self._quote
            self._quote = ""
        return found.end()

    def _brackets(self, text: str, at: int) -> int:
        found = _OUTSIDE.search(text, at)
        end = found.start() if found else len(text)
        if found and found[0] != "'":
            self._before = found[0]
        elif end > at:
            self._before = text[at:end].rstrip()[-1:] or self._before
        if not found:
            return end
        match found[0]:
            case "{" | "[":
                self.depth += 1
            case "}" | "]":
                self.depth = max(0, self.depth - 1)
            case '"':
                self._quote = '"'
            case _ if self._before in _BEFORE_A_STRING:
                self._quote = "'"
            case _:
                self._before = "'"
        return found.end()


def split_objects(text: str) -> list[str]:
    """Split objects written one after another, `{…}{…}`, into the text of each.

    What cannot be split comes back whole, as one piece.
    """
    pieces: list[str] = []
    at = _separated(text, 0)
    while text.startswith("{", at):
        end = JsonSpan().feed(text[at:])
        if end is None:
            break
        pieces.append(text[at : at + end])
        at = _separated(text, at + end)
    if pieces and not text[at:].strip():
        return pieces
    return [text]


_SEPARATOR = re.compile(r"[\s,;]*")


def _separated(text: str, at: int) -> int:
    found = _SEPARATOR.match(text, at)
    return found.end() if found else at

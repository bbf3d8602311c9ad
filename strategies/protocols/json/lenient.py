"""A reader of JSON as models write it, for text that strict JSON refuses.

It forgives what has one plain meaning: white space of all kinds, comments, single and smart
quotes, unquoted keys, Python's literals, trailing commas, full-width punctuation, bad escapes
(kept as they stand) and closers that are missing at the end. Wrong punctuation (a comma that is
missing, a bracket too many) is marked `repaired`. What takes a guess at a value, such as a quote
inside a string that was not escaped, is read too and marked `guessed`; what was cut short is marked
`truncated`: nobody runs either.

One pass with an explicit stack: linear time, no recursion. Brackets that are strict JSON are read
in C; attempts at that look at the text a few times at the most. Every guess looks ahead a bounded
way.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from strategies.protocols.json.brackets import OpenBrackets
from strategies.protocols.json.malformed import MalformedError
from strategies.protocols.json.marks import (
    BLANK_STARTS,
    CLOSERS,
    COLONS,
    COMMAS,
    FENCE,
    KEY_AHEAD,
    OPENERS,
    REST_OF_KEY,
    skip_blank,
)
from strategies.protocols.json.scalars import DOUBLE_QUOTES, QUOTES, bare_value
from strategies.protocols.json.strict import StrictBrackets
from strategies.protocols.json.strings import Strings

_NUMBERS = re.compile(r"(?:-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?[ \n]*,[ \n]*)++")
"""Items that need no look at each: `1, 2.5, ` in `[1, 2.5, "x"]`."""
_ELLIPSES = ("...", "…")
_MEMBER_AFTER_ROOT = re.compile(r"""\s*,\s*(?:"[^"\n]{0,200}"|'[^'\n]{0,200}')\s*:""")
"""What shows that the closer before it is one too many: `, "b":` in `{"a": 1}, "b": 2}`."""
_LOOK_BACK = 64
_BARE_KEY = re.compile(r"[^:：,，{}\[\]｛｝［］\"'“”\n]++")
"""`a b` in `{a b: 1}`."""
_BARE = re.compile(r"(?:(?!/\*|[ \t](?://|\#)|```)[^,，{}\[\]｛｝［］()\"“”\n])++")
"""`True` in `{"a": True}`, up to a comment or a fence."""
_NEW_LINE = re.compile(r"\n[ \t\r]*\Z")
_JUNK = re.compile(r"[^,，{}\[\]｛｝［］()\"'“”:：\n]++")
"""` true` in `{"a": "x" true}`."""
_KEY_IN_BARE = re.compile(r"\w\s*[:：]\s")
"""What shows a text that lacks its quotes: `e: ` in `{"a": see here: now}`."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What comes next; it consumes something or passes on to one that will."""

    take: Callable[["_Reader"], "_Step"]
    cut_by_end: bool = False
    """If the text ends here, more was to come: `[1,`"""
    cut_by_fence: bool = False
    """Even if a fence ends it here, which is a wilful end: `{"a":` and three backticks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LenientValue:
    """One value read from the text, and how it was read."""

    value: object
    end: int
    repaired: bool
    guessed: bool
    truncated: bool
    lost: str
    """A key that was given two values; blank where there is none."""


def read(text: str, at: int = 0, *, guess_strings: bool = True) -> LenientValue:
    """Read the value that starts at `at`.

    Args:
        text: what the model wrote.
        at: where to begin.
        guess_strings: take a quote that seems to end no string for a part of one.

    Raises:
        MalformedError: there is no value to be read there.
    """
    return _Reader(text, at, guess_strings=guess_strings).read()


class _Reader:
    """One reading, step by step."""

    def __init__(self, text: str, at: int, *, guess_strings: bool) -> None:
        self._text = text
        self._at = at
        self._brackets = OpenBrackets()
        self._strings = Strings(text, self._brackets, guess=guess_strings)
        self._strict = StrictBrackets(text, at)
        self._root: object = None
        self._done = False
        self._repaired = False
        self._guessed = False
        self._lost = ""
        self._truncated = False

    def read(self) -> LenientValue:
        step = _VALUE
        while not self._done:
            char = self._text[self._at : self._at + 1]
            if char in BLANK_STARTS:
                self._at = skip_blank(self._text, self._at)
                char = self._text[self._at : self._at + 1]
            if not char or (char == "`" and self._text.startswith(FENCE, self._at)):
                self._finish(step)
            else:
                step = step.take(self)
        guessed = self._guessed or self._strings.guessed
        return LenientValue(
            value=self._root,
            end=self._at,
            repaired=self._repaired or guessed,
            guessed=guessed,
            truncated=self._truncated or self._strings.truncated,
            lost=self._lost,
        )

    # ---- brackets

    def _finish(self, step: _Step) -> None:
        """Close what is open: at the end of the text, or at a fence."""
        if not self._brackets.depth:
            raise MalformedError("there is no JSON value", self._at)
        at_end = self._at >= len(self._text)
        self._truncated |= step.cut_by_end if at_end else step.cut_by_fence
        while self._brackets.depth:
            self._pop()

    def _pop(self) -> None:
        self._keep(self._brackets.pop().value())

    def _keep(self, value: object) -> None:
        if self._brackets.depth:
            self._lost = self._brackets.inner.add(value) or self._lost
        else:
            self._root = value
            self._done = True

    def _push(self) -> _Step:
        if self._read_at_once():
            return _NEXT
        self._brackets.push(self._text[self._at], self._at)
        self._at += 1
        return _KEY if self._brackets.in_object else _ITEM

    def _read_at_once(self) -> bool:
        """Read the whole bracket in C if it is strict JSON, or is once it is spelled as JSON."""
        read = self._strict.read(self._at, self._brackets.depth)
        if not read:
            return False
        value, end = read
        if not self._brackets.depth and _MEMBER_AFTER_ROOT.match(self._text, end):
            return False
        self._at = end
        self._keep(value)
        return True

    def _close(self) -> _Step:
        """Take a closer; it may belong to an outer bracket, or to none."""
        brackets = self._brackets
        closer = CLOSERS[self._text[self._at]]
        self._at += 1
        if not brackets.awaits(closer):
            self._repaired = True
        elif brackets.inner.doubled and closer == "}":
            brackets.inner.doubled -= 1
        elif brackets.depth == 1 and _MEMBER_AFTER_ROOT.match(self._text, self._at):
            self._repaired = True
        else:
            while brackets.inner.closer != closer:
                self._repaired = True
                self._pop()
            self._pop()
        return _NEXT

    # ---- steps

    def key(self) -> _Step:
        char = self._text[self._at]
        if char in CLOSERS:
            return self._close()
        if self._skip_filler(char):
            return _KEY
        top = self._brackets.inner
        if char in "{｛" and not top.members:
            top.doubled += 1
            self._at += 1
            return _KEY
        if char in QUOTES:
            top.key, self._at = self._strings.key(self._at)
        else:
            top.key = self._bare_key()
        return _COLON

    def colon(self) -> _Step:
        if self._text[self._at] not in COLONS:
            key = _short(self._brackets.inner.key)
            raise MalformedError(f"there is no colon after the key {key}", self._at)
        self._at += 1
        return _VALUE

    def value(self) -> _Step:
        char = self._text[self._at]
        if char in OPENERS:
            return self._push()
        if self._brackets.depth and (char in CLOSERS or char in COMMAS):
            key = _short(self._brackets.inner.key)
            raise MalformedError(f"the key {key} has no value", self._at)
        if char in QUOTES:
            value, self._at = self._strings.value(self._at)
        else:
            value = self._bare()
        self._keep(value)
        return _NEXT

    def item(self) -> _Step:
        char = self._text[self._at]
        if char in CLOSERS:
            return self._close()
        if self._skip_filler(char):
            return _ITEM
        if numbers := _NUMBERS.match(self._text, self._at):
            self._brackets.inner.items.extend(json.loads(f"[{numbers[0].rstrip()[:-1]}]"))
            self._at = numbers.end()
            return _ITEM
        return self.value()

    def next(self) -> _Step:
        """After a value: a comma, a closer, or what stands there for want of a comma."""
        text, at = self._text, self._at
        char = text[at]
        in_object = self._brackets.in_object
        following = _KEY if in_object else _ITEM
        if char in COMMAS:
            self._at += 1
            return following
        if char in CLOSERS:
            return self._close()
        if text.startswith(_ELLIPSES, at):
            return following
        self._repaired = True
        if in_object and KEY_AHEAD.match(text, at):
            return _KEY
        new_line = bool(_NEW_LINE.search(text, max(at - _LOOK_BACK, 0), at))
        if not in_object and (char in QUOTES or char in OPENERS or new_line):
            return _ITEM
        if new_line:
            raise MalformedError("there is no comma after a value", at)
        return self._junk()

    def _junk(self) -> _Step:
        """Pass over bare words after a value: `"x" true}`."""
        junk = _JUNK.match(self._text, self._at)
        if not junk:
            raise MalformedError("there is no comma after a value", self._at)
        self._at = junk.end()
        self._guessed = True
        self._truncated = self._truncated or self._at >= len(self._text)
        return _NEXT

    def _skip_filler(self, char: str) -> bool:
        """Pass over a comma too many, or an ellipsis that stands for more of the same."""
        if char in COMMAS:
            self._at += 1
            return True
        for ellipsis in _ELLIPSES:
            if self._text.startswith(ellipsis, self._at):
                self._at += len(ellipsis)
                return True
        return False

    # ---- keys and values

    def _bare_key(self) -> str:
        found = _BARE_KEY.match(self._text, self._at)
        if not found:
            raise MalformedError("a key is missing", self._at)
        end = found.end()
        if self._text[end : end + 1] in DOUBLE_QUOTES and REST_OF_KEY.match(
            self._text, max(self._at, end - 1)
        ):
            self._repaired = True
            end += 1
        self._at = end
        return found[0].strip()

    def _bare(self) -> object:
        found = _BARE.match(self._text, self._at)
        raw = found[0].strip() if found else ""
        if not found or not raw:
            raise MalformedError("a value is missing", self._at)
        cut = found.end() >= len(self._text) and self._brackets.depth > 0
        bare = bare_value(raw, cut=cut)
        if not bare:
            raise MalformedError(f"{raw} is not a JSON value; use null or a string", self._at)
        if bare.guessed and _KEY_IN_BARE.search(raw):
            raise MalformedError("a text stands without quotes", self._at)
        self._at = found.end()
        self._truncated |= cut and not bare.whole
        self._guessed |= bare.guessed
        return bare.value


_KEY = _Step(_Reader.key, cut_by_end=True)
_COLON = _Step(_Reader.colon, cut_by_end=True, cut_by_fence=True)
_VALUE = _Step(_Reader.value, cut_by_end=True, cut_by_fence=True)
_ITEM = _Step(_Reader.item, cut_by_end=True)
_NEXT = _Step(_Reader.next)


def _short(key: str) -> str:
    limit = 40
    return repr(key if len(key) <= limit else key[:limit] + "…")

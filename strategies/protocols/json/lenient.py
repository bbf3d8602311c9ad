"""A reader of JSON as models write it, for text that strict JSON refuses.

It forgives what has one plain meaning: white space of all kinds, comments, single and smart
quotes, unquoted keys, Python's literals, trailing commas, full-width punctuation, bad escapes
(kept as they stand) and closers that are missing at the end. Wrong punctuation (a comma that is
missing, a bracket too many) is marked `repaired`. What takes a guess at a value, such as a quote
inside a string that was not escaped, is read too and marked `guessed`; what was cut short is marked
`truncated`: nobody runs either.

One pass with an explicit stack: linear time, no recursion. Every guess looks ahead a bounded way.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from strategies.protocols.json import spelling as json_spelling
from strategies.protocols.json.scalars import (
    DOUBLE_QUOTES,
    QUOTES,
    bare_value,
    unescape,
    without_cut_escape,
)
from strategies.protocols.json.span import exceeds_depth, past


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def _without_loss(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs) and any(members[key] != value for key, value in pairs):
        _refuse("a key with two values")
    return members


STRICT = json.JSONDecoder(
    strict=False,
    parse_constant=_refuse,
    parse_float=_finite,
    object_pairs_hook=_without_loss,
)
"""Plain JSON, with control characters allowed, without NaN, infinite numbers and lost values."""

DEPTH_LIMIT = 200
"""Deeper values are refused: nobody nests that far, and those who read them later recurse."""

_BLANK = re.compile(
    r"(?:[\s\ufeff\u200b\u2060]++|//[^\n]*+|\#[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/|\Z))*+"
)
_NUMBERS = re.compile(r"(?:-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?[ \n]*,[ \n]*)++")
_BLANK_STARTS = frozenset("/#\ufeff\u200b\u2060\u3000") | frozenset(
    chr(code) for code in range(0x3000) if chr(code).isspace()
)
_ELLIPSES = ("...", "…")
_FENCE = "```"
_TRIPLE = ('"""', "'''")
_OPENERS = {"{": "}", "｛": "}", "[": "]", "［": "]", "(": ")"}
_CLOSERS = {"}": "}", "｝": "}", "]": "]", "］": "]", ")": ")"}
_COMMAS = frozenset(",，、")
_COLONS = frozenset(":：")


def _string_body(ends: str) -> re.Pattern[str]:
    return re.compile(rf"[^{ends}\\]*+(?:\\.[^{ends}\\]*+)*+", re.DOTALL)


_BODIES = (
    {'"': _string_body('"'), "'": _string_body("'")}
    | dict.fromkeys("“”„", _string_body('"“”'))
    | dict.fromkeys("‘’`´", _string_body("'‘’`´"))
)
_KEY = (
    r"""(?:"(?:[^"\\]|\\.){0,200}+"|'(?:[^'\\]|\\.){0,200}+'|“[^”\n]{0,200}”"""
    r"""|\w[\w$-]{0,100})\s{0,200}[:：]"""
)
_KEY_AHEAD = re.compile(_KEY)
_CUT_KEY = r"""(?:"(?:[^"\\]|\\.){0,200}+"?|'(?:[^'\\]|\\.){0,200}+'?)\\?\s{0,200}\Z"""
_MEMBER_AHEAD = re.compile(rf"{_KEY}|{_CUT_KEY}|[}}\]｝］,，#…]|//|/\*|\.\.\.|```|\Z")
_ITEM_AHEAD = re.compile(
    r"[\"'“‘{\[(}\]｛［｝］,，\d…#-]|true|false|null|None|True|False|//|/\*|\.\.\.|```|\Z"
)
_REST_OF_KEY = re.compile(r"[\w$ .-]{1,100}[\"”]\s{0,200}[:：]")
_COMMA_AT_END = re.compile(r"[,，]\s*\Z")
_KEY_INSIDE = re.compile(r"[,，]\s*[^\W\d]\w*\s*[:：]")
_CLOSERS_AT_END = re.compile(r"[\s}\])]*+\Z")
_MEMBER_AFTER_ROOT = re.compile(r"""\s*,\s*(?:"[^"\n]{0,200}"|'[^'\n]{0,200}')\s*:""")
_LOOK_BACK, _LOOK_AHEAD = 64, 200
_LONGEST_KEY = 500
_ATTEMPTS, _REREADS = 100, 4

_BARE_KEY = re.compile(r"[^:：,，{}\[\]｛｝［］\"'“”\n]++")
_BARE = re.compile(r"(?:(?!/\*|[ \t](?://|\#)|```)[^,，{}\[\]｛｝［］()\"“”\n])++")
_NEW_LINE = re.compile(r"\n[ \t\r]*\Z")
_JUNK = re.compile(r"[^,，{}\[\]｛｝［］()\"'“”:：\n]++")
_KEY_IN_BARE = re.compile(r"\w\s*[:：]\s")

type _Step = Callable[[], "_Step"]


class MalformedError(Exception):
    """The text cannot be read as a value; `at` is where that became plain."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at


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


@dataclass(slots=True)
class _Open:
    """A bracket that is still open."""

    closer: str
    members: dict[str, object] = field(default_factory=dict[str, object])
    items: list[object] = field(default_factory=list[object])
    key: str = ""
    doubled: int = 0
    """Openers of `{{…}}` beyond the first."""

    def lost_by(self, value: object) -> str:
        """Name the key whose value would be lost to another one; blank where none is."""
        is_lost = self.closer == "}" and self.members.get(self.key, value) != value
        return self.key if is_lost else ""

    def add(self, value: object) -> None:
        if self.closer == "}":
            self.members[self.key] = value
        else:
            self.items.append(value)

    def value(self) -> object:
        if self.closer == "}":
            return self.members
        if self.closer == ")" and len(self.items) == 1:
            return self.items[0]
        return self.items


def read(text: str, at: int = 0, *, sure: bool = False) -> LenientValue:
    """Read the value that starts at `at`; `sure` allows no guess about strings.

    Raises:
        MalformedError: there is no value to be read there.
    """
    return _Reader(text, at, sure=sure).read()


def skip_blank(text: str, at: int) -> int:
    """Return where the white space and comments that start at `at` end."""
    return past(_BLANK, text, at)


class _Reader:
    """One reading; each step consumes something and returns the step that follows."""

    def __init__(self, text: str, at: int, *, sure: bool) -> None:
        self._text = text
        self._at = at
        self._sure = sure
        self._open: list[_Open] = []
        self._counts = {"}": 0, "]": 0, ")": 0}
        self._root: object = None
        self._done = False
        self._repaired = False
        self._guessed = False
        self._lost = ""
        self._truncated = False
        self._ends_are_lost = False
        """No later quote ends a string properly, so a doubtful one must do."""
        self._unclosed: set[str] = set()
        """Triple quotes that do not come again."""
        self._strict_attempts = _ATTEMPTS  # each failure counts the lines before it: that adds up
        self._strict_budget = _REREADS * (len(text) - at)
        self._spelling_attempts = _ATTEMPTS

    def read(self) -> LenientValue:
        step: _Step = self._value
        while not self._done:
            char = self._text[self._at : self._at + 1]
            if char in _BLANK_STARTS:
                self._at = skip_blank(self._text, self._at)
                char = self._text[self._at : self._at + 1]
            if not char or (char == "`" and self._text.startswith(_FENCE, self._at)):
                self._finish(step)
            else:
                step = step()
        return LenientValue(
            value=self._root,
            end=self._at,
            repaired=self._repaired or self._guessed,
            guessed=self._guessed,
            truncated=self._truncated,
            lost=self._lost,
        )

    # ---- brackets

    def _finish(self, waiting: _Step) -> None:
        """Close what is open: at the end of the text, or at a fence, which is a wilful end."""
        if not self._open:
            raise MalformedError("there is no JSON value", self._at)
        at_end = self._at >= len(self._text)
        if waiting in (self._value, self._colon) or (at_end and waiting != self._next):
            self._truncated = True
        while self._open:
            self._pop()

    def _pop(self) -> None:
        closed = self._open.pop()
        self._counts[closed.closer] -= 1
        self._keep(closed.value())

    def _keep(self, value: object) -> None:
        if self._open:
            self._lost = self._open[-1].lost_by(value) or self._lost
            self._open[-1].add(value)
        else:
            self._root = value
            self._done = True

    def _push(self) -> _Step:
        if self._read_at_once():
            return self._next
        closer = _OPENERS[self._text[self._at]]
        if len(self._open) >= DEPTH_LIMIT:
            raise MalformedError(f"it is nested more than {DEPTH_LIMIT} levels deep", self._at)
        self._at += 1
        self._counts[closer] += 1
        self._open.append(_Open(closer))
        return self._key if closer == "}" else self._item

    def _read_at_once(self) -> bool:
        """Read the whole bracket in C if it is strict JSON, or is once it is spelled as JSON."""
        read = self._strictly()
        if not read:
            return False
        value, end = read
        if not self._open and _MEMBER_AFTER_ROOT.match(self._text, end):
            return False
        self._at = end
        self._keep(value)
        return True

    def _strictly(self) -> tuple[object, int] | None:
        """Read strict JSON; attempts that fail may together look at the text a few times."""
        at = self._at
        if self._strict_attempts <= 0 or self._strict_budget <= 0:
            return self._respelled()
        try:
            value, end = STRICT.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            self._strict_budget -= error.pos - at
            self._strict_attempts -= 1
            return self._respelled() if json_spelling.may_help(error) else None
        except (ValueError, RecursionError):
            self._strict_attempts = 0
            return None
        if exceeds_depth(self._text[at:end], DEPTH_LIMIT - len(self._open)):
            raise MalformedError(f"it is nested more than {DEPTH_LIMIT} levels deep", at)
        return value, end

    def _respelled(self) -> tuple[object, int] | None:
        if self._spelling_attempts <= 0 or len(self._open) + json_spelling.DEPTH > DEPTH_LIMIT:
            return None
        found = json_spelling.rewritten(self._text, self._at)
        if not found:
            return None
        try:
            return STRICT.decode(found[0]), found[1]
        except ValueError:
            self._spelling_attempts -= 1
            return None

    def _close(self) -> _Step:
        """Take a closer; it may belong to an outer bracket, or to none."""
        closer = _CLOSERS[self._text[self._at]]
        self._at += 1
        if not self._counts[closer]:
            self._repaired = True
        elif self._open[-1].doubled and closer == "}":
            self._open[-1].doubled -= 1
        elif len(self._open) == 1 and _MEMBER_AFTER_ROOT.match(self._text, self._at):
            self._repaired = True
        else:
            while self._open[-1].closer != closer:
                self._repaired = True
                self._pop()
            self._pop()
        return self._next

    # ---- steps

    def _key(self) -> _Step:
        char = self._text[self._at]
        if char in _CLOSERS:
            return self._close()
        if self._skip_filler(char):
            return self._key
        top = self._open[-1]
        if char in "{｛" and not top.members:
            top.doubled += 1
            self._at += 1
            return self._key
        if char in QUOTES:
            top.key = self._string(self._ends_key)
        else:
            top.key = self._bare_key()
        return self._colon

    def _colon(self) -> _Step:
        if self._text[self._at] not in _COLONS:
            key = _short(self._open[-1].key)
            raise MalformedError(f"there is no colon after the key {key}", self._at)
        self._at += 1
        return self._value

    def _value(self) -> _Step:
        char = self._text[self._at]
        if char in _OPENERS:
            return self._push()
        if self._open and (char in _CLOSERS or char in _COMMAS):
            key = _short(self._open[-1].key)
            raise MalformedError(f"the key {key} has no value", self._at)
        if not self._triple_quoted():
            self._keep(self._string(self._ends_value) if char in QUOTES else self._bare())
        return self._next

    def _item(self) -> _Step:
        char = self._text[self._at]
        if char in _CLOSERS:
            return self._close()
        if self._skip_filler(char):
            return self._item
        if numbers := _NUMBERS.match(self._text, self._at):
            self._open[-1].items.extend(json.loads(f"[{numbers[0].rstrip()[:-1]}]"))
            self._at = numbers.end()
            return self._item
        return self._value()

    def _next(self) -> _Step:
        """After a value: a comma, a closer, or what stands there for want of a comma."""
        text, at = self._text, self._at
        char = text[at]
        in_object = self._open[-1].closer == "}"
        following = self._key if in_object else self._item
        if char in _COMMAS:
            self._at += 1
            return following
        if char in _CLOSERS:
            return self._close()
        if text.startswith(_ELLIPSES, at):
            return following
        self._repaired = True
        if in_object and _KEY_AHEAD.match(text, at):
            return self._key
        new_line = bool(_NEW_LINE.search(text, max(at - _LOOK_BACK, 0), at))
        if not in_object and (char in QUOTES or char in _OPENERS or new_line):
            return self._item
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
        return self._next

    def _skip_filler(self, char: str) -> bool:
        """Pass over a comma too many, or an ellipsis that stands for more of the same."""
        if char in _COMMAS:
            self._at += 1
            return True
        for ellipsis in _ELLIPSES:
            if self._text.startswith(ellipsis, self._at):
                self._at += len(ellipsis)
                return True
        return False

    # ---- what stands without quotes

    def _bare_key(self) -> str:
        found = _BARE_KEY.match(self._text, self._at)
        if not found:
            raise MalformedError("a key is missing", self._at)
        end = found.end()
        if self._text[end : end + 1] in DOUBLE_QUOTES and _REST_OF_KEY.match(
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
        cut = found.end() >= len(self._text) and bool(self._open)
        bare = bare_value(raw, cut=cut)
        if not bare:
            raise MalformedError(f"{raw} is not a JSON value; use null or a string", self._at)
        if bare.guessed and _KEY_IN_BARE.search(raw):
            raise MalformedError("a text stands without quotes", self._at)
        self._at = found.end()
        self._truncated |= cut and not bare.whole
        self._guessed |= bare.guessed
        return bare.value

    # ---- strings

    def _string(self, is_end: Callable[[int], bool]) -> str:
        """Read a string; a quote that nothing fitting follows belongs to the string itself."""
        text = self._text
        body = _BODIES[text[self._at]]
        start = self._at + 1
        doubtful = -1
        at = start
        while True:
            found = body.match(text, at)
            end = found.end() if found else len(text)
            if end >= len(text) or text[end] == "\\":
                break
            if self._ends_are_lost or is_end(end + 1):
                if doubtful >= 0:
                    self._guessed = True
                    # Behind a quote that was passed over, the end of the text proves nothing.
                    self._truncated |= self._peek(end + 1) >= len(text)
                return self._take(start, end, end + 1)
            if self._lacks_end(start, end):
                self._guessed = True
                comma = start + len(text[start:end].rstrip()) - 1
                return self._take(start, comma, comma)
            if self._sure:
                raise MalformedError("a string does not end", end)
            doubtful = end if doubtful < 0 else doubtful
            at = end + 1
            if is_end == self._ends_key and at - start > _LONGEST_KEY:
                break
        if doubtful < 0:
            return self._cut_string(start)
        self._guessed = self._ends_are_lost = True
        return self._take(start, doubtful, doubtful + 1)

    def _triple_quoted(self) -> bool:
        """Read a text in Python's triple quotes, if one is closed."""
        quotes = self._text[self._at : self._at + 3]
        if quotes not in _TRIPLE or quotes in self._unclosed:
            return False
        end = self._text.find(quotes, self._at + 3)
        if end < 0:
            self._unclosed.add(quotes)
            return False
        self._keep(self._take(self._at + 3, end, end + 3))
        return True

    def _take(self, start: int, end: int, then: int) -> str:
        self._at = then
        return unescape(self._text[start:end])

    def _ends_key(self, after: int) -> bool:
        after = self._peek(after)
        return after >= len(self._text) or self._text[after] in _COLONS

    def _peek(self, at: int) -> int:
        """Skip white space and comments, but not so far that many peeks would cost much."""
        found = _BLANK.match(self._text, at, at + _LOOK_AHEAD)
        return found.end() if found else at

    def _ends_value(self, quote_end: int) -> bool:
        """Tell whether what follows a quote shows that it ended a value."""
        text = self._text
        after = self._peek(quote_end)
        if after >= len(text) or not self._open or text.startswith(_FENCE, after):
            return True
        char = text[after]
        in_object = self._open[-1].closer == "}"
        if char in _CLOSERS:
            return bool(self._counts[_CLOSERS[char]])
        if char in _COMMAS:
            ahead = _MEMBER_AHEAD if in_object else _ITEM_AHEAD
            return bool(ahead.match(text, self._peek(after + 1)))
        if in_object:
            apart = after > quote_end or char in QUOTES
            return apart and bool(_KEY_AHEAD.match(text, after))
        return char in QUOTES or char in _OPENERS

    def _lacks_end(self, start: int, end: int) -> bool:
        """Tell whether this quote opens the next key: `"a": "b, "c": 1`."""
        return (
            bool(_COMMA_AT_END.search(self._text, max(start, end - _LOOK_BACK), end))
            and bool(self._open)
            and self._open[-1].closer == "}"
            and bool(_REST_OF_KEY.match(self._text, end + 1))
        )

    def _cut_string(self, start: int) -> str:
        """Read a string that never ends, as well as can be: it is shown, not run."""
        text = self._text
        self._truncated = True
        closers = _CLOSERS_AT_END.search(text, max(start, len(text) - 2 * DEPTH_LIMIT))
        closing = closers.start() if closers else len(text)
        written = "".join(text[closing:].split())
        if written and written == "".join(top.closer for top in reversed(self._open)):
            if key := _KEY_INSIDE.search(text, start, closing):
                return self._take(start, key.start(), key.start())
            if len(written) > 1:
                return self._take(start, closing, closing)
        self._at = len(text)
        return unescape(without_cut_escape(text[start:]))


def _short(key: str) -> str:
    limit = 40
    return repr(key if len(key) <= limit else key[:limit] + "…")

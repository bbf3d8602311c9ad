r"""Strings, numbers and literals as models write them, once their extent is known.

Nothing is lost on the way: an escape that JSON does not know stays as it stands (`C:\Users`,
`\d+`), and a number that is none ("05", "1/3") stays a string.
"""

import re
from dataclasses import dataclass

DOUBLE_QUOTES = frozenset('"“”„')
QUOTES = DOUBLE_QUOTES | frozenset("'‘’`´")

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CUT_ESCAPE = re.compile(r"(\\*)\\(?:u[0-9a-fA-F]{0,3})?\Z")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\"} | {
    quote: quote for quote in QUOTES
}
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*+)\Z")
_DECIMAL = re.compile(r"([+-]?(?:(?:0|[1-9][0-9]*+)(?:\.[0-9]*+)?|\.[0-9]++))([eE][+-]?[0-9]*+)?\Z")
_HEX = re.compile(r"[+-]?0[xX][0-9a-fA-F]{1,64}\Z")
_LONGEST_INTEGER = 4000  # Python refuses to convert much longer ones
_LITERALS: dict[str, object] = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "null": None,
    "None": None,
    "NULL": None,
    "undefined": None,
}
_NO_VALUES = frozenset(
    ("-", "+", "NaN", "nan", "Infinity", "-Infinity", "+Infinity", "inf", "-inf")
)


@dataclass(frozen=True, slots=True)
class Bare:
    """A value that stood without quotes."""

    value: object
    guessed: bool = False
    """It is neither a number nor a literal, or not quite: what it means had to be guessed."""
    whole: bool = False
    """It is a literal, to which nothing can be added: it cannot have been cut."""


def unescape(raw: str) -> str:
    """Resolve the escapes of a string; unknown ones stay."""
    if "\\" not in raw:
        return raw
    text = _ESCAPE.sub(_resolve, raw)
    return _SURROGATE_PAIR.sub(_join_surrogates, text)


def without_cut_escape(raw: str) -> str:
    """Drop an escape that the end of the text cut in two."""
    found = _CUT_ESCAPE.search(raw[-64:])
    if found and len(found[1]) % 2 == 0:
        return raw[: len(raw) - len(found[0]) + len(found[1])]
    return raw


def bare_value(raw: str, *, cut: bool) -> Bare | None:
    """Read a value without quotes, perhaps cut; None if JSON has no place for it (NaN)."""
    if raw in _LITERALS:
        return Bare(_LITERALS[raw], whole=True)
    if cut and any(literal.startswith(raw) for literal in (*_LITERALS, "-")):
        return Bare(None)
    return None if raw in _NO_VALUES else _number_or_text(raw)


def _number_or_text(raw: str) -> Bare:
    if _INTEGER.match(raw) and len(raw) < _LONGEST_INTEGER:
        return Bare(int(raw))
    if _HEX.match(raw):
        return Bare(int(raw, 16))
    if decimal := _DECIMAL.match(raw):
        return _decimal(decimal[1], decimal[2] or "")
    return Bare(raw, guessed=True)


def _decimal(digits: str, exponent: str) -> Bare:
    guessed = bool(exponent) and not exponent[-1].isdigit()
    if guessed:
        exponent = ""
    if not exponent and _INTEGER.match(digits):
        if len(digits) >= _LONGEST_INTEGER:
            return Bare(digits, guessed=True)
        return Bare(int(digits), guessed=guessed)
    number = float(digits + exponent)
    if number in (float("inf"), float("-inf")):
        return Bare(digits + exponent, guessed=True)
    return Bare(number, guessed=guessed)


def _resolve(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return _ESCAPED.get(escape[2], escape[0])


def _join_surrogates(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")

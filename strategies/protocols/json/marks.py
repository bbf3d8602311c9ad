"""What stands between the values of JSON, in every spelling that models use."""

import re

from strategies.protocols.json.matching import past

OPENERS = {"{": "}", "｛": "}", "[": "]", "［": "]", "(": ")"}
"""By each opener the plain form of its closer."""
CLOSERS = {"}": "}", "｝": "}", "]": "]", "］": "]", ")": ")"}
COMMAS = frozenset(",，、")
COLONS = frozenset(":：")
FENCE = "```"

BLANK = re.compile(
    r"(?:[\s\ufeff\u200b\u2060]++|//[^\n]*+|\#[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/|\Z))*+"
)
"""White space and comments."""
BLANK_STARTS = frozenset("/#\ufeff\u200b\u2060\u3000") | frozenset(
    chr(code) for code in range(0x3000) if chr(code).isspace()
)

KEY = (
    r"""(?:"(?:[^"\\]|\\.){0,200}+"|'(?:[^'\\]|\\.){0,200}+'|“[^”\n]{0,200}”"""
    r"""|\w[\w$-]{0,100})\s{0,200}[:：]"""
)
KEY_AHEAD = re.compile(KEY)
"""A key and its colon: `"b":`, `b:`"""
REST_OF_KEY = re.compile(r"[\w$ .-]{1,100}[\"”]\s{0,200}[:：]")
"""The same behind its opening quote: `b":` in `{"a": 1, "b": 2}`."""


def skip_blank(text: str, at: int) -> int:
    """Return where the white space and comments that start at `at` end."""
    return past(BLANK, text, at)

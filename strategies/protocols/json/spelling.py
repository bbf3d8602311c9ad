"""Brackets that are JSON but for their spelling, rewritten so that they can be read in C.

Most of what strict JSON refuses is only spelled otherwise: single or smart quotes, Python's
literals, keys without quotes, a comma too many. What is rewritten here must then be strict JSON, so
nothing is guessed, and it means what a reader that goes step by step would make of it. That reader
(`lenient`) is for the rest, and takes five times as long.
"""

import json
import re

_DOUBLE = r"""["][^"\\]*+(?:\\.[^"\\]*+)*+["]"""
_QUOTED = r"""'[^'\\\n]*+'|“[^"“”\\\n]*+”"""
_COMMA_TOO_MANY = r",(?=\s*[}\]])"
_TOKEN = re.compile(
    # Passing over what is right already costs less than a call of `_as_json` for each piece of it.
    # The end counts as well, so that no search ever begins anew inside a string.
    rf"(?P<right>(?:[^\"'“”„,a-zA-Z_]++|{_DOUBLE}|(?!{_COMMA_TOO_MANY}),|(?:true|false|null)\b)*+)"
    rf"(?:(?P<quoted>{_QUOTED})|(?P<key>[a-zA-Z_]\w{{0,99}})(?=\s{{0,200}}:)"
    rf"|(?P<word>[a-zA-Z_]\w*+)|{_COMMA_TOO_MANY}|\Z)",
    re.DOTALL,
)
_OTHERWISE = re.compile(r"['“”„}\]a-zA-Z_]")
_LITERALS = {"True": "true", "False": "false", "None": "null"}
_encode = json.JSONEncoder(ensure_ascii=False).encode

DEPTH = 5
"""How deep the brackets that are rewritten nest at the most."""


def _bracket(depth: int) -> str:
    """Match a bracket and all that it holds; whether its ends are of one kind is not looked at."""
    inner = rf"{_DOUBLE}|{_QUOTED}"
    if depth > 1:
        inner = rf"{inner}|{_bracket(depth - 1)}"
    plain = r"[^\"'“”„{}\[\]]*+"
    return rf"[{{\[]{plain}(?:(?:{inner}){plain})*+[}}\]]"


_BRACKET = re.compile(_bracket(DEPTH), re.DOTALL)


def may_help(error: json.JSONDecodeError) -> bool:
    """Tell whether what strict JSON stopped at may only be spelled otherwise."""
    expected = error.msg.startswith(("Expecting value", "Expecting property name"))
    return expected and bool(_OTHERWISE.match(error.doc, error.pos))


def rewritten(text: str, at: int) -> tuple[str, int] | None:
    """Rewrite the bracket that opens at `at` as JSON; return that and where the bracket ends.

    None if it nests too deep or is never closed. The result is JSON only if nothing else is wrong.
    """
    found = _BRACKET.match(text, at)
    return (_TOKEN.sub(_as_json, found[0]), found.end()) if found else None


def _as_json(found: re.Match[str]) -> str:
    right, quoted, key, word = found.groups()
    if quoted:
        return right + _encode(quoted[1:-1])
    if key:
        return f'{right}"{key}"'
    return right + _LITERALS.get(word, word) if word else right

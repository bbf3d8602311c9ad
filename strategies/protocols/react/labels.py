"""The labels of ReAct and where they count.

A label stands where a line starts, perhaps indented or in bold, in any case, with an ASCII or a
full-width colon. Within a line only what is unmistakable counts: `Action:` in front of JSON, and
`Final Answer:`.

Every pattern begins with the white space in front of a label, and most go on with the few letters
that may follow it: so the engine skips over words quickly. A `mark` is what stands behind that
white space. Callers keep one character in front of the text that they search.
"""

import re

THOUGHT, ACTION, INPUT, OBSERVATION, ANSWER = (
    "thought",
    "action",
    "actioninput",
    "observation",
    "finalanswer",
)
_WORDS = r"action[ _]?input|action|thought|observation|final[ _]?answer"
_FIRST = "(?=(?-i:[aAtToOfF]))"
_INDENT = r"[ \t]{0,12}+[*#>_]{0,4}+[ \t]{0,4}+"
_END = r"[*_]{0,3}[ \t]{0,2}"
_COLON = r"[:：]"
_LABEL = rf"{_INDENT}{_FIRST}(?P<label>{_WORDS}){_END}{_COLON}"
_AT_LINE_START = re.compile(rf"\n(?P<mark>{_LABEL})", re.IGNORECASE)
_WITHIN = (
    rf"(?=(?-i:[aAfF]))(?=action[ \t]?{_COLON}[ \t]{{0,4}}[{{\[]|final ?answer{_COLON})"
    rf"(?P<within>{_WORDS}){_END}{_COLON}"
)
_JSON = r"[ \t]{0,12}(?:```[a-zA-Z]{0,10}\s{1,20})?(?=[{\[])"
_ANYWHERE = re.compile(
    rf"[ \t\n](?=(?-i:[aAtToOfF \t*#>_`{{\[]))(?P<mark>{_WITHIN}|(?<=\n)(?:{_LABEL}|{_JSON}))",
    re.IGNORECASE,
)
_LONGEST = 64


def _beginning(*letters: str) -> str:
    """Match any beginning of the word that these letters make."""
    pattern = ""
    for letter in reversed(letters):
        pattern = f"(?:{letter}{pattern})?"
    return pattern


_MAY_BEGIN = re.compile(
    rf"[ \t\n](?=(?-i:[aAtToOfF \t*#>_`])|\Z)(?:(?:(?<=\n){_INDENT})?+(?:"
    + "|".join(
        (
            _beginning(*"thought"),
            _beginning(*"observation"),
            _beginning(*"action", "[ _]?", *"input"),
            _beginning(*"final", "[ _]?", *"answer"),
        )
    )
    + rf"){_END}\Z|(?<=[ \t])action[ \t]?{_COLON}[ \t]{{0,4}}\Z"
    + r"|(?<=\n)[ \t]{0,12}(?:`{1,2}|```[a-zA-Z]{0,10}\s{0,20})\Z)",
    re.IGNORECASE,
)


def find(text: str, at: int) -> re.Match[str] | None:
    """Find the next label, or JSON that starts a line: then the mark ends where that begins."""
    return _ANYWHERE.search(text, at - 1)


def find_label(text: str, at: int) -> re.Match[str] | None:
    """Find the next label that starts a line."""
    return _AT_LINE_START.search(text, at - 1)


def kind(found: re.Match[str]) -> str:
    """Tell which label was found; blank for JSON."""
    words = found.groupdict()
    label = words["label"] or words.get("within") or ""
    return label.casefold().replace("_", "").replace(" ", "")


def starts(text: str, at: int) -> bool:
    """Tell whether a label starts a line at `at`."""
    return bool(_AT_LINE_START.match(text, at - 1))


def may_start(text: str, at: int) -> bool:
    """Tell whether what is left of the text may become a label that starts a line at `at`."""
    return bool(_MAY_BEGIN.match(text, at - 1))


def settled(text: str, at: int) -> int:
    """Return up to where the text can no longer begin a label or JSON."""
    found = _MAY_BEGIN.search(text, max(at, len(text) - _LONGEST) - 1)
    return found.start() + 1 if found else len(text)

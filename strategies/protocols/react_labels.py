"""The labels of ReAct and where they count.

A label stands where a line starts, perhaps indented or in bold, in any case, with an ASCII or a
full-width colon. Within a line only what is unmistakable counts: `Action:` in front of JSON, and
`Final Answer:`.
"""

import re

THOUGHT, ACTION, INPUT, OBSERVATION, ANSWER = (
    "thought",
    "action",
    "actioninput",
    "observation",
    "finalanswer",
)
_WORDS = r"(?P<label>action[ _]?input|action|thought|observation|final[ _]?answer)"
_LINE_START = r"(?<=\n)[ \t]{0,12}[*#>_]{0,4}[ \t]{0,4}"
_END = r"[*_]{0,3}[ \t]{0,2}"
_COLON = r"[:：]"
_LABEL = rf"{_LINE_START}{_WORDS}{_END}{_COLON}"
_AT_LINE_START = re.compile(_LABEL, re.IGNORECASE)
_JSON = r"(?<=\n)[ \t]{0,12}(?:```[a-zA-Z]{0,10}\s{1,20})?(?=[{\[])"
_ANYWHERE = re.compile(
    rf"(?:{_LINE_START}|(?<=[ \t])(?=action[ \t]?{_COLON}[ \t]{{0,4}}[{{\[]"
    rf"|final ?answer{_COLON})){_WORDS}{_END}{_COLON}|{_JSON}",
    re.IGNORECASE,
)
_LONGEST = 64


def _beginnings(*words: str) -> str:
    """Match every beginning of the words, to the end of the text."""
    cut = {word[:length] for word in words for length in range(len(word) + 1)}
    return "|".join(sorted(cut, key=len, reverse=True))


_MAY_BEGIN = re.compile(
    rf"(?:{_LINE_START}|(?<=[ \t]))(?:"
    + _beginnings("thought", "observation")
    + "|"
    + _beginnings("action input", "action_input", "actioninput")
    + "|"
    + _beginnings("final answer", "final_answer", "finalanswer")
    + rf"){_END}\Z|(?<=[ \t])action[ \t]?{_COLON}[ \t]{{0,4}}\Z"
    + r"|(?<=\n)[ \t]{0,12}(?:`{1,2}|```[a-zA-Z]{0,10}\s{0,20})\Z",
    re.IGNORECASE,
)


def find(text: str, at: int) -> re.Match[str] | None:
    """Find the next label, or JSON that starts a line: then the match ends where that begins."""
    return _ANYWHERE.search(text, at)


def find_label(text: str, at: int) -> re.Match[str] | None:
    """Find the next label that starts a line."""
    return _AT_LINE_START.search(text, at)


def kind(found: re.Match[str]) -> str:
    """Tell which label was found; blank for JSON."""
    return (found["label"] or "").casefold().replace("_", "").replace(" ", "")


def starts(text: str, at: int) -> bool:
    """Tell whether a label starts a line at `at`."""
    return bool(_AT_LINE_START.match(text, at))


def may_start(text: str, at: int) -> bool:
    """Tell whether what is left of the text may become a label that starts a line at `at`."""
    return bool(_MAY_BEGIN.match(text, at))


def settled(text: str, at: int) -> int:
    """Return up to where the text can no longer begin a label or JSON."""
    found = _MAY_BEGIN.search(text, max(at, len(text) - _LONGEST))
    return found.start() if found else len(text)

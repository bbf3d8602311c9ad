"""The labels of ReAct and where they count.

A label stands where a line starts, in English or Chinese, in any case, perhaps indented, in bold,
as a heading or with a number, with an ASCII or a full-width colon; a heading and a line in bold
need no colon. In a quotation (`>`) it is somebody else's. Within a line only what is unmistakable
counts, and only behind the end of a sentence: `Action:` in front of JSON, and `Final Answer:`.

Every pattern begins with the white space in front of a label, and most go on with the few letters
that may follow it: so the engine skips over words quickly. A `mark` is what stands behind that
white space. Callers keep two characters in front of the text that they search.
"""

import re
from collections.abc import Iterable, Mapping

THOUGHT, ACTION, INPUT, OBSERVATION, ANSWER = (
    "thought",
    "action",
    "action input",
    "observation",
    "final answer",
)
JSON, FENCE = "json", "fence"
_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    THOUGHT: ("thought", "思考", "想法"),
    ACTION: ("action", "行动", "动作"),
    INPUT: ("action input", "行动输入", "动作输入"),
    OBSERVATION: (
        *("observation", "action output", "action result"),
        *("观察", "观察结果", "行动输出", "行动结果", "动作输出", "动作结果"),
    ),
    ANSWER: ("final answer", "最终答案", "最终回答", "最终答复"),
}
_KINDS = {word.replace(" ", ""): kind for kind, words in _SPELLINGS.items() for word in words}
_SPACE = "[ _]?"


def _one_of(words: Iterable[str]) -> str:
    """Match one of these words, the longest first; `_` or nothing may stand for a space."""
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(word.replace(" ", _SPACE) for word in longest_first)


def _beginning(word: str) -> str:
    """Match any beginning of a word."""
    pattern = ""
    for letter in reversed(word):
        pattern = f"(?:{_SPACE if letter == ' ' else letter}{pattern})?"
    return pattern


_WORDS = [word for words in _SPELLINGS.values() for word in words]
_FIRST = "".join(sorted({letter for word in _WORDS for letter in (word[0], word[0].upper())}))
_MARKUP = r"[ \t]{0,12}+[*#_]{0,6}+[ \t]{0,4}+"
_NUMBER = r"(?:[ \t]?\d{1,2})?"
_COLON = r"[*_]{0,3}[ \t]{0,2}[:：]"
_HEADING = r"[ \t]{0,12}+(?:#{1,6}[ \t]{1,4}[*_]{0,3}|\*\*)"
_LABEL = (
    rf"{_MARKUP}(?=(?-i:[{_FIRST}]))(?P<label>{_one_of(_WORDS)}){_NUMBER}{_COLON}"
    rf"|{_HEADING}(?P<heading>{_one_of(_WORDS)}){_NUMBER}[*_]{{0,3}}[ \t]{{0,4}}(?=\n)"
)
_AT_LINE_START = re.compile(rf"\n(?P<mark>{_LABEL})", re.IGNORECASE)
_WITHIN_A_LINE = (
    r"(?<=[.!?。！？][ \t])(?=(?-i:[AF]))(?-i:(?P<within>Action[ \t]?[:：][ \t]{0,4}(?=[{\[]))"
    r"|(?P<answer>Final Answer[:：]))"
)
_AT_LINE_START_TOO = r"[ \t]{0,12}(?:(?P<json>(?=[{\[]))|(?P<fence>(?=```|~~~)))"
_ANYWHERE = re.compile(
    rf"[ \t\n](?=(?-i:[{_FIRST} \t*#_`~{{\[]))"
    rf"(?P<mark>{_WITHIN_A_LINE}|(?<=\n)(?:{_LABEL}|{_AT_LINE_START_TOO}))",
    re.IGNORECASE,
)
LONGEST = 64
_MAY_BE_WORD = "|".join(map(_beginning, sorted(_WORDS, key=len, reverse=True)))
_MAY_BE_WITHIN = (
    rf"{_beginning('Final Answer')}|{_beginning('Action')}|Action[ \t]?[:：]?[ \t]{{0,4}}"
)
_MAY_BEGIN = re.compile(
    rf"[ \t\n](?=(?-i:[{_FIRST} \t*#_`~])|\Z)"
    rf"(?:(?<=\n){_MARKUP}(?:{_MAY_BE_WORD}){_NUMBER}[*_]{{0,3}}[ \t]{{0,4}}"
    r"|(?<=\n)[ \t]{0,12}(?:`{1,2}|~{1,2})"
    rf"|(?<=[.!?。！？][ \t])(?-i:{_MAY_BE_WITHIN}))\Z",
    re.IGNORECASE,
)
_FORGED = re.compile(
    rf"^[ \t]*+[*#>_`]*+[ \t]*+(?=(?:{_one_of(_WORDS)}))\w", re.IGNORECASE | re.MULTILINE
)
_INPUT_WITHIN = re.compile(rf"(?<![ \t,])[ \t,]+(?-i:Action Input){_COLON}")
_WRAPPED = re.compile(rf"\n[ \t]{{0,3}}(?:>[ \t]?|`(?!`))(?:{_LABEL})", re.IGNORECASE)


def escaped(text: str) -> str:
    """Break every label that a tool wrote at the start of a line."""
    return _FORGED.sub(lambda found: f"{found[0]}\u200b", text)


def find(text: str, at: int) -> re.Match[str] | None:
    """Find the next label, or JSON or a code fence, in front of which the mark then ends."""
    return _ANYWHERE.search(text, at - 1)


def find_label(text: str, at: int) -> re.Match[str] | None:
    """Find the next label that starts a line."""
    return _AT_LINE_START.search(text, at - 1)


def input_within(line: str) -> re.Match[str] | None:
    """Find the label of an input within the line of its action."""
    return _INPUT_WITHIN.search(line)


def kind(found: re.Match[str]) -> str:
    """Tell what was found: a label, JSON that may be an action, or a fence."""
    words = found.groupdict()
    if words["label"] or words["heading"]:
        return kind_at_line_start(found)
    if words["answer"]:
        return ANSWER
    return FENCE if words["fence"] is not None else JSON


def starts(text: str, at: int) -> bool:
    """Tell whether a label starts a line at `at`."""
    return bool(_AT_LINE_START.match(text, at - 1))


def starts_wrapped(text: str, at: int) -> bool:
    """Tell whether a label in a quotation or in inline code starts a line at `at`."""
    return bool(_WRAPPED.match(text, at - 1))


def may_start(text: str, at: int) -> bool:
    """Tell whether what is left of the text may become a label that starts a line at `at`."""
    return bool(_MAY_BEGIN.match(text, at - 1))


def settled(text: str, at: int) -> int:
    """Return up to where the text can no longer begin a label, JSON or a fence."""
    if len(text) - at > LONGEST:
        at = len(text) - LONGEST
    found = _MAY_BEGIN.search(text, at - 1)
    return found.start() + 1 if found else len(text)


def before_observation(reply: str) -> str:
    """Return a reply up to the result, or the answer, that it makes up behind an action."""
    reasoned = reply.rfind("</think>") + 1
    acted_at = reply.find("{", reasoned) % (len(reply) + 1)
    for found in _AT_LINE_START.finditer(f"\n{reply}", reasoned):
        label = kind_at_line_start(found)
        if label == INPUT:
            acted_at = min(acted_at, found.start())
        if label in (OBSERVATION, ANSWER) and acted_at < found.start():
            return reply[: found.start()].rstrip()
    return reply


def begins_observation(text: str) -> bool:
    """Tell whether a text begins with an observation."""
    found = _AT_LINE_START.match("\n" + text.strip())
    return bool(found and kind_at_line_start(found) == OBSERVATION)


def kind_at_line_start(found: re.Match[str]) -> str:
    """Tell which label was found."""
    words = found["label"] or found["heading"]
    return _KINDS[words.casefold().replace("_", "").replace(" ", "")]

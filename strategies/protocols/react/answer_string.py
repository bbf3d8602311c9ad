r"""The final answer written as an action in JSON, read while it streams.

    {"name": "Final Answer", "arguments": {"answer": "It rains in \"Rome\"."}}

What stands in front of its text says for certain that the model answers, so the text can be shown
piece by piece. Any other shape of such an action is shown once the whole of it is known.
"""

import re
from collections.abc import Iterable

from strategies.protocols.json.matching import past
from strategies.protocols.json.scalars import unescape
from strategies.protocols.react.actions import ANSWER_KEYS, ANSWER_NAMES, INPUTS, NAMES
from strategies.protocols.stream.cursor import Cursor


def _one_of(words: Iterable[str]) -> str:
    return rf'"(?:{"|".join(sorted(words))})"\s*+'


_LONGEST_HEAD = 300
_HEAD = re.compile(
    rf"\{{\s*+{_one_of(NAMES)}:\s*+"
    rf'"\s*+(?:{"|".join(sorted(ANSWER_NAMES))})\s*+"\s*+,\s*+{_one_of(INPUTS)}:\s*+'
    # A text that begins with a brace may be JSON itself, in which the answer stands.
    rf'(?:\{{\s*+{_one_of(ANSWER_KEYS)}:\s*+"'
    r'|"(?=(?:\s|\\[nrtf])*+(?:[^\s{\\]|\\[^unrtf]|\\u(?!00[0-7])[\da-f]{4})))',
    re.IGNORECASE,
)
_WHOLE_CHARACTERS = re.compile(
    r'(?:[^"\\]++|\\[^u]|\\u(?!d[89ab])[\da-f]{4}'
    r"|\\ud[89ab][\da-f]{2}(?!\Z|\\\Z|\\u[\da-f]{0,3}\Z)"  # the other half may follow
    r"|\\u(?![\da-f]{4})(?![\da-f]{0,3}\Z))*+",
    re.DOTALL | re.IGNORECASE,
)
_KEY = r'"[^"\\]{0,60}+'
_END = re.compile(rf'"(?:\s{{200}}|\s*+(?:\}}|,\s{{0,50}}+{_KEY}"\s{{0,50}}+:))')
_MAY_BE_END = re.compile(rf'"\s*+(?:,\s{{0,50}}+(?:{_KEY}(?:"\s{{0,50}}+)?)?)?\Z')


class AnswerHead:
    """Looks for an answer at the beginning of JSON that arrives in pieces."""

    def __init__(self) -> None:
        self._seen = ""

    def find(self, cursor: Cursor) -> bool:
        """Look at the next piece; move to the text of the answer once it is certain to be one."""
        known = len(self._seen)
        if known == _LONGEST_HEAD:
            return False
        self._seen += cursor.text[cursor.at : cursor.at + _LONGEST_HEAD - known]
        found = _HEAD.match(self._seen)
        if found:
            cursor.back_to(cursor.position + found.end() - known)
        return found is not None


class AnswerString:
    """Reads the text of an answer; the cursor stands behind the quote that opens it."""

    def __init__(self) -> None:
        self.is_over = False
        """The quote that closes it was read."""

    def read(self, cursor: Cursor, *, ending: bool) -> str:
        """Return what has become certain of the text, without escapes.

        A quote that was not escaped belongs to it unless a brace, another key or the end of the
        reply follows. An escape that the end of the reply cuts in two is dropped.
        """
        text, start = cursor.text, cursor.at
        end = start
        while True:
            end = past(_WHOLE_CHARACTERS, text, end)
            waits = _MAY_BE_END.match(text, end)
            self.is_over = bool(_END.match(text, end) or (waits and ending))
            if self.is_over or waits or text[end : end + 1] != '"':
                break
            end += 1
        cursor.at = end
        return unescape(text[start:end])

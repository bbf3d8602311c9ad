"""What is passed over in a ReAct reply: white space, and what models put around JSON.

Each function moves the cursor. A label keeps its indent, so that it is found where its line starts.
"""

import re

from strategies.protocols.json.matching import past
from strategies.protocols.json.span import JsonSpan
from strategies.protocols.react import labels
from strategies.protocols.stream.block import End
from strategies.protocols.stream.cursor import Cursor

BETWEEN_ACTIONS = re.compile(r"[\s,;`~}\])*]*+")
_LEAD = re.compile(r"\s*+(?:\*{1,3}(?=[\s{\[`]))?\s*+")
_MAY_BE_LEAD = re.compile(r"\s*+\*{1,3}\Z")
_JSON_MARK = re.compile(
    r"(?:`{1,3}[ \t]*)?(?:json[ \t]*[:：]?)?\s*+(?:`{1,3}(?:json)?\s*+)?(?=[{\[])", re.IGNORECASE
)
_MAY_BE_JSON_MARK = re.compile(
    r"(?:`{1,3}[ \t]*)?(?:j|js|jso|json[ \t]*[:：]?)?\s*+(?:`{1,3}(?:j|js|jso|json)?\s*+)?\Z",
    re.IGNORECASE,
)


def skip(cursor: Cursor, pattern: re.Pattern[str], *, ending: bool) -> bool:
    """Pass over layout; tell whether something else follows."""
    text = cursor.text
    end = past(pattern, text, cursor.at)
    line = text.rfind("\n", cursor.at - 1, end) + 1
    if line:
        if labels.starts(text, line):
            cursor.at = line
            return True
        if not ending and labels.may_start(text, line):
            cursor.at = line
            return False
    cursor.at = end
    return end < len(text)


def skip_lead(cursor: Cursor, *, ending: bool) -> bool:
    """Pass over what stands before a value; tell whether the value has begun."""
    waits = _MAY_BE_LEAD.match(cursor.text, cursor.at) and not ending
    return not waits and skip(cursor, _LEAD, ending=ending)


def skip_json_mark(cursor: Cursor, *, ending: bool) -> bool:
    """Pass over a fence, backticks or a word in front of JSON; tell whether it has begun."""
    if _MAY_BE_JSON_MARK.match(cursor.text, cursor.at) and not ending:
        return False
    cursor.at = past(_JSON_MARK, cursor.text, cursor.at)
    return True


class JsonText:
    """Reads JSON up to its end."""

    def __init__(self) -> None:
        self._span = JsonSpan()
        self._parts: list[str] = []
        self.is_cut = False
        """It ends where the reply was cut off."""

    def read(self, cursor: Cursor, ending: End | None) -> str | None:
        """Read on; None if more of it must come."""
        text, start = cursor.text, cursor.at
        length = self._span.feed(text, start)
        cursor.at = len(text) if length is None else start + length
        self._parts.append(text[start : cursor.at])
        if length is None and not ending:
            return None
        self.is_cut = length is None and bool(ending and ending.cut_short)
        return "".join(self._parts)

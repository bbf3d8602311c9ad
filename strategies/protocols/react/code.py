"""Code fences and quotations in a ReAct reply: where they end, and what stands in them."""

import re
from collections.abc import Callable

from strategies.protocols.react import labels
from strategies.protocols.stream.cursor import Cursor

_INDENT = 12
FENCE_HEAD = re.compile(r"(?P<mark>`{3,}+|~{3,}+)[a-zA-Z]{0,10}\s{0,80}+")
"""The `mark` of a fence, the word behind it and the white space after that."""
FENCE_INFO = re.compile(r"[^`\n]*+")
"""The first line of a fence behind its mark, up to a backtick in it."""
_ONE_FENCE = re.compile(r"\s*(`{3,}|~{3,})[^\n`]*\n(.*?)(?:\n[ \t]*\1(.*))?", re.DOTALL)
_QUOTED_LINE = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)
_MAY_END = re.compile(r"\n[ \t]{0,12}(?:`{0,40}|~{0,40})[ \t]{0,4}\Z")


class Code:
    """What stands in a fence that has begun."""

    def __init__(self, cursor: Cursor, mark: str) -> None:
        """Take the backticks or tildes that open it."""
        self._cursor = cursor
        closes = rf"\n[ \t]{{0,{_INDENT}}}{re.escape(mark)}{mark[0]}*+[ \t]*+"
        self._close = re.compile(rf"{closes}(?=\n)")
        self._last_close = re.compile(rf"{closes}(?=\n|\Z)")

    def goes_on_behind(self, text: str) -> bool:
        """Tell whether it goes on behind a text that stands in it."""
        return not self._last_close.search(text)

    def read(self, keep: Callable[[str], None], *, ending: bool) -> bool:
        """Keep what has come of it; tell whether it is over."""
        text, at = self._cursor.text, self._cursor.at
        found = (self._last_close if ending else self._close).search(text, at)
        end = found.end() if found else len(text) if ending else _settled(text, at)
        self._cursor.at = end
        keep(text[at:end])
        return found is not None


def _settled(text: str, at: int) -> int:
    """Return up to where the text can no longer begin the end of a fence."""
    found = _MAY_END.search(text, at)
    return found.start() if found else len(text)


def unwrapped(text: str) -> str:
    """Return what stands in a quotation or in code, if the whole text is that and nothing else."""
    bare = text.strip()
    if fence := _ONE_FENCE.fullmatch(text):
        behind = fence[3] or ""
        return fence[2] if not behind.strip() or labels.begins_observation(behind) else ""
    if bare.startswith("`") and bare.endswith("`") and bare.count("`") == len("``"):
        return bare[1:-1]
    lines = [line for line in bare.splitlines() if line.strip()]
    if all(line.lstrip().startswith(">") for line in lines):
        return _QUOTED_LINE.sub("", bare)
    return ""

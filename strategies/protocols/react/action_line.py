"""The reader of an action and of what follows it on its line.

A sentence that goes on there only speaks of the action; more JSON may be more actions.
"""

import re
from collections.abc import Mapping

from strategies.protocols.base import ToolSpec
from strategies.protocols.json.matching import past
from strategies.protocols.react.action_block import ActionBlock
from strategies.protocols.react.candidate import Candidate
from strategies.protocols.react.verdicts import Acts, OnlyWords, Verdict
from strategies.protocols.stream.block import End
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.judgement import goes_on

_CLOSERS = re.compile(r"(?:[ \t\r`}\])*,;]|</?\w{1,20}>|<\|\w{1,30}\|>)*+")
_MAY_BE_CLOSER = re.compile(r"<[/|]?\w{0,30}\|?\Z")
_MOST_PASSED = 12
"""Characters behind an action that are kept: more than tell what they are."""


class ActionLine:
    """Reads one action, and more of them on its line; the cursor holds the place of the first."""

    def __init__(
        self, cursor: Cursor, tools: Mapping[str, ToolSpec], block: ActionBlock | Candidate
    ) -> None:
        """Take the reader of the first action."""
        self._cursor = cursor
        self._tools = tools
        self._block = block
        self._acts: Acts | None = None
        """The first action, which may turn out to be a word of a sentence."""
        self._passed = ""
        """What stands behind it, as far as it matters."""

    def read(self, ending: End | None) -> Verdict | None:
        """Read on; None means that more text is needed."""
        if self._acts is None:
            verdict = self._block.read(ending)
            if not isinstance(verdict, Acts) or verdict.line_is_over:
                return verdict
            self._acts = verdict
        return self._rest_of_line(self._acts, ending)

    def _rest_of_line(self, acts: Acts, ending: End | None) -> Verdict | None:
        cursor, text = self._cursor, self._cursor.text
        end = past(_CLOSERS, text, cursor.at)
        self._passed = (self._passed + text[cursor.at : end])[-_MOST_PASSED:]
        cursor.at = end
        if not ending and (end == len(text) or _MAY_BE_CLOSER.match(text, end)):
            return None
        after = text[end : end + 1]
        if after in ("{", "["):
            self._acts, self._block = None, Candidate(cursor, self._tools, acts.actions)
            return self.read(ending)
        return acts if self._is_over(after) else OnlyWords()

    def _is_over(self, after: str) -> bool:
        """Tell whether the action stands by itself, if this character follows."""
        if after in ("", "\n"):
            return True
        listed = "," in self._passed or ";" in self._passed
        return not listed and not goes_on(sentence_is_over=True, gap=self._passed, after=after)

"""The reader of JSON without a label: it is an action if nothing but a label follows.

It stands on a line of its own, behind another action, within a sentence behind `Action:`, or in a
fence. What is no call of a known tool is text.
"""

from collections.abc import Mapping, Sequence

from strategies.protocols.base import BrokenCall, ToolSpec
from strategies.protocols.react import labels
from strategies.protocols.react.actions import Action, actions_in_text
from strategies.protocols.react.answer_string import AnswerHead
from strategies.protocols.react.layout import BETWEEN_ACTIONS, JsonText, skip
from strategies.protocols.react.verdicts import Acts, Answers, OnlyWords, Verdict
from strategies.protocols.stream.block import End
from strategies.protocols.stream.cursor import Cursor


class Candidate:
    """Reads JSON, and more of it behind; the cursor holds the place where all of it begins."""

    def __init__(
        self,
        cursor: Cursor,
        tools: Mapping[str, ToolSpec],
        before: Sequence[Action | BrokenCall] = (),
        *,
        in_fence: bool = False,
        head: AnswerHead | None = None,
    ) -> None:
        """Take the actions that stand before it on its line, and whether it stands in a fence.

        `head`: looks for an answer that need not wait for what follows.
        """
        self._cursor = cursor
        self._tools = tools
        self._actions = [*before]
        self._in_fence = in_fence
        self._head = head
        self._json: JsonText | None = JsonText()

    def read(self, ending: End | None) -> Verdict | None:
        """Read on; None means that more text is needed."""
        if self._head and self._json and self._head.find(self._cursor):
            return Answers()
        while True:
            if self._json:
                text = self._json.read(self._cursor, ending)
                if text is None:
                    return None
                actions = self._actions_in(text, is_cut=self._json.is_cut)
                if not actions:
                    return OnlyWords()
                self._actions += actions
                self._json = self._head = None
            verdict = self._look_behind(ending)
            if verdict or not self._json:
                return verdict

    def _actions_in(self, text: str, *, is_cut: bool) -> list[Action | BrokenCall]:
        actions = actions_in_text(text, is_cut=is_cut)
        return actions if all(map(self._may_stand_alone, actions)) else []

    def _look_behind(self, ending: End | None) -> Verdict | None:
        cursor = self._cursor
        more = skip(cursor, BETWEEN_ACTIONS, ending=ending is not None)
        if not (more or ending):
            return None
        if more and cursor.text[cursor.at] in "{[":
            self._json = JsonText()
            return None
        if more and not self._may_follow():
            return OnlyWords()
        return Acts(actions=self._actions, line_is_over=True)

    def _may_follow(self) -> bool:
        """Tell whether a label follows; behind a fence only an invented observation counts."""
        cursor = self._cursor
        found = labels.find_label(cursor.text, cursor.at)
        if not found or found.start("mark") != cursor.at:
            return False
        return not self._in_fence or labels.kind_at_line_start(found) == labels.OBSERVATION

    def _may_stand_alone(self, action: Action | BrokenCall) -> bool:
        """Tell whether JSON without `Action:` calls a tool: it must be a known one."""
        if isinstance(action, BrokenCall):
            return action.name in self._tools or not self._tools
        known = action.name in self._tools if self._tools else action.has_input
        return known or (action.is_answer and action.has_input)

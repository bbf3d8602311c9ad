"""The reader of what stands behind `Action:`.

It is JSON that names the tool and its input, or the name of a tool on its line and then, behind
`Action Input:`, JSON or plain text up to the next label.
"""

from collections.abc import Callable, Mapping

from strategies.protocols.base import BrokenCall, ToolSpec
from strategies.protocols.react import labels
from strategies.protocols.react.actions import (
    CUT,
    Action,
    actions_in_text,
    needs_no_input,
    read_name,
    text_in_brackets,
    tool_in_words,
)
from strategies.protocols.react.answer_string import AnswerHead
from strategies.protocols.react.layout import JsonText, skip_json_mark, skip_lead
from strategies.protocols.react.verdicts import Acts, Answers, Nothing, OnlyWords, Verdict
from strategies.protocols.stream.block import End
from strategies.protocols.stream.cursor import Cursor

_NO_NAME = "There is an Action, but it names no tool."
_BAD_ACTION = (
    "The Action cannot be read: write Action: with the name of a tool, and on the next line "
    "Action Input: with a JSON object."
)
_NO_INPUT = "There is no Action Input: write it on the line after the Action, as a JSON object."

type _State = Callable[[], Verdict | None]


class ActionBlock:
    """Reads one action; the cursor holds the place where its label begins."""

    def __init__(
        self,
        cursor: Cursor,
        tools: Mapping[str, ToolSpec],
        *,
        keeps_form: bool,
        has_thoughts: bool,
        head: AnswerHead | None,
    ) -> None:
        """Take what is known of the reply.

        `keeps_form`: it began with a label, so `Action:` is hardly a word of a sentence.
        `has_thoughts`: it said something before, so an action that names nothing is no fault.
        `head`: looks for an answer that need not wait for what follows.
        """
        self._cursor = cursor
        self._tools = tools
        self._keeps_form = keeps_form
        self._has_thoughts = has_thoughts
        self._ending: End | None = None
        self._state: _State = self._begin
        self._line: list[str] = []
        self._name = ""
        self._tool_in_words = ""
        """The tool that the line of the action names in a sentence."""
        self._input_on_line = ""
        """What stands behind the name in brackets."""
        self._words: list[str] = []
        """What stands between the name and the input."""
        self._plain: list[str] = []
        self._json = JsonText()
        self._head = head

    def read(self, ending: End | None) -> Verdict | None:
        """Read on; None means that more text is needed."""
        self._ending = ending
        while True:
            state = self._state
            verdict = state()
            if verdict or self._state == state:
                return verdict

    def _go(self, state: _State) -> None:
        self._state = state

    @property
    def _ends(self) -> bool:
        return self._ending is not None

    @property
    def _cut_short(self) -> bool:
        return self._ending is not None and self._ending.cut_short

    def _has_begun(self) -> bool:
        """Pass over what stands before a value; tell whether the value has begun."""
        cursor, ends = self._cursor, self._ends
        return skip_lead(cursor, ending=ends) and skip_json_mark(cursor, ending=ends)

    def _until(self, index: int) -> str:
        cursor = self._cursor
        text, cursor.at = cursor.text[cursor.at : index], index
        return text

    # ---- the name

    def _begin(self) -> Verdict | None:
        if not self._has_begun():
            return Nothing(problem=_NO_NAME) if self._ends else None
        following = self._cursor.text[self._cursor.at : self._cursor.at + 2]
        if following == "[" and not self._ends:
            return None
        is_list = following[0] == "[" and not following[1:].isalpha()
        return self._go(self._whole if following[0] == "{" or is_list else self._name_line)

    def _whole(self) -> Verdict | None:
        """Read an action that is one piece of JSON."""
        if self._head and self._head.find(self._cursor):
            return Answers()
        text = self._json.read(self._cursor, self._ending)
        if text is None:
            return None
        if actions := actions_in_text(text, is_cut=self._json.is_cut):
            return Acts(actions=actions)
        return Nothing(problem=_BAD_ACTION, shown=text)

    def _name_line(self) -> Verdict | None:
        text, at = self._cursor.text, self._cursor.at
        if not self._line:
            if labels.starts(text, at):
                return self._nameless()
            if not self._ends and labels.may_start(text, at):
                return None
        end = text.find("\n", at)
        self._line.append(self._until(end if end >= 0 else len(text)))
        if end < 0 and not self._ends:
            return None
        return self._read_line("".join(self._line))

    def _read_line(self, line: str) -> Verdict | None:
        start = self._cursor.position - len(line)
        if within := labels.input_within(line):
            self._name = read_name(line[: within.start()], self._tools).name
            self._cursor.back_to(start + within.end())
            return self._labelled_input() if self._name else self._nameless()
        named = read_name(line, self._tools)
        self._name, self._input_on_line = named.name, named.input
        if named.input.lstrip("(").startswith("{"):
            self._cursor.back_to(start + line.index("{"))
            return self._go(self._input)
        return self._go(self._after_name) if named.name else self._nameless()

    def _nameless(self) -> Verdict:
        """Behind `Action: None` there may still come an answer."""
        at_end = self._ends and self._cursor.at == len(self._cursor.text)
        return Nothing(problem=_NO_NAME if at_end and not self._has_thoughts else "")

    # ---- what follows the name

    def _after_name(self) -> Verdict | None:
        """Find the input of an action; a name that nobody knows is one only with an input."""
        text, at = self._cursor.text, self._cursor.at
        found = labels.find(text, at)
        whole = len(text) if self._ends else labels.settled(text, at)
        self._words.append(self._until(found.start("mark") if found else whole))
        if not self._may_have_words and "".join(self._words).strip():
            return OnlyWords()
        if not found:
            return self._without_input() if self._ends else None
        kind = labels.kind(found)
        if kind not in (labels.INPUT, labels.JSON, labels.FENCE):
            return self._without_input(kind)
        self._cursor.at = found.end()
        return self._labelled_input() if kind == labels.INPUT else self._go(self._input)

    @property
    def _may_have_words(self) -> bool:
        """Whether words behind the name leave it an action."""
        known = self._name in self._tools and bool(self._input_on_line)
        return known or self._keeps_form or self._is_answer

    @property
    def _is_answer(self) -> bool:
        return Action(self._name).is_answer

    def _without_input(self, next_label: str = "") -> Verdict:
        """Act without a label for the input, or with what stands behind the name."""
        if not (self._name in self._tools or self._keeps_form or self._is_answer):
            return OnlyWords()
        said = "".join(self._words)
        if self._is_answer:
            return Acts(actions=[Action(self._name, said.strip())], line_is_over=True)
        if self._input_on_line:
            action = self._with_brackets(self._input_on_line)
        elif self._cut_short and not next_label:
            action = BrokenCall(name=self._name, raw="", problem=CUT)
        elif self._is_in_sentence(said, next_label):
            return OnlyWords(problem=_NO_INPUT)
        elif not said.strip() and needs_no_input(self._tools.get(self._name)):
            action = Action(self._name)
        else:
            action = BrokenCall(name=self._name, raw="", problem=_NO_INPUT)
        return Acts(actions=[action], line_is_over=True, said=said)

    def _is_in_sentence(self, said: str, next_label: str) -> bool:
        """Tell whether an action without an input reads like words about one."""
        is_phrase = self._name not in self._tools and " " in self._name
        return is_phrase or bool(said.strip() and next_label in (labels.THOUGHT, labels.ANSWER))

    def _with_brackets(self, written: str) -> Action | BrokenCall:
        text = text_in_brackets(written)
        if text is None:
            return BrokenCall(name=self._name, raw=written, problem=_NO_INPUT)
        return Action(self._name, text)

    # ---- the input

    def _labelled_input(self) -> None:
        if self._name not in self._tools:
            self._tool_in_words = tool_in_words(self._name, self._tools)
        self._go(self._input)

    def _input(self) -> Verdict | None:
        if not self._has_begun():
            return self._acts("", cut=self._cut_short) if self._ends else None
        begins = self._cursor.text[self._cursor.at]
        return self._go(self._input_json if begins == "{" else self._plain_input)

    def _input_json(self) -> Verdict | None:
        self._name = self._tool_in_words or self._name
        text = self._json.read(self._cursor, self._ending)
        return None if text is None else self._acts(text, cut=self._json.is_cut)

    def _plain_input(self) -> Verdict | None:
        text, at = self._cursor.text, self._cursor.at
        found = labels.find_label(text, at)
        whole = len(text) if self._ends else labels.settled(text, at)
        self._plain.append(self._until(found.start("mark") if found else whole))
        if not (found or self._ends):
            return None
        return self._acts(
            "".join(self._plain).strip(), cut=not found and self._cut_short, line_is_over=True
        )

    def _acts(self, text: str, *, cut: bool, line_is_over: bool = False) -> Acts:
        return Acts(actions=[Action(self._name, text)], cut=cut, line_is_over=line_is_over)

"""The steps of a ReAct reply: thoughts, actions and the final answer, told apart by labels.

Theory of operation. A label (`Thought:`, `Action:` …) counts where a line starts. Each state reads
on and tells whether another one goes on:

    start      white space; a reply that is one quotation or one piece of code is held to its end
    between    text up to the next label; `Words` says what becomes of it
    code       nothing in it counts, unless it is how the model writes its action
    line       `ActionLine` reads what may be an action, and what follows it on its line
    after      on the lines behind an action more actions count, until the model invents an
               observation
    answer     everything is text: nothing in it counts any more; in JSON it ends with its string
    over       an invented observation, or an answer beside an action: nobody sees it

Only what may still be read in two ways is held back, so every way of cutting the reply gives the
same.
"""

from collections.abc import Callable, Sequence
from functools import partial

from strategies.protocols.base import IsQuoted, ReplyEvent, ToolSpec
from strategies.protocols.json.matching import past
from strategies.protocols.react import labels
from strategies.protocols.react.action_block import ActionBlock
from strategies.protocols.react.action_line import ActionLine
from strategies.protocols.react.actions import Action, call
from strategies.protocols.react.answer_string import AnswerHead, AnswerString
from strategies.protocols.react.candidate import Candidate
from strategies.protocols.react.code import FENCE_HEAD, FENCE_INFO, Code, unwrapped
from strategies.protocols.react.layout import BETWEEN_ACTIONS, skip, skip_lead
from strategies.protocols.react.verdicts import Acts, Answers, Nothing, OnlyWords
from strategies.protocols.react.words import Words
from strategies.protocols.stream.block import End
from strategies.protocols.stream.cursor import Cursor
from strategies.protocols.stream.markers import after_blank

_INDENT = 12
_NO_ACTION = "There is an Action Input, but no Action before it that names a tool."

type _State = Callable[[], bool]


class StepReader:
    """Reads the text of one reply, less its reasoning."""

    def __init__(
        self,
        tools: Sequence[ToolSpec],
        is_quoted: IsQuoted,
        *,
        is_shaped: bool,
    ) -> None:
        """Take whether the object of an answer is the answer itself, not only holds it."""
        self._tools = {tool.name: tool for tool in tools}
        self._is_quoted = is_quoted
        self._is_shaped = is_shaped
        self._cursor = Cursor()
        self._words = Words()
        self._ending: End | None = None
        self._state: _State = self._start
        self._line: ActionLine | None = None
        """What may be an action; the cursor holds the place where it begins."""
        self._code: Code | None = None
        """The code that is read, or in which the line stands."""
        self._may_unwrap = True
        self._observes = False
        """Behind an observation that the model writes itself no action counts before a thought."""
        self._problem = ""
        """What to tell the model at the end, unless it acts or answers."""
        self.acted = False
        """An action was read, good or bad: what the model writes for its result is invented."""

    def feed(self, text: str) -> list[ReplyEvent]:
        """Read the next piece."""
        self._words.take(text)
        self._cursor.add(text)
        return self._read()

    def start_line(self) -> None:
        """Behind reasoning a line starts."""
        if self._line is None and self._cursor.at == len(self._cursor.text):
            self._cursor = Cursor()

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Decide about what was held back."""
        self._ending = End(cut_short)
        events = self._read()
        self._words.close(acted=self.acted, problem=self._problem)
        return events + self._taken()

    def _read(self) -> list[ReplyEvent]:
        while self._state():
            pass
        return self._taken()

    def _taken(self) -> list[ReplyEvent]:
        events, self._words.events = self._words.events, []
        return events

    def _go(self, state: _State) -> bool:
        self._state = state
        return True

    @property
    def _ends(self) -> bool:
        return self._ending is not None

    def _keep_until(self, index: int) -> None:
        cursor = self._cursor
        if index > cursor.at:
            text, cursor.at = cursor.text[cursor.at : index], index
            self._words.keep(text)

    # ---- text between labels

    def _start(self) -> bool:
        """Pass over white space, and hold a reply that may be one quotation to its end."""
        text, at = self._cursor.text, self._cursor.at
        first = after_blank(text, at)
        line = max(at, text.rfind("\n", at, first) + 1)
        self._keep_until(line)
        if first - line > _INDENT:
            return self._go(self._between)
        if first == len(text) and not self._ends:
            return False
        if text[first : first + 1] in (">", "`"):
            short = len(text) - first < labels.LONGEST and "\n" not in text[first:]
            if short and not self._ends:
                return False
            if labels.starts_wrapped(text, line):
                return self._hold(self._wrapped)
        return self._go(self._between)

    def _hold(self, state: _State) -> bool:
        self._cursor.hold()
        return self._go(state)

    def _released(self) -> str:
        """Return all that was read since the place that was held, and forget the place."""
        text = self._cursor.held()
        self._cursor.release()
        self._line = None
        return text

    def _between(self) -> bool:
        """Read up to the next label, or to JSON or a fence that starts a line."""
        cursor = self._cursor
        found = labels.find(cursor.text, cursor.at)
        if not found:
            text = cursor.text
            self._keep_until(len(text) if self._ends else labels.settled(text, cursor.at))
            return False
        self._keep_until(found.start("mark"))
        kind = labels.kind(found)
        if kind == labels.FENCE:
            self._keep_until(found.end())
            return self._go(self._fence_begins)
        is_answer_within = found["answer"] and not self._words.are_thoughts
        if self._is_only_told(kind) or is_answer_within:
            self._keep_until(found.end() + (kind == labels.JSON))
            return True
        cursor.hold()
        cursor.at = found.end()
        if kind == labels.JSON:
            return self._begin_candidate()
        return self._label(kind, cursor.held())

    def _is_only_told(self, kind: str) -> bool:
        return self._observes and kind in (labels.ACTION, labels.INPUT, labels.JSON)

    def _label(self, kind: str, mark: str) -> bool:
        """Go where a label leads; `mark` is the label as it was written."""
        words = self._words
        words.pass_label()
        if words.are_shown and kind not in (labels.ACTION, labels.ANSWER):
            words.show(mark)  # the answer has begun without a label: this is only a word of it
            return True
        self._observes = kind == labels.OBSERVATION
        if kind == labels.ACTION:
            return self._begin_action()
        self._cursor.release()
        if kind == labels.INPUT:
            return self._stray_input(mark)
        if kind == labels.OBSERVATION and self.acted:
            return self._go(self._over)
        if kind == labels.ANSWER:
            words.think_opening()
            return self._go(self._over if self.acted else self._answer)
        words.begin_thought()
        return self._go(self._thought)

    def _stray_input(self, mark: str) -> bool:
        """An input without an action is a fault of the form, or a word of a text without form."""
        if self._words.begins_with_label and not self.acted:
            self._words.go_on_thinking()
            self._problem = _NO_ACTION
        self._words.keep(mark)
        return self._go(self._between)

    def _thought(self) -> bool:
        self._words.keep = self._words.think
        return skip_lead(self._cursor, ending=self._ends) and self._go(self._between)

    def _answer(self) -> bool:
        return skip_lead(self._cursor, ending=self._ends) and self._go(self._show_answer)

    def _show_answer(self) -> bool:
        cursor = self._cursor
        self._words.show(cursor.text[cursor.at :])
        cursor.at = len(cursor.text)
        return False

    def _answer_in_json(self, string: AnswerString) -> bool:
        self._words.show(string.read(self._cursor, ending=self._ends))
        return string.is_over and self._go(self._over)

    def _over(self) -> bool:
        self._cursor.at = len(self._cursor.text)
        return False

    # ---- code and quotations

    def _fence_begins(self) -> bool:
        """Decide what a fence is: code, or the way in which the model writes its action."""
        cursor = self._cursor
        text, head = cursor.text, FENCE_HEAD.match(cursor.text, cursor.at)
        end = head.end() if head else cursor.at
        if end == len(text) and not self._ends:
            return False
        code = Code(cursor, head["mark"]) if head else None
        if code and self._fence_may_call():
            if text[end : end + 1] in ("{", "["):
                cursor.hold()
                cursor.at = end
                return self._begin_candidate(code)
            line = text.rfind("\n", cursor.at, end) + 1
            if line and labels.starts(text, line):
                return self._hold(self._wrapped)
            if line and not self._ends and labels.may_start(text, line):
                return False
        self._code = code
        self._keep_until(head.end("mark") if head else len(text))
        return self._go(self._read_info)

    def _fence_may_call(self) -> bool:
        """Tell whether a fence may be how the model writes its action: else it explains."""
        return self._may_unwrap and not self._observes and self._behind_thoughts

    @property
    def _behind_thoughts(self) -> bool:
        """Whether nothing but thoughts stands before: words without a label may be the answer."""
        words = self._words
        return not words.are_shown and (words.begins_with_label or not words.are_open)

    def _read_info(self) -> bool:
        """Read the first line of code; with backticks in it, it is no fence."""
        cursor = self._cursor
        self._keep_until(past(FENCE_INFO, cursor.text, cursor.at))
        if cursor.at == len(cursor.text):
            return False
        is_code = self._code and cursor.text[cursor.at] != "`"
        return self._go(self._read_code if is_code else self._between)

    def _read_code(self) -> bool:
        is_over = not self._code or self._code.read(self._words.keep, ending=self._ends)
        return is_over and self._go(self._between)

    def _wrapped(self) -> bool:
        """Hold what may be a quotation or code as a whole, and decide about it at the end."""
        self._cursor.at = len(self._cursor.text)
        if not self._ending:
            return False
        text = self._released()
        tools = list(self._tools.values())
        inner = StepReader(tools, self._is_quoted, is_shaped=self._is_shaped)
        found = inner.feed(unwrapped(text)) + inner.close(cut_short=self._ending.cut_short)
        if inner.acted:
            self._words.think_opening()
            self._words.events += found
            self.acted = True
            return self._go(self._over)
        self._may_unwrap = False
        self._cursor = Cursor()
        self._cursor.add(text)
        return self._go(self._between)

    # ---- actions

    def _begin_action(self) -> bool:
        words = self._words
        block = ActionBlock(
            self._cursor,
            self._tools,
            keeps_form=words.begins_with_label,
            has_thoughts=words.have_thoughts or words.are_open,
            head=self._head(),
        )
        self._code = None
        self._line = ActionLine(self._cursor, self._tools, block)
        return self._go(self._read_line)

    def _begin_candidate(self, code: Code | None = None) -> bool:
        head = self._head() if self._behind_thoughts else None
        candidate = Candidate(self._cursor, self._tools, in_fence=code is not None, head=head)
        self._code = code
        self._line = ActionLine(self._cursor, self._tools, candidate)
        return self._go(self._read_line)

    def _head(self) -> AnswerHead | None:
        return None if self._is_shaped else AnswerHead()

    def _read_line(self) -> bool:
        match self._line.read(self._ending) if self._line else None:
            case None:
                return False
            case OnlyWords(problem=problem):
                self._problem = self._problem or problem
                return self._give_back()
            case Answers():
                self._released()
                self._words.think_opening()
                answer = partial(self._answer_in_json, AnswerString())
                return self._go(self._over if self.acted else answer)
            case Nothing(problem=problem, shown=shown):
                self._released()
                self._words.go_on_thinking()
                if problem:
                    self._words.fail(problem, shown)
                else:
                    self._words.show(shown)
                return self._go(self._between)
            case acts:
                return self._perform(acts)

    def _give_back(self) -> bool:
        """Take an action and all that was read with it for what it is: words."""
        text = self._released()
        self._words.keep(text)
        is_open = self._code is not None and self._code.goes_on_behind(text)
        return self._go(self._read_code if is_open else self._between)

    def _perform(self, acts: Acts) -> bool:
        """Hand out actions up to one that is the answer."""
        answers = [one for one in acts.actions if isinstance(one, Action) and one.is_answer]
        until = acts.actions.index(answers[0]) if answers else len(acts.actions)
        calls = [call(one, self._tools, cut_short=acts.cut) for one in acts.actions[:until]]
        written = self._cursor.held()
        if any(self._is_quoted(one, written) for one in calls):
            return self._give_back()
        self._released()
        self._words.think_opening()
        self._words.keep = self._words.think if calls else self._words.keep
        self._words.events += calls
        self.acted = self.acted or bool(calls)
        if answers:
            answer = answers[0].whole_answer if self._is_shaped else answers[0].answer
            self._words.show("" if self.acted else answer)
            return self._go(self._over)
        self._words.think(acts.said)
        return self._go(self._after)

    def _after(self) -> bool:
        """Behind an action, where another one may follow at once."""
        cursor = self._cursor
        if not skip(cursor, BETWEEN_ACTIONS, ending=self._ends):
            return False
        if cursor.text[cursor.at] in "{[":
            cursor.hold()
            return self._begin_candidate()
        return self._go(self._between)

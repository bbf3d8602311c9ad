"""The steps of a ReAct reply: thoughts, actions and the final answer, told apart by labels.

Theory of operation. A label (`Thought:`, `Action:` …) counts where a line starts. Each state reads
on and tells whether another one goes on:

    start      white space; a reply that is one quotation or one piece of code is held to its end
    between    text up to the next label; `_keep` says what becomes of it. Nothing was labelled yet:
               it is held, as it is a thought if an action follows and the answer if none does; once
               it has grown long it can only be an answer. Behind a thought it is reasoning.
    fence      code: nothing in it counts
    action     behind `Action:` stands JSON, or the name of a tool, and then `Action Input:`
    input      JSON, or text up to the next label
    candidate  JSON without a label, or in a sentence or fence: it is run if nothing else follows
    after      behind an action: more actions count, until the model invents an observation
    answer     everything is text: nothing in it counts any more
    over       an invented observation, or an answer beside an action: nobody sees it

Only what may still be read in two ways is held back, so every way of cutting the reply gives the
same.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from strategies.protocols.base import BrokenCall, FormatError, Reasoning, ReplyEvent, Text, ToolSpec
from strategies.protocols.json.read import JsonSpan, Unreadable, Value, guess, read_value
from strategies.protocols.react import labels
from strategies.protocols.react.actions import (
    CUT,
    Action,
    actions_in,
    call,
    needs_no_input,
    read_name,
    text_in_brackets,
)

_OPENING = 300
"""Longer text without a label is an answer, and is shown while it streams."""
_INDENT = 12
_LEAD = re.compile(r"\s*+(?:\*{1,3}(?=[\s{\[`]))?\s*+")
_MAY_BE_LEAD = re.compile(r"\s*+\*{1,3}\Z")
_JSON_MARK = re.compile(
    r"(?:`{1,3}[ \t]*)?(?:json[ \t]*[:：]?)?\s*+(?:`{1,3}(?:json)?\s*+)?(?=[{\[])", re.IGNORECASE
)
_MAY_BE_JSON_MARK = re.compile(
    r"(?:`{1,3}[ \t]*)?(?:j|js|jso|json[ \t]*[:：]?)?\s*+(?:`{1,3}(?:j|js|jso|json)?\s*+)?\Z",
    re.IGNORECASE,
)
_FENCE_HEAD = re.compile(r"```[a-zA-Z]{0,10}\s*+")
_REST_OF_INFO = re.compile(r"[^`\n]*+")
_FENCE_END = re.compile(r"\n[ \t]{0,12}```")
_MAY_BE_FENCE_END = re.compile(r"\n[ \t]{0,12}`{0,2}\Z")
_BETWEEN_ACTIONS = re.compile(r"[\s,;`}\])*]*+")
_ONE_FENCE = re.compile(r"\s*```[^\n`]*\n(.*?)(?:\n[ \t]*```(.*))?", re.DOTALL)
_QUOTED_LINE = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)

_NO_ACTION = "There is an Action Input, but no Action before it that names a tool."
_NO_NAME = "There is an Action, but it names no tool."
_BAD_ACTION = (
    "The Action cannot be read: write Action: with the name of a tool, and on the next line "
    "Action Input: with a JSON object."
)
_NO_INPUT = "There is no Action Input: write it on the line after the Action, as a JSON object."

type _State = Callable[[], bool]
type _Keep = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LabelledThought(Reasoning):
    """What stands behind `Thought:`, reasoning that the protocol itself asked for."""


class StepReader:
    """Reads the text of one reply, less its reasoning."""

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._text = "\n" * labels.CONTEXT
        """The characters before, then what is unread."""
        self._at = labels.CONTEXT
        self._events: list[ReplyEvent] = []
        self._ending = False
        self._cut_short = False
        self._is_cut = False
        """What was read last ends where the reply was cut off."""
        self._state: _State = self._start
        self._keep: _Keep = self._hold_opening
        self._opening: list[str] = []
        """Text before the first label, whose meaning that label tells."""
        self._opening_length = 0
        self._unlabelled: list[str] | None = []
        """The whole text so far; None once the first word of the reply was a label."""
        self._thoughts: list[str] = []
        self._gap = ""
        """White space at the end of a thought, shown only if more of it follows."""
        self._fresh = True
        """Nothing has been read behind the label yet."""
        self._written: list[str] = []
        """What the state has read so far."""
        self._name = ""
        self._name_text = ""
        """The label of an action and its line, in case that they are only text."""
        self._input_text = ""
        """What stands behind the name on its line."""
        self._span = JsonSpan()
        self._candidates: list[Action | BrokenCall] = []
        self._candidate_text = ""
        self._in_fence = False
        self._may_unwrap = True
        self._acted = False
        """An action was read, good or bad: what the model writes for its result is invented."""
        self._failed = False
        self._shown = False

    def feed(self, text: str) -> list[ReplyEvent]:
        """Read the next piece."""
        if self._unlabelled is not None:
            self._unlabelled.append(text)
        self._text = self._text[self._at - labels.CONTEXT :] + text
        self._at = labels.CONTEXT
        return self._read()

    def start_line(self) -> None:
        """Behind reasoning a line starts."""
        if self._at == len(self._text):
            self._text, self._at = "\n" * labels.CONTEXT, labels.CONTEXT

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Decide about what was held back."""
        self._ending, self._cut_short = True, cut_short
        events = self._read()
        self._show(self._opening_read())
        if not (self._acted or self._failed or self._shown):
            # Words before a label that leads nowhere, or a thought, are all the answer there is.
            said = self._thoughts if self._unlabelled is None else self._unlabelled
            self._show("".join(said))
        return events + self._taken()

    def _read(self) -> list[ReplyEvent]:
        while self._state():
            pass
        return self._taken()

    def _taken(self) -> list[ReplyEvent]:
        events, self._events = self._events, []
        return events

    def _go(self, state: _State) -> bool:
        self._state = state
        self._fresh = True
        return True

    # ---- text between labels

    def _start(self) -> bool:
        """Pass over white space, and hold a reply that may be one quotation to its end."""
        text, first = self._text, _after_blank(self._text, self._at)
        line = max(self._at, text.rfind("\n", self._at, first) + 1)
        self._keep_until(line)
        if first - line > _INDENT:
            return self._go(self._between)
        if first == len(text) and not self._ending:
            return False
        if text[first : first + 1] in (">", "`"):
            if len(text) - first < labels.LONGEST and "\n" not in text[first:] and not self._ending:
                return False
            if labels.starts_wrapped(text, line):
                return self._go(self._wrapped)
        return self._go(self._between)

    def _between(self) -> bool:
        """Read up to the next label, or to JSON or a fence that starts a line."""
        found = labels.find(self._text, self._at)
        if not found:
            whole = len(self._text)
            self._keep_until(whole if self._ending else labels.settled(self._text, self._at))
            return False
        self._keep_until(found.start("mark"))
        kind = labels.kind(found)
        if kind == labels.FENCE:
            self._keep_until(found.end())
            return self._go(self._fence)
        self._at = found.end()
        if kind == labels.JSON:
            return self._begin_candidate(found["mark"])
        if found["answer"] and self._keep != self._think:
            self._keep(found["mark"])
            return True
        return self._label(kind, found["mark"])

    def _label(self, kind: str, mark: str) -> bool:
        """Go where a label leads; `mark` is the label as it was written."""
        if not "".join(self._opening).strip():
            self._unlabelled = None
        if self._keep == self._show and kind not in (labels.ACTION, labels.ANSWER):
            self._show(mark)  # the answer has begun without a label: this is only a word of it
            return True
        match kind:
            case labels.ACTION:
                self._name_text = mark
                return self._go(self._action)
            case labels.INPUT:
                self._think_opening()
                if not self._acted:
                    self._fail(_NO_ACTION)
                self._keep = _drop
                return self._go(self._between)
            case labels.OBSERVATION if self._acted:
                return self._go(self._over)
            case labels.ANSWER:
                self._think_opening()
                return self._go(self._over if self._acted else self._answer)
            case _:
                self._think_opening()
                self._gap = "\n"
                return self._go(self._thought)

    def _thought(self) -> bool:
        self._keep = self._think
        return self._skip_lead() and self._go(self._between)

    def _answer(self) -> bool:
        if self._fresh and not self._skip_lead():
            return False
        self._show(self._text[self._at :])
        self._at = len(self._text)
        return False

    def _over(self) -> bool:
        self._at = len(self._text)
        return False

    # ---- code and quotations

    def _fence(self) -> bool:
        """Decide what a fence is: code, or the way in which the model writes its action."""
        text = self._text
        head = _FENCE_HEAD.match(text, self._at)
        end = head.end() if head else self._at
        if end == len(text) and not self._ending:
            return False
        if self._may_unwrap and self._keep != self._show and self._fence_may_call():
            if text[end : end + 1] in ("{", "["):
                mark, self._at = text[self._at : end], end
                return self._begin_candidate(mark, in_fence=True)
            line = text.rfind("\n", self._at, end) + 1
            if line and labels.starts(text, line):
                return self._go(self._wrapped)
            if line and not self._ending and labels.may_start(text, line):
                return False
        self._keep_until(min(self._at + len("```"), len(text)))
        return self._go(self._fence_info)

    def _fence_may_call(self) -> bool:
        """Tell whether a fence stands behind a thought or begins the reply: else it explains."""
        return self._unlabelled is None or not "".join(self._opening).strip()

    def _fence_info(self) -> bool:
        """Read the first line of code; with backticks in it, it is no fence."""
        info = _REST_OF_INFO.match(self._text, self._at)
        self._keep_until(info.end() if info else self._at)
        if self._at == len(self._text):
            return False
        return self._go(self._between if self._text[self._at] == "`" else self._code)

    def _code(self) -> bool:
        if end := _FENCE_END.search(self._text, self._at):
            self._keep_until(end.end())
            return self._go(self._between)
        open_end = None if self._ending else _MAY_BE_FENCE_END.search(self._text, self._at)
        self._keep_until(open_end.start() if open_end else len(self._text))
        return False

    def _wrapped(self) -> bool:
        """Hold what may be a quotation or code as a whole, and decide about it at the end."""
        self._write_until(len(self._text))
        if not self._ending:
            return False
        text = self._what_was_written()
        inner = StepReader(list(self._tools.values()))
        found = inner.feed(_unwrapped(text)) + inner.close(cut_short=self._cut_short)
        if inner.acted:
            self._think_opening()
            self._events += found
            self._acted = True
            return self._go(self._over)
        self._may_unwrap = False
        self._text, self._at = "\n" * labels.CONTEXT + text, labels.CONTEXT
        return self._go(self._between)

    @property
    def acted(self) -> bool:
        """Whether an action was read."""
        return self._acted

    # ---- actions

    def _action(self) -> bool:
        began, has_begun = self._at, self._skip_lead() and self._skip_json_mark()
        self._name_text += self._text[began : self._at]
        if not has_begun:
            if self._ending:
                self._think_opening()
                self._fail(_NO_NAME)
            return False
        following = self._text[self._at : self._at + 2]
        if following == "[" and not self._ending:
            return False
        if following[0] == "{" or (following[0] == "[" and not following[1:].isalpha()):
            return self._begin_json(self._action_json)
        return self._go(self._name_line)

    def _name_line(self) -> bool:
        text = self._text
        if not self._written:
            if labels.starts(text, self._at):
                return self._nameless()
            if not self._ending and labels.may_start(text, self._at):
                return False
        end = text.find("\n", self._at)
        self._write_until(end if end >= 0 else len(text))
        if end < 0 and not self._ending:
            return False
        line = self._what_was_written()
        if within := labels.input_within(line):
            self._put_back(line[within.end() :])
            self._name = read_name(line[: within.start()], self._tools).name
            return self._go(self._input) if self._name else self._nameless()
        named = read_name(line, self._tools)
        self._name, self._input_text = named.name, named.input
        self._name_text += line
        if named.input.lstrip("(").startswith("{"):
            self._put_back(named.input.lstrip("("))
            return self._go(self._input)
        return self._go(self._after_name) if named.name else self._nameless()

    def _nameless(self) -> bool:
        """Behind `Action: None` there may still come an answer."""
        self._think_opening()
        if self._at == len(self._text) and self._ending and not self._thoughts:
            self._fail(_NO_NAME)
        self._keep = self._think
        return self._go(self._between)

    def _after_name(self) -> bool:
        """Find the input of an action; a name that nobody knows is one only with an input."""
        text = self._text
        found = labels.find(text, self._at)
        whole = len(text) if self._ending else labels.settled(text, self._at)
        self._write_until(found.start("mark") if found else whole)
        if "".join(self._written).strip() and not self._is_certain_name:
            return self._give_back_name()
        if not found:
            return self._ending and self._without_input()
        kind = labels.kind(found)
        if kind not in (labels.INPUT, labels.JSON, labels.FENCE):
            return self._without_input()
        self._at = found.end()
        self._written.clear()
        return self._go(self._input)

    @property
    def _is_certain_name(self) -> bool:
        return self._name in self._tools or self._unlabelled is None or self._is_answer

    @property
    def _is_answer(self) -> bool:
        return Action(self._name).is_answer

    def _give_back_name(self) -> bool:
        """Take a label and the words behind it for what they are: a sentence."""
        self._keep(self._name_text + self._what_was_written())
        self._name = ""
        return self._go(self._between)

    def _without_input(self) -> bool:
        """Act without a label for the input, or with what stands behind the name."""
        if not self._is_certain_name:
            return self._give_back_name()
        said = self._what_was_written()
        if self._is_answer:
            return self._show_answer(said.strip())
        if self._input_text:
            self._act_on_brackets(self._input_text)
        elif self._cut_short and self._ending:
            self._break(self._name, "", CUT)
        elif needs_no_input(self._tools.get(self._name)):
            self._act(Action(self._name))
        else:
            self._break(self._name, "", _NO_INPUT)
        self._think(said)
        return self._go(self._after)

    def _act_on_brackets(self, written: str) -> None:
        text = text_in_brackets(written)
        if text is None:
            self._break(self._name, written, _NO_INPUT)
        else:
            self._act(Action(self._name, text))

    def _input(self) -> bool:
        if not (self._skip_lead() and self._skip_json_mark()):
            self._is_cut = self._cut_short
            return self._ending and self._end_input("")
        if self._text[self._at] == "{":
            return self._begin_json(self._input_json)
        return self._go(self._plain_input)

    def _plain_input(self) -> bool:
        found = labels.find_label(self._text, self._at)
        whole = len(self._text) if self._ending else labels.settled(self._text, self._at)
        self._write_until(found.start("mark") if found else whole)
        if not (found or self._ending):
            return False
        self._is_cut = not found and self._cut_short
        return self._end_input(self._what_was_written().strip())

    def _input_json(self) -> bool:
        text = self._read_json()
        return text is not None and self._end_input(text)

    def _end_input(self, text: str) -> bool:
        if self._is_answer:
            return self._show_answer(text)
        self._act(Action(self._name, text), cut_short=self._is_cut)
        return self._go(self._after)

    def _show_answer(self, text: str) -> bool:
        """Show an answer that was dressed up as an action."""
        if not self._acted:
            self._think_opening()
            self._show(Action(self._name, text).answer)
        return self._go(self._over)

    def _action_json(self) -> bool:
        text = self._read_json()
        if text is None:
            return False
        if actions := self._actions_in(text):
            return self._perform(actions)
        self._think_opening()
        self._fail(_BAD_ACTION)
        self._show(text)
        self._keep = self._think
        return self._go(self._between)

    def _after(self) -> bool:
        """Behind an action, where another one may follow at once."""
        if not self._skip(_BETWEEN_ACTIONS):
            return False
        if self._text[self._at] in "{[":
            return self._begin_candidate("")
        return self._go(self._between)

    # ---- JSON that is an action if nothing else follows

    def _begin_candidate(self, mark: str, *, in_fence: bool = False) -> bool:
        self._candidate_text, self._in_fence = mark, in_fence
        return self._begin_json(self._candidate)

    def _candidate(self) -> bool:
        text = self._read_json()
        if text is None:
            return False
        self._candidate_text += text
        actions = [] if self._names_nothing(text) else self._actions_in(text)
        if not (actions and all(map(self._may_stand_alone, actions))):
            return self._give_back_candidate()
        self._candidates += actions
        return self._go(self._after_candidate)

    def _after_candidate(self) -> bool:
        began, more = self._at, self._skip(_BETWEEN_ACTIONS)
        self._candidate_text += self._text[began : self._at]
        if not (more or self._ending):
            return False
        if more and self._text[self._at] in "{[":
            return self._begin_json(self._candidate)
        if more and not self._may_follow_candidate():
            return self._give_back_candidate()
        actions, self._candidates = self._candidates, []
        return self._perform(actions)

    def _may_follow_candidate(self) -> bool:
        """Tell whether a label follows; behind a fence only an invented observation counts."""
        found = labels.find_label(self._text, self._at)
        if not found or found.start("mark") != self._at:
            return False
        return not self._in_fence or labels.kind_at_line_start(found) == labels.OBSERVATION

    def _give_back_candidate(self) -> bool:
        text, self._candidate_text = self._candidate_text, ""
        self._candidates.clear()
        self._keep(text)
        is_open = self._in_fence and text.count("```") % 2 == 1
        return self._go(self._code if is_open else self._between)

    def _names_nothing(self, text: str) -> bool:
        """Tell without reading it that JSON cannot stand alone: replies hold whole documents."""
        if not self._tools or "\\" in text or "final" in text.casefold():
            return False
        return not any(name in text for name in self._tools)

    def _may_stand_alone(self, action: Action | BrokenCall) -> bool:
        """Tell whether JSON without `Action:` calls a tool: it must be a known one."""
        if isinstance(action, BrokenCall):
            return action.name in self._tools or not self._tools
        known = action.name in self._tools if self._tools else action.has_input
        return known or (action.is_answer and action.has_input)

    # ---- JSON

    def _begin_json(self, state: _State) -> bool:
        self._span = JsonSpan()
        self._written.clear()
        return self._go(state)

    def _read_json(self) -> str | None:
        """Read JSON to its end; None if more of it must come."""
        length = self._span.feed(self._text, self._at)
        self._write_until(len(self._text) if length is None else self._at + length)
        if length is None and not self._ending:
            return None
        self._is_cut = length is None and self._cut_short
        return self._what_was_written()

    def _actions_in(self, text: str) -> list[Action | BrokenCall]:
        """Read the actions in JSON; one that cannot be read for certain is broken."""
        outcome = read_value(text)
        actions = actions_in(outcome.value if isinstance(outcome, Value) else outcome.partial) or []
        problem = self._problem_of(outcome)
        if not (actions and problem):
            return [*actions]
        return [BrokenCall(name=actions[0].name, raw=text, problem=problem)]

    def _problem_of(self, outcome: Value | Unreadable) -> str:
        """Tell why the actions in JSON must not be run; blank when they may."""
        if isinstance(outcome, Unreadable):
            return outcome.problem
        if self._is_cut:
            return CUT
        return guess({"action": outcome.value}).problem if outcome.guessed else ""

    def _perform(self, actions: Sequence[Action | BrokenCall]) -> bool:
        for action in actions:
            if isinstance(action, BrokenCall):
                self._break(action.name, action.raw, action.problem)
            elif action.is_answer:
                self._name = action.name
                if not self._acted:
                    self._think_opening()
                    self._show(action.answer)
                return self._go(self._over)
            else:
                self._act(action)
        return self._go(self._after)

    # ---- moving on

    def _keep_until(self, index: int) -> None:
        self._keep(self._text[self._at : index])
        self._at = index

    def _write_until(self, index: int) -> None:
        if index > self._at:
            self._written.append(self._text[self._at : index])
        self._at = index

    def _what_was_written(self) -> str:
        text = "".join(self._written)
        self._written.clear()
        return text

    def _put_back(self, text: str) -> None:
        """Read the end of a line anew."""
        self._text = " " * labels.CONTEXT + text + self._text[self._at :]
        self._at = labels.CONTEXT

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Pass over layout; tell whether something else follows. A label keeps its indent."""
        text = self._text
        found = pattern.match(text, self._at)
        end = found.end() if found else self._at
        line = text.rfind("\n", self._at - 1, end) + 1
        if line:
            if labels.starts(text, line):
                self._at = line
                return True
            if not self._ending and labels.may_start(text, line):
                self._at = line
                return False
        self._at = end
        return end < len(text)

    def _skip_lead(self) -> bool:
        """Pass over what stands before a value; tell whether the value has begun."""
        waits = _MAY_BE_LEAD.match(self._text, self._at) and not self._ending
        self._fresh = bool(waits) or not self._skip(_LEAD)
        return not self._fresh

    def _skip_json_mark(self) -> bool:
        """Pass over a fence, backticks or a word in front of JSON; tell whether it has begun."""
        if _MAY_BE_JSON_MARK.match(self._text, self._at) and not self._ending:
            return False
        if mark := _JSON_MARK.match(self._text, self._at):
            self._at = mark.end()
        return True

    # ---- what goes out

    def _act(self, action: Action, *, cut_short: bool = False) -> None:
        self._begin_acting()
        self._events.append(call(action, self._tools, cut_short=cut_short))

    def _break(self, name: str, raw: str, problem: str) -> None:
        self._begin_acting()
        self._events.append(BrokenCall(name=name, raw=raw, problem=problem))

    def _begin_acting(self) -> None:
        self._think_opening()
        self._keep = self._think
        self._acted = True
        self._name = self._input_text = ""

    def _fail(self, problem: str) -> None:
        self._failed = True
        self._events.append(FormatError(problem))

    def _think(self, text: str) -> None:
        said = text.rstrip()
        if said:
            said_so_far = self._gap + said if self._thoughts else text.strip()
            self._thoughts.append(said_so_far)
            self._events.append(LabelledThought(said_so_far))
            self._gap = ""
        self._gap += text[len(said) :]

    def _show(self, text: str) -> None:
        if text:
            self._shown = True
            self._events.append(Text(text))

    def _hold_opening(self, text: str) -> None:
        self._opening.append(text)
        self._opening_length += len(text)
        if self._opening_length > _OPENING:
            self._keep = self._show
            self._show(self._opening_read())

    def _think_opening(self) -> None:
        self._think(self._opening_read().strip())

    def _opening_read(self) -> str:
        text = "".join(self._opening)
        self._opening.clear()
        return text


def _after_blank(text: str, at: int) -> int:
    found = re.compile(r"\s*+").match(text, at)
    return found.end() if found else at


def _unwrapped(text: str) -> str:
    """Return what stands in a quotation or in code, if the whole text is that and nothing else."""
    bare = text.strip()
    if fence := _ONE_FENCE.fullmatch(text):
        behind = fence[2] or ""
        return fence[1] if not behind.strip() or labels.begins_observation(behind) else ""
    if bare.startswith("`") and bare.endswith("`") and bare.count("`") == len("``"):
        return bare[1:-1]
    lines = [line for line in bare.splitlines() if line.strip()]
    if all(line.lstrip().startswith(">") for line in lines):
        return _QUOTED_LINE.sub("", bare)
    return ""


def _drop(_text: str) -> None: ...

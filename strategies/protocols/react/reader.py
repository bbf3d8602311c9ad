"""The reader of ReAct replies: thoughts, actions and the final answer, told apart by labels.

Theory of operation. A label (`Thought:`, `Action:` …) counts where a line starts. Between labels
the reader is in one of these places:

    opening   nothing was labelled yet: text is held, as it is a thought if an action follows and
              the answer if none does; once it has grown long it can only be an answer
    thought   goes out as reasoning; JSON that starts a line may be an action all the same
    action    behind `Action:` stands JSON, or the name of a tool, and then `Action Input:`
    input     JSON, or text up to the next label
    after     behind an action: more actions count, until the model invents an observation
    answer    everything is text: nothing in it counts any more
    over      an invented observation, or an answer beside an action: nobody sees it

Only what could still begin a label is held back, so every way of cutting the reply gives the same.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from strategies.protocols.base import (
    BrokenCall,
    CallDelta,
    FormatError,
    Reasoning,
    ReplyEvent,
    ReplyParser,
    Text,
    ToolSpec,
)
from strategies.protocols.json.read import JsonSpan, Unreadable, Value, read_value
from strategies.protocols.react import labels
from strategies.protocols.react.actions import Action, actions_in, call, name_in, needs_no_input

_OPENING = 300
"""Longer text without a label is an answer, and is shown while it streams."""
_LEAD = re.compile(r"\s*+(?:\*{2,3}(?=[\s{\[`]))?\s*+")
_MAY_BE_LEAD = re.compile(r"\s*+\*{1,3}\Z")
_FENCE = re.compile(r"```[a-zA-Z]{0,10}\s*+")
_MAY_BE_FENCE = re.compile(r"(?:`{1,2}|```[a-zA-Z]{0,10}\s*+)\Z")
_BETWEEN_ACTIONS = re.compile(r"[\s,;`}\]]*+")

_NO_ACTION = "There is an Action Input, but no Action before it that names a tool."
_NO_NAME = "There is an Action, but it names no tool."
_BAD_ACTION = (
    "The Action cannot be read: write Action: with the name of a tool, and on the next line "
    "Action Input: with a JSON object."
)
_NO_INPUT = "There is no Action Input: write it on the line after the Action, as a JSON object."
_CUT = "The reply was cut off before the Action Input was complete."

type _Place = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Thought(Reasoning):
    """What stands behind `Thought:`, reasoning that the protocol itself asked for."""


class ReactReader:
    """Reads one reply; a `ReplyParser`. `apart` splits `<think>` off before."""

    def __init__(self, apart: ReplyParser, tools: Sequence[ToolSpec]) -> None:
        self._apart = apart
        self._tools = {tool.name: tool for tool in tools}
        self._text = "\n"
        """The character before, then what is unread."""
        self._at = 1
        self._events: list[ReplyEvent] = []
        self._ending = False
        self._cut_short = False
        self._place: _Place = self._opening
        self._held: list[str] = []
        """Text whose meaning the next label tells."""
        self._length = 0
        self._thoughts: list[str] = []
        self._gap = ""
        """White space at the end of a thought, shown only if more of it follows."""
        self._name = ""
        self._fresh = True
        """Nothing has been read behind the label yet."""
        self._acted = False
        """An action was read, good or bad: what the model writes for its result is invented."""
        self._failed = False
        self._shown = False
        self._span = JsonSpan()
        self._json_pieces: list[str] = []
        self._before_json = ""
        self._in_action = False
        self._otherwise: _Place = self._opening
        """Where the reader goes on if the JSON is no action."""

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[ReplyEvent]:
        """Read the next piece; this reader knows nothing of native deltas."""
        del deltas
        self._take(self._apart.feed(text))
        return self._out()

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Read what was held back and decide about it."""
        self._take(self._apart.close(cut_short=cut_short))
        self._ending, self._cut_short = True, cut_short
        self._run()
        self._settle()
        nameless = self._place in (self._action, self._nameless)
        if nameless and not (self._acted or self._shown or self._thoughts):
            self._fail(_NO_NAME)
        if not (self._acted or self._failed or self._shown):
            self._show("".join(self._thoughts))  # a thought alone is all the answer there is
        return self._out()

    def _out(self) -> list[ReplyEvent]:
        events, self._events = self._events, []
        return events

    def _take(self, events: list[ReplyEvent]) -> None:
        for event in events:
            if isinstance(event, Text):
                self._text = self._text[self._at - 1 :] + event.text
                self._at = 1
                self._run()
            else:
                self._events.append(event)
                if self._at == len(self._text):
                    self._text, self._at = "\n", 1  # behind reasoning a line starts

    def _run(self) -> None:
        while self._place():
            pass

    # ---- places: each reads on and tells whether it came to another place

    def _opening(self) -> bool:
        went_on = self._between_labels(self._hold)
        if self._length > _OPENING:
            self._show(self._release())
            self._otherwise = self._prose
            return self._go(self._prose) if self._place == self._opening else went_on
        return went_on

    def _prose(self) -> bool:
        return self._between_labels(self._show)

    def _thought(self) -> bool:
        if self._fresh and not self._skip_lead():
            return False
        return self._between_labels(self._think)

    def _aside(self) -> bool:
        return self._between_labels(_ignore)

    def _action(self) -> bool:
        if not (self._skip_lead() and self._skip_fence()):
            return False
        if self._text[self._at] in "{[":
            return self._begin_json(self._aside)
        return self._go(self._name_line)

    def _name_line(self) -> bool:
        if self._fresh and labels.starts(self._text, self._at):
            return self._go(self._nameless)
        if self._fresh and not self._ending and labels.may_start(self._text, self._at):
            return False
        self._fresh = False
        end = self._text.find("\n", self._at)
        stop = end if end >= 0 else len(self._text)
        self._hold(self._text[self._at : stop])
        self._at = stop
        if end < 0 and not self._ending:
            return False
        self._name = name_in(self._release(), self._tools)
        return self._go(self._named if self._name else self._nameless)

    def _nameless(self) -> bool:
        """Behind `Action: None` there may still come an answer."""
        return self._between_labels(self._think)

    def _named(self) -> bool:
        return self._between_labels(self._hold)

    def _input(self) -> bool:
        if not (self._skip_lead() and self._skip_fence()):
            return False
        if self._text[self._at] == "{":
            return self._begin_json(self._aside)
        return self._go(self._input_text)

    def _input_text(self) -> bool:
        return self._between_labels(self._hold, json_counts=False)

    def _after(self) -> bool:
        """Behind an action, where another one may follow at once."""
        if not self._skip(_BETWEEN_ACTIONS):
            return False
        if self._text[self._at] in "{[":
            return self._begin_json(self._aside)
        return self._go(self._aside)

    def _answer(self) -> bool:
        if self._fresh and not self._skip_lead():
            return False
        self._show(self._text[self._at :])
        self._at = len(self._text)
        return False

    def _over(self) -> bool:
        self._at = len(self._text)
        return False

    def _go(self, place: _Place) -> bool:
        self._place = place
        self._fresh = True
        return True

    # ---- white space and fences

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Pass over layout; tell whether something else follows. A label keeps its indent."""
        text = self._text
        found = pattern.match(text, self._at)
        end = found.end() if found else self._at
        line = text.rfind("\n", self._at - 1, end) + 1
        if line and line < end:
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

    def _skip_fence(self) -> bool:
        """Pass over a fence in front of JSON; tell whether the value has begun."""
        if _MAY_BE_FENCE.match(self._text, self._at) and not self._ending:
            return False
        fence = _FENCE.match(self._text, self._at)
        if fence and self._text[fence.end() : fence.end() + 1] in ("{", "["):
            self._at = fence.end()
        return True

    # ---- text between labels

    def _between_labels(self, keep: Callable[[str], None], *, json_counts: bool = True) -> bool:
        """Hand text to `keep` up to the next label, or to JSON that starts a line."""
        text = self._text
        find = labels.find if json_counts else labels.find_label
        if found := find(text, self._at):
            keep(text[self._at : found.start("mark")])
            self._at = found.end()
            label = labels.kind(found)
            return self._pass(label) if label else self._begin_json(self._place, found["mark"])
        until = len(text) if self._ending else labels.settled(text, self._at)
        keep(text[self._at : until])
        self._at = until
        return False

    def _pass(self, label: str) -> bool:
        """Leave the place for the one that the label opens."""
        self._settle(for_input=label == labels.INPUT)
        match label:
            case labels.THOUGHT:
                self._gap = "\n"
                return self._go(self._thought if not self._acted else self._aside)
            case labels.ACTION:
                return self._go(self._action)
            case labels.INPUT if self._name:
                return self._go(self._input)
            case labels.INPUT:
                if not self._acted:
                    self._fail(_NO_ACTION)
                return self._go(self._aside)
            case labels.OBSERVATION:
                return self._go(self._over if self._acted else self._thought)
            case _:
                return self._go(self._over if self._acted else self._answer)

    def _settle(self, *, for_input: bool = False) -> None:
        """Decide about what the place that is left has held."""
        place, held = self._place, self._release()
        if place == self._opening:
            if self._ending or len(held) > _OPENING:
                self._show(held)
            else:
                self._think(held.strip())
        elif place == self._named and not for_input:
            self._call_without_input()
        elif place in (self._input, self._input_text):
            self._call(Action(self._name, held.strip()), cut_short=self._cut_short)
        elif place == self._action and not self._ending:
            self._fail(_NO_NAME)

    # ---- JSON

    def _begin_json(self, otherwise: _Place, before: str = "") -> bool:
        self._otherwise, self._before_json = otherwise, before
        self._in_action = self._place in (self._action, self._input)
        self._span = JsonSpan()
        self._json_pieces.clear()
        return self._go(self._json)

    def _json(self) -> bool:
        """Read JSON to its end and act on it."""
        end = self._span.feed(self._text, self._at)
        stop = len(self._text) if end is None else self._at + end
        self._json_pieces.append(self._text[self._at : stop])
        self._at = stop
        if end is None and not self._ending:
            return False
        text = "".join(self._json_pieces)
        if self._in_action and self._name:
            self._call(Action(self._name, text), cut_short=self._cut_short and end is None)
            return self._go(self._after)
        return self._judge(text)

    def _judge(self, text: str) -> bool:
        """Run the actions in JSON, or give it back to the text that it stands in."""
        if not self._in_action and self._names_nothing(text):
            return self._give_back(text)
        outcome = read_value(text)
        value = outcome.value if isinstance(outcome, Value) else outcome.partial
        actions = actions_in(value) or []
        if not actions or not (self._in_action or all(map(self._may_stand_alone, actions))):
            return self._give_back(text)
        self._place = self._otherwise
        self._settle(for_input=True)
        if isinstance(outcome, Unreadable):
            self._broken(actions[0].name, text, outcome.problem)
            return self._go(self._after)
        for action in actions:
            if action.is_answer:
                self._show("" if self._acted else action.text)
                return self._go(self._over)
            self._call(action)
        return self._go(self._after)

    def _names_nothing(self, text: str) -> bool:
        """Tell without reading it that JSON cannot stand alone: replies hold whole documents."""
        if not self._tools or "\\" in text or "final" in text.casefold():
            return False
        return not any(name in text for name in self._tools)

    def _may_stand_alone(self, action: Action) -> bool:
        """Tell whether JSON without `Action:` calls a tool: it must be a known one."""
        known = action.name in self._tools if self._tools else action.has_input
        return known or (action.is_answer and action.has_input)

    def _give_back(self, text: str) -> bool:
        if self._in_action:
            self._fail(_BAD_ACTION)
            self._show(text)
            return self._go(self._otherwise)
        place = self._otherwise
        keep = {
            self._opening: self._hold,
            self._named: self._hold,
            self._prose: self._show,
            self._thought: self._think,
            self._nameless: self._think,
        }.get(place, _ignore)
        keep(self._before_json + text)
        self._place = place
        return True

    # ---- what goes out

    def _call(self, action: Action, *, cut_short: bool = False) -> None:
        self._acted = True
        self._name = ""
        self._events.append(call(action, self._tools, cut_short=cut_short))

    def _call_without_input(self) -> None:
        if needs_no_input(self._tools.get(self._name)) and not self._cut_short:
            self._call(Action(self._name))
        else:
            problem = _CUT if self._cut_short else _NO_INPUT
            self._broken(self._name, "", problem)

    def _broken(self, name: str, raw: str, problem: str) -> None:
        self._acted = True
        self._name = ""
        self._events.append(BrokenCall(name=name, raw=raw, problem=problem))

    def _fail(self, problem: str) -> None:
        self._failed = True
        self._events.append(FormatError(problem))

    def _think(self, text: str) -> None:
        said = text.rstrip()
        if said:
            said_so_far = self._gap + said if self._thoughts else text.strip()
            self._thoughts.append(said_so_far)
            self._events.append(Thought(said_so_far))
            self._gap = ""
        self._gap += text[len(said) :]

    def _show(self, text: str) -> None:
        if text:
            self._shown = True
            self._events.append(Text(text))

    def _hold(self, text: str) -> None:
        if text:
            self._held.append(text)
            self._length += len(text)

    def _release(self) -> str:
        text = "".join(self._held)
        self._held.clear()
        self._length = 0
        return text


def _ignore(_text: str) -> None: ...

"""What an action of a ReAct reply calls, in the many shapes that models give it.

`{"action": …, "action_input": …}` is one form; other names of the keys, wrappers and lists of
actions are understood as well. An input may be plain text where the tool has exactly one required
parameter and that is text: whatever else would have to be guessed is given back.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from strategies.protocols.base import BrokenCall, Call, ToolSpec
from strategies.protocols.json.read import (
    Unreadable,
    Value,
    call_of,
    guess,
    read_arguments,
    read_value,
)

_WRAPPERS = frozenset(("tool_call", "tool_calls", "tool_calling", "function_call", "function"))
NAMES = ("action", "tool", "tool_name", "name", "function")
INPUTS = (
    "action_input",
    "actioninput",
    "action input",
    "input",
    "tool_input",
    "arguments",
    "args",
    "parameters",
    "params",
)
_NOTHING = frozenset(("", "none", "null", "n/a", "{}", "无"))
ANSWER_NAMES = frozenset(("final answer", "finalanswer", "final_answer", "最终答案"))
ANSWER_KEYS = frozenset(("answer", "final_answer", "output", "result", "text", "content"))
_DEEPEST = 4
CUT = "The reply was cut off before the Action Input was complete."
_DECORATION = " \t\r\n*`'\"_"
_NAME_AND_INPUT = re.compile(
    r"([\w.-]+)[ \t]*[,:]?[ \t]*(\(?\{.*|\(.*\)[ `*]*|\[.*\][ `*]*)", re.DOTALL
)
_WORDS_AROUND = re.compile(
    r"(?:(?:use|using|call|run|the|a|tool|function)\b|使用|调用|工具|函数|[\s`'\"\[\]“”「」。.])+",
    re.IGNORECASE,
)
_ONE_FENCE = re.compile(r"```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Action:
    """A tool's name and what the model wrote as its input: text, an object, or nothing."""

    name: str
    input: object = None
    has_input: bool = True

    @property
    def is_answer(self) -> bool:
        """Whether this is the final answer, dressed up as an action."""
        return self.name.casefold() in ANSWER_NAMES

    @property
    def answer(self) -> str:
        """The input as an answer; an object that holds nothing but one is opened."""
        given = self.input
        if isinstance(given, str) and given.lstrip().startswith("{"):
            outcome = read_value(given)
            given = outcome.value if isinstance(outcome, Value) else given
        members = _mapping(given)
        only = next(iter(members.items()), ("", None)) if len(members) == 1 else ("", None)
        if only[0].casefold() in ANSWER_KEYS and isinstance(only[1], str):
            return only[1]
        return self.whole_answer

    @property
    def whole_answer(self) -> str:
        """The input as an answer, as it was written."""
        return self.input if isinstance(self.input, str) else _json(self.input)


def actions_in(value: object, depth: int = 0) -> list[Action] | None:
    """Read JSON as actions; None if it is no action."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, list):
        found = [actions_in(one, depth + 1) for one in cast("list[object]", value)]
        return [action for some in found if some for action in some] or None
    if not isinstance(value, Mapping):
        return None
    members = {key.casefold(): one for key, one in cast("Mapping[str, object]", value).items()}
    for key in _WRAPPERS & members.keys():
        if isinstance(members[key], Mapping | list):
            return actions_in(members[key], depth + 1)
    for key in NAMES:
        name = members.get(key)
        if isinstance(name, str) and name.strip():
            return [_action(name.strip(), members)]
    return None


def actions_in_text(text: str, *, is_cut: bool) -> list[Action | BrokenCall]:
    """Read the actions in JSON as it was written; one that cannot be read for certain is broken."""
    outcome = read_value(text)
    actions = actions_in(outcome.value if isinstance(outcome, Value) else outcome.partial) or []
    problem = _problem_of(outcome, actions, is_cut=is_cut)
    if not (actions and problem):
        return [*actions]
    return [BrokenCall(name=actions[0].name, raw=text, problem=problem)]


def _problem_of(outcome: Value | Unreadable, actions: Sequence[Action], *, is_cut: bool) -> str:
    """Tell why the actions in JSON must not be run; blank when they may."""
    if isinstance(outcome, Unreadable):
        return outcome.problem
    if is_cut:
        return CUT
    if not (outcome.guessed and actions):
        return ""
    members = _mapping(actions[0].input)
    return guess(members if members and len(actions) == 1 else {"action": outcome.value}).problem


def _action(name: str, members: Mapping[str, object]) -> Action:
    given = [members[key] for key in INPUTS if key in members]
    filled = [one for one in given if one is not None]
    return Action(name, filled[0] if filled else None, has_input=bool(given))


@dataclass(frozen=True, slots=True)
class NameLine:
    """What stands behind `Action:` on its line."""

    name: str
    """Blank where the line says that there is no action."""
    input: str = ""
    """What stands behind the name in brackets; a remark where an `Action Input:` follows."""


def read_name(line: str, tools: Mapping[str, ToolSpec]) -> NameLine:
    """Read the line of an action: a tool's name, maybe in words or with its input."""
    name = line.strip(_DECORATION)
    if name in tools:
        return NameLine(name)
    found = _NAME_AND_INPUT.fullmatch(name)
    if found and found[1] in tools:
        return NameLine(found[1], found[2])
    bare = _WORDS_AROUND.sub(" ", name).strip()
    if bare in tools:
        return NameLine(bare)
    name = name.partition(" (")[0].strip(_DECORATION).removesuffix("()")
    return NameLine("" if name.casefold() in _NOTHING else name)


def tool_in_words(line: str, tools: Mapping[str, ToolSpec]) -> str:
    """Return the only known tool that words name, as in `The tool to use is look.`, else ""."""
    named = [name for name in tools if name in line and _stands_in(line, name)]
    return named[0] if len(named) == 1 else ""


def _stands_in(line: str, name: str) -> bool:
    """Tell whether a name stands in a line as a whole word; Chinese needs no space around it."""
    whole = rf"(?<![A-Za-z0-9_.-]){re.escape(name)}(?![A-Za-z0-9_-]|\.\w)"
    return re.search(whole, line) is not None


def text_in_brackets(written: str) -> str | None:
    """Return the text behind a tool's name, as in `look[lamps]` or `look("lamps")`.

    What else stands in round brackets may be code: None.
    """
    text = written.strip(" `*")
    inner = text[1:-1].strip()
    if text[:1] == "[" or not inner or (inner[0] == inner[-1] and inner[0] in "\"'"):
        return inner
    return None


def call(
    action: Action | BrokenCall, tools: Mapping[str, ToolSpec], *, cut_short: bool
) -> Call | BrokenCall:
    """Make the call of an action; one that is broken stays so."""
    if isinstance(action, BrokenCall):
        return action
    given = action.input
    if isinstance(given, Mapping):
        members = dict(cast("Mapping[str, object]", given))
        return Call(name=action.name, arguments=members, raw=_json(members))
    text = given if isinstance(given, str) else _json(given)
    if cut_short:
        return BrokenCall(name=action.name, raw=text, problem=CUT)
    if text.lstrip().startswith("{"):
        return call_of(action.name, text, read_arguments(text))
    if given is None or text.strip().casefold() in _NOTHING:
        return Call(name=action.name, arguments={})
    return _from_text(action.name, text, tools)


def needs_no_input(tool: ToolSpec | None) -> bool:
    """Tell whether a known tool can be called without any argument."""
    return tool is not None and not tool.parameters.get("required")


def _from_text(name: str, text: str, tools: Mapping[str, ToolSpec]) -> Call | BrokenCall:
    """Give plain text to the one parameter that it must be meant for."""
    tool = tools.get(name)
    plain = _unwrapped(text)
    if tool is None:
        # Nobody can tell the parameter, and the call of an unknown tool is only answered.
        return Call(name=name, arguments={"input": plain}, raw=_json(plain))
    parameters = tool.properties
    only = _only_required(tool)
    if not parameters and not only:
        return Call(name=name, arguments={}, raw=_json(plain))
    if only and _takes_text(parameters.get(only)):
        return Call(name=name, arguments={only: plain}, raw=_json(plain))
    names = ", ".join(parameters)
    problem = f"The input was read as the text {_json(plain)}, but it must be a JSON object"
    return BrokenCall(name=name, raw=text, problem=f"{problem} with these keys: {names}.")


def _only_required(tool: ToolSpec) -> str:
    required = tool.parameters.get("required")
    names = [*map(str, cast("list[object]", required))] if isinstance(required, list) else []
    return names[0] if len(names) == 1 else ""


def _takes_text(schema: object) -> bool:
    kind = _mapping(schema).get("type", "string")
    return kind == "string" or (isinstance(kind, list) and "string" in kind)


def _unwrapped(text: str) -> str:
    """Take away the fence, backticks or quotes that stand around the whole text."""
    text = text.strip()
    fence = _ONE_FENCE.fullmatch(text)
    if fence and "```" not in fence[1]:
        return fence[1]
    for quote in "\"'`":
        inner = text[1:-1]
        if len(text) > 1 and text[0] == text[-1] == quote and quote not in inner:
            return inner
    return text


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)

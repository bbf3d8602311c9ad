"""What an action of a ReAct reply calls, in the many shapes that models give it.

`{"action": …, "action_input": …}` is the form that was asked for; other names of the keys, wrappers
and lists of actions are understood as well. An input may be plain text: it stands for the tool's
only parameter, or the only one that is required.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from strategies.protocols.base import BrokenCall, Call, ToolSpec
from strategies.protocols.json.read import Unreadable, read_arguments

_WRAPPERS = frozenset(("tool_call", "tool_calls", "tool_calling", "function_call", "function"))
_NAMES = ("action", "tool", "tool_name", "name", "function")
_INPUTS = (
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
_ANSWERS = frozenset(("final answer", "finalanswer", "final_answer"))
_DEEPEST = 4
_DECORATION = " \t\r\n*`'\"_"


@dataclass(frozen=True, slots=True)
class Action:
    """A tool's name and what the model wrote as its input: text, an object, or nothing."""

    name: str
    input: object = None
    has_input: bool = True

    @property
    def is_answer(self) -> bool:
        """Whether this is the final answer, dressed up as an action."""
        return self.name.casefold() in _ANSWERS

    @property
    def text(self) -> str:
        """The input as text."""
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
    for key in _NAMES:
        name = members.get(key)
        if isinstance(name, str) and name.strip():
            return [_action(name.strip(), members)]
    return None


def _action(name: str, members: Mapping[str, object]) -> Action:
    given = [members[key] for key in _INPUTS if key in members]
    filled = [one for one in given if one is not None]
    return Action(name, filled[0] if filled else None, has_input=bool(given))


def name_in(line: str, tools: Mapping[str, ToolSpec]) -> str:
    """Read the name of a tool from an `Action:` line; blank if the line names none."""
    name = line.strip(_DECORATION)
    if name in tools:
        return name
    name = name.partition(" (")[0].strip(_DECORATION).removesuffix("()")
    return "" if name.casefold() in _NOTHING else name


def call(action: Action, tools: Mapping[str, ToolSpec], *, cut_short: bool) -> Call | BrokenCall:
    """Make the call of an action."""
    given = action.input
    if isinstance(given, Mapping):
        members = dict(cast("Mapping[str, object]", given))
        return Call(name=action.name, arguments=members, raw=_json(members))
    text = action.text
    if cut_short:
        return _broken(action.name, text, "The reply was cut off inside the input.")
    if text.lstrip().startswith("{"):
        return _from_json(action.name, text)
    if given is None or text.strip().casefold() in _NOTHING:
        return Call(name=action.name, arguments={})
    return _from_text(action.name, text, tools)


def needs_no_input(tool: ToolSpec | None) -> bool:
    """Tell whether a known tool can be called without any argument."""
    return tool is not None and not tool.parameters.get("required")


def _from_json(name: str, text: str) -> Call | BrokenCall:
    outcome = read_arguments(text)
    if isinstance(outcome, Unreadable):
        return _broken(name, text, outcome.problem)
    return Call(name=name, arguments=outcome.value, raw=text.strip())


def _from_text(name: str, text: str, tools: Mapping[str, ToolSpec]) -> Call | BrokenCall:
    """Give plain text to the parameter that it must be meant for."""
    tool = tools.get(name)
    plain = _unquoted(text)
    if tool is None:
        # Nobody can tell the parameter, and the call of an unknown tool is only answered.
        return Call(name=name, arguments={"input": plain}, raw=_json(plain))
    parameters = _mapping(tool.parameters.get("properties"))
    required = tool.parameters.get("required")
    only = [*map(str, cast("list[object]", required))] if isinstance(required, list) else []
    candidates = only if len(only) == 1 else list(parameters)
    if not parameters and not only:
        return Call(name=name, arguments={}, raw=_json(plain))
    if len(candidates) != 1:
        names = ", ".join(parameters)
        return _broken(name, text, f"The input must be a JSON object with these keys: {names}.")
    return Call(name=name, arguments={candidates[0]: plain}, raw=_json(plain))


def _unquoted(text: str) -> str:
    """Take away quotes that stand around the whole text."""
    text = text.strip()
    for quote in "\"'":
        inner = text[1:-1]
        if len(text) > 1 and text[0] == text[-1] == quote and quote not in inner:
            return inner
    return text


def _broken(name: str, raw: str, problem: str) -> BrokenCall:
    return BrokenCall(name=name, raw=raw, problem=problem)


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)

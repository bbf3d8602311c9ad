"""From what a model wrote to a call that may run: known tool, readable arguments, fitting schema.

Whatever is wrong becomes the call's result, in words with which the model can correct it. Nothing
is guessed: a tool runs with the arguments that the model meant, or not at all.
"""

import json
import re
import secrets
import string
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from strategies.agent.interface.events import ToolCall
from strategies.agent.interface.ports import Toolbox, ToolOutcome
from strategies.agent.prompt.wording import Wording
from strategies.agent.schema import arguments
from strategies.protocols.base import BrokenCall, Call

_ID_LETTERS = string.ascii_letters + string.digits
# Mistral takes call ids of nine letters and digits only; every other provider takes those too.
_ID_LENGTH = 9
_QUOTED = 2_000
_NAMESPACE = re.compile(r"^.*(?:::|[./:])")
_NOT_LETTERS = re.compile(r"[\W_]+")
_CLOSE = 0.75
_SHORTEST_WORD = 4
_LONGEST = 200  # matching costs the square of the length, and no tool's name is that long


@dataclass(frozen=True, slots=True)
class Ready:
    """The call may run, with these arguments."""

    call: ToolCall
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The call must not run; this is its result."""

    call: ToolCall
    outcome: ToolOutcome


def validated(
    written: Call | BrokenCall,
    toolbox: Toolbox,
    taken_ids: set[str],
    wording: Wording,
) -> Ready | Rejected:
    """Give a call an id of its own and decide whether it may run."""
    call = _name(written, taken_ids)
    tool = toolbox.known.get(written.name)
    if tool is None:
        return Rejected(call, failure(_unknown(written.name, toolbox, wording)))
    if isinstance(written, BrokenCall):
        told = wording.broken_arguments.format(name=written.name, problem=written.problem)
        return Rejected(call, failure(told))
    checked = arguments.check(written.arguments, tool.parameters)
    if isinstance(checked, arguments.Refused):
        problems = "; ".join(checked.problems)
        told = wording.refused_arguments.format(name=written.name, problems=problems)
        return Rejected(call, failure(told))
    return Ready(call, checked)


def failure(sentence: str) -> ToolOutcome:
    """Make the outcome of a call that did not run or did not succeed, in the engine's words."""
    return ToolOutcome(text=sentence, error=sentence, remark=sentence)


def _name(written: Call | BrokenCall, taken_ids: set[str]) -> ToolCall:
    call_id = written.id if written.id and written.id not in taken_ids else new_id(taken_ids)
    taken_ids.add(call_id)
    if isinstance(written, BrokenCall):
        # Providers parse the arguments that go back to them, so they must be a JSON object.
        kept = {"unreadable_arguments": written.raw[:_QUOTED]}
        return ToolCall(call_id, written.name, kept, json.dumps(kept, ensure_ascii=False))
    return ToolCall(call_id, written.name, written.arguments, _as_json(written))


def new_id(taken_ids: Collection[str] = ()) -> str:
    """Make the id of a call, which nobody can guess."""
    while True:
        call_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
        if call_id not in taken_ids:
            return call_id


def _as_json(call: Call) -> str:
    try:
        if isinstance(json.loads(call.raw), dict):
            return call.raw
    except ValueError:
        pass
    return json.dumps(call.arguments, ensure_ascii=False, default=str)


def _unknown(name: str, toolbox: Toolbox, wording: Wording) -> str:
    names = [tool.name for tool in toolbox.specs]
    if not names:
        return wording.no_tools.format(name=name)
    guess = nearest(name, toolbox.known)
    hint = wording.nearest_tool.format(nearest=guess) if guess else ""
    return wording.unknown_tool.format(name=name, names=", ".join(names)) + hint


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name most like the given one, or None if nothing is like it.

    It is only ever named to the model, never called in its stead.
    """
    known = {other: _bare(other[:_LONGEST]) for other in names}
    wanted = {_bare(name[:_LONGEST]), _bare(_NAMESPACE.sub("", name[:_LONGEST]))} - {""}
    for other, bare in known.items():
        if not wanted.isdisjoint((bare, _bare(_NAMESPACE.sub("", other)))):
            return other
    bare_name = _bare(name[:_LONGEST])
    close = get_close_matches(bare_name, known.values(), n=1, cutoff=_CLOSE)
    if not close:
        related = [bare for bare in known.values() if _holds(bare_name, bare)]
        close = get_close_matches(bare_name, related, n=1, cutoff=0)
    return next((other for other, bare in known.items() if close == [bare]), None)


def _holds(one: str, other: str) -> bool:
    """Whether one of two names holds the other, as `get_weather_data` holds `weather`."""
    short, long = sorted((one, other), key=len)
    return len(short) >= _SHORTEST_WORD and short in long


def _bare(name: str) -> str:
    return _NOT_LETTERS.sub("", name).casefold()

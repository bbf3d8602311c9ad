"""Calls written as JSON: `{"name": …, "arguments": …}` and what models make of it.

Other keys for the same things, an envelope around the call, a list of calls, arguments that are
JSON inside a string: each of these has one plain meaning. A call without any arguments key has no
arguments. Everything else is reported and never guessed at.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn, cast

from strategies.protocols.base import BrokenCall, Call
from strategies.protocols.json_reader import Unreadable, read_arguments, read_value
from strategies.protocols.json_span import exceeds_depth
from strategies.protocols.tolerant_json import DEPTH_LIMIT

type ReadCall = Call | BrokenCall

NAME_KEYS = ("name", "tool_name", "function_name", "function", "tool", "action")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "tool_input", "action_input", "params")
ENVELOPES = ("function", "function_call", "tool_call", "tool_calls", "tool")
_BESIDE = frozenset(("id", "type", "index", "call_id", "tool_call_id"))

_FORM = 'It must be a JSON object with the keys "name" and "arguments".'
_ARGUMENTS = re.compile(rf"\b(?:{'|'.join(ARGUMENT_KEYS)})\b")
_IMPOSSIBLE_IN_NAME = re.compile(r"[\s<>{}()\[\]\"'`✿]")
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsRead:
    """What a JSON text holds: calls, or the reason why there are none."""

    calls: tuple[ReadCall, ...] = ()
    problem: str = ""
    certain: bool = True
    """Nothing was guessed."""
    bare: bool = False
    """A call came without any arguments key."""


def read_calls(text: str) -> CallsRead:
    """Read the calls in one JSON text: a call, an envelope or a list of them."""
    members = read_members(text)
    if members.whole:
        return _judge(text, list(_calls_in(members.values, members.raw, repaired=False)))
    outcome = read_value(text)
    if isinstance(outcome, Unreadable):
        return _unreadable(members, outcome, text)
    found = _judge(text, list(_calls_in(outcome.value, {}, repaired=outcome.repaired)))
    if outcome.repaired and found.bare:
        return CallsRead(problem=_FORM, certain=False)  # two guesses make no call
    return replace(found, certain=not outcome.repaired)


def plausible_name(name: str) -> bool:
    """Tell whether a name could be a tool's: not blank, no markup, no sentence."""
    return 0 < len(name) <= _LONGEST_NAME and not _IMPOSSIBLE_IN_NAME.search(name)


# ---- one object after the other


def _judge(text: str, calls: list[ReadCall]) -> CallsRead:
    if calls:
        return CallsRead(calls=tuple(calls), bare=not _ARGUMENTS.search(text))
    return CallsRead(problem=_FORM)


def _calls_in(value: object, raw: Mapping[str, str], *, repaired: bool) -> Iterator[ReadCall]:
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _calls_in(item, {}, repaired=repaired)
    elif isinstance(value, dict):
        members = cast("dict[str, object]", value)
        for key in ENVELOPES:
            if isinstance(members.get(key), dict | list):
                shared = {"id": members["id"]} if "id" in members else {}
                yield from _calls_in(_with(shared, members[key]), {}, repaired=repaired)
                return
        if call := _call(members, raw, repaired=repaired):
            yield call


def _with(shared: dict[str, object], inner: object) -> object:
    return shared | cast("dict[str, object]", inner) if isinstance(inner, dict) else inner


def _call(members: dict[str, object], raw: Mapping[str, str], *, repaired: bool) -> ReadCall | None:
    name = _name(members)
    if not name:
        return None
    key = next((key for key in ARGUMENT_KEYS if key in members), "")
    given = members.get("id")
    call = Call(
        name=name,
        arguments={},
        id=given if isinstance(given, str) else "",
        raw=raw.get(key, ""),
        repaired=repaired,
    )
    if key:
        return _with_arguments(call, members[key])
    beside = members.keys() - _BESIDE - set(NAME_KEYS)
    return _broken(call, 'The arguments must stand under the key "arguments".') if beside else call


def _with_arguments(call: Call, arguments: object) -> ReadCall:
    match arguments:
        case dict():
            return replace(call, arguments=cast("dict[str, object]", arguments))
        case None:
            return call
        case str():
            outcome = read_arguments(arguments)
            if isinstance(outcome, Unreadable):
                return _broken(replace(call, raw=arguments), outcome.problem)
            return replace(
                call,
                arguments=outcome.value,
                raw=arguments,
                repaired=call.repaired or outcome.repaired,
            )
        case _:
            written = call.raw or json.dumps(arguments, ensure_ascii=False)
            return _broken(replace(call, raw=written), "The arguments must be a JSON object.")


def _name(members: Mapping[str, object]) -> str:
    for key in NAME_KEYS:
        name = members.get(key)
        if isinstance(name, str) and plausible_name(name.strip()):
            return name.strip()
    return ""


def _broken(call: Call, problem: str) -> BrokenCall:
    return BrokenCall(name=call.name, raw=call.raw, problem=problem, id=call.id)


def _unreadable(members: "Members", outcome: Unreadable, text: str) -> CallsRead:
    name = _name(members.values) or _certain_name(outcome.partial)
    if not name:
        return CallsRead(problem=outcome.problem, certain=False)
    call = BrokenCall(name=name, raw=text, problem=outcome.problem, truncated=outcome.truncated)
    return CallsRead(
        calls=(call,), problem=outcome.problem, certain=False, bare=not _ARGUMENTS.search(text)
    )


def _certain_name(partial: object) -> str:
    """Take the name from a cut call if something came after it, so that it is whole."""
    if isinstance(partial, list):
        partial = cast("list[object]", partial)[-1]
    if not isinstance(partial, dict):
        return ""
    members = cast("dict[str, object]", partial)
    for key in ENVELOPES:
        if members.get(key) and isinstance(members[key], dict | list):
            return _certain_name(members[key])
    return _name(members) if any(key in members for key in ARGUMENT_KEYS) else ""


# ---- the members of one object


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """What could be read strictly of an object, from its start on."""

    values: dict[str, object] = field(default_factory=dict[str, object])
    raw: dict[str, str] = field(default_factory=dict[str, str])
    whole: bool = False


def read_members(text: str) -> Members:
    """Read an object member by member, up to the first that strict JSON does not allow."""
    values: dict[str, object] = {}
    raw: dict[str, str] = {}
    if exceeds_depth(text, DEPTH_LIMIT):
        return Members()
    try:
        at = _past("{", text, 0)
        while text[at : at + 1] != "}":
            key, at = _DECODER.raw_decode(text, _past(",", text, at) if values else at)
            start = _past(":", text, at)
            values[_string(key)], at = _DECODER.raw_decode(text, start)
            raw[_string(key)] = text[start:at]
            at = _after_blank(text, at)
    except (ValueError, RecursionError):
        return Members(values=values, raw=raw)
    return Members(values=values, raw=raw, whole=not text[at + 1 :].strip())


def _past(sign: str, text: str, at: int) -> int:
    at = _after_blank(text, at)
    if not text.startswith(sign, at):
        raise ValueError(sign)
    return _after_blank(text, at + 1)


def _string(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(key)  # noqa: TRY004 - it is the text that is wrong
    return key


def _after_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_BLANK = re.compile(r"[ \t\r\n]*+")
_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse)

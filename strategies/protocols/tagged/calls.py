"""Calls written as JSON: `{"name": …, "arguments": …}` and what models make of it.

Other keys for the same things, an envelope around the call, a list of calls, arguments that are
JSON inside a string: each of these has one plain meaning. A call without any arguments key has no
arguments. Everything else is reported and never guessed at.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from strategies.protocols.base import BrokenCall, Call
from strategies.protocols.json.call_keys import ARGUMENT_KEYS, NAME_KEYS
from strategies.protocols.json.malformed import DEPTH_LIMIT
from strategies.protocols.json.matching import past
from strategies.protocols.json.read import Unreadable, guess, read_arguments, read_value
from strategies.protocols.json.span import exceeds_depth
from strategies.protocols.json.strict import STRICT

type ReadCall = Call | BrokenCall

ENVELOPES = ("function", "function_call", "tool_call", "tool_calls", "tool")
_BESIDE = frozenset(("id", "type", "index", "call_id", "tool_call_id"))

_FORM = 'It must be a JSON object with the keys "name" and "arguments".'
_ARGUMENTS = re.compile(rf"\b(?:{'|'.join(ARGUMENT_KEYS)})\b")
_IMPOSSIBLE_IN_NAME = re.compile(r"[\s<>{}()\[\]\"'`✿]")
_LONGEST_NAME = 128


@dataclass(slots=True, kw_only=True)
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
        return _judge(text, list(_calls_in(members.values, members.raw)))
    outcome = read_value(text)
    if isinstance(outcome, Unreadable):
        return _unreadable(members, outcome, text)
    found = _judge(text, list(_calls_in(outcome.value, {})))
    if outcome.guessed:
        found = replace(found, calls=tuple(map(_as_guess, found.calls)))
    if outcome.repaired and found.bare:
        return CallsRead(problem=_FORM, certain=False)  # two guesses make no call
    return replace(found, certain=not outcome.repaired)


def _as_guess(call: ReadCall) -> ReadCall:
    if isinstance(call, BrokenCall):
        return call
    raw = json.dumps(call.arguments, ensure_ascii=False)
    return BrokenCall(name=call.name, raw=raw, problem=guess(call.arguments).problem, id=call.id)


def plausible_name(name: str) -> bool:
    """Tell whether a name could be a tool's: not blank, no markup, no sentence."""
    return 0 < len(name) <= _LONGEST_NAME and not _IMPOSSIBLE_IN_NAME.search(name)


# ---- one object after the other


def _judge(text: str, calls: list[ReadCall]) -> CallsRead:
    if calls:
        return CallsRead(calls=tuple(calls), bare=_is_bare(text))
    return CallsRead(problem=_FORM)


def _is_bare(text: str) -> bool:
    # The usual key is looked for first: the pattern has to try every letter.
    return '"arguments"' not in text and not _ARGUMENTS.search(text)


def _calls_in(value: object, raw: Mapping[str, str]) -> Iterator[ReadCall]:
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _calls_in(item, {})
    elif isinstance(value, dict):
        members = cast("dict[str, object]", value)
        for key in ENVELOPES:
            if key in members and isinstance(members[key], dict | list):
                shared = {"id": members["id"]} if "id" in members else {}
                yield from _calls_in(_with(shared, members[key]), {})
                return
        if call := _call(members, raw):
            yield call


def _with(shared: dict[str, object], inner: object) -> object:
    return shared | cast("dict[str, object]", inner) if isinstance(inner, dict) else inner


def _call(members: dict[str, object], raw: Mapping[str, str]) -> ReadCall | None:
    name = _name(members)
    if not name:
        return None
    given = members.get("id")
    call_id = given if isinstance(given, str) else ""
    for key in ARGUMENT_KEYS:
        if key in members:
            return _with_arguments(name, call_id, members[key], raw.get(key, ""))
    if members.keys() - _BESIDE - set(NAME_KEYS):
        problem = 'The arguments must stand under the key "arguments".'
        return BrokenCall(name=name, raw="", problem=problem, id=call_id)
    return Call(name=name, arguments={}, id=call_id)


def _with_arguments(name: str, call_id: str, arguments: object, raw: str) -> ReadCall:
    match arguments:
        case None:
            value: dict[str, object] = {}
        case dict():
            value = cast("dict[str, object]", arguments)
        case str():
            raw = arguments
            outcome = read_arguments(arguments)
            if isinstance(outcome, Unreadable):
                return BrokenCall(name=name, raw=raw, problem=outcome.problem, id=call_id)
            value = outcome.value
        case _:
            raw = raw or json.dumps(arguments, ensure_ascii=False)
            problem = "The arguments must be a JSON object."
            return BrokenCall(name=name, raw=raw, problem=problem, id=call_id)
    return Call(name=name, arguments=value, id=call_id, raw=raw)


def _name(members: Mapping[str, object]) -> str:
    for key in NAME_KEYS:
        name = members.get(key)
        if isinstance(name, str) and plausible_name(name := name.strip()):
            return name
    return ""


def _unreadable(members: "Members", outcome: Unreadable, text: str) -> CallsRead:
    name = _name(members.values) or _certain_name(outcome.partial)
    if not name:
        return CallsRead(problem=outcome.problem, certain=False)
    call = BrokenCall(name=name, raw=text, problem=outcome.problem)
    return CallsRead(calls=(call,), problem=outcome.problem, certain=False, bare=_is_bare(text))


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


@dataclass(slots=True, kw_only=True)
class Members:
    """What could be read strictly of an object, from its start on."""

    values: dict[str, object] = field(default_factory=dict[str, object])
    raw: dict[str, str] = field(default_factory=dict[str, str])
    whole: bool = False


def read_members(text: str) -> Members:
    """Read an object member by member, up to the first that strict JSON does not allow."""
    values: dict[str, object] = {}
    raw: dict[str, str] = {}
    start = _OBJECT.match(text)
    if not start or exceeds_depth(text, DEPTH_LIMIT):
        return Members()
    at = start.end()
    try:
        while text[at : at + 1] != "}":
            found = _KEY.match(text, at)
            if not found or (found["comma"] == ",") != bool(values):
                return Members(values=values, raw=raw)
            key = _key(found["key"])
            if key in values:  # two values are one too many
                return Members(values=values, raw=raw)
            values[key], end = STRICT.raw_decode(text, found.end())
            raw[key] = text[found.end() : end]
            at = past(_BLANK, text, end)
    except (ValueError, RecursionError):
        return Members(values=values, raw=raw)
    return Members(values=values, raw=raw, whole=not text[at + 1 :].strip())


def _key(written: str) -> str:
    return STRICT.decode(f'"{written}"') if "\\" in written else written


_OBJECT = re.compile(r"[ \t\r\n]*+\{[ \t\r\n]*+")
_KEY = re.compile(
    r"""(?P<comma>,?)[ \t\r\n]*+"(?P<key>[^"\\]*+(?:\\.[^"\\]*+)*+)"[ \t\r\n]*+:[ \t\r\n]*+""",
    re.DOTALL,
)
_BLANK = re.compile(r"[ \t\r\n]*+")

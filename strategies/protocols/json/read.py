"""The arguments of a call, read from what a model wrote.

Strict JSON is tried first, with control characters allowed; then a lenient reader passes over
fences, prose and the usual mistakes. Wrong punctuation is marked `repaired`; a value that takes a
guess comes back as `Guessed`, and is not run. Text that was cut inside a
value is never handed out as arguments, and nothing is turned into `{}` unless it was empty: a
tool that runs on lost arguments does harm. `problem` is a sentence for the model.

Nothing raises on any text, and the time is linear in its length.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from strategies.protocols.base import BrokenCall, Call
from strategies.protocols.json.lenient import LenientValue, read
from strategies.protocols.json.malformed import DEPTH_LIMIT, MalformedError
from strategies.protocols.json.marks import skip_blank
from strategies.protocols.json.span import exceeds_depth
from strategies.protocols.json.strict import STRICT

_OBJECT_START = re.compile(r"[{｛]")
_VALUE_START = re.compile(r"[{｛\[［]")
_ESCAPED_OBJECT = re.compile(r"\s*\{\s*\\\"")
_PLACEHOLDER = re.compile(r"\{[ \w.-]+\}")  # as in prose: "the route /users/{id}"
_FENCE_LINE = re.compile(r"```[ \t]*[\w+-]*")
_EMPTY = frozenset(("", "null", "None"))
_MOST_OBJECTS = 16  # looked at beyond the first, in prose full of braces
_LONGEST_GUESS = 2_000
_WRAPPINGS = 3  # a JSON string around a JSON string around an object has been seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of a call."""

    value: dict[str, object]
    repaired: bool = False
    """Punctuation was corrected, so that more text may show them to be longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Any JSON value."""

    value: object
    repaired: bool = False
    guessed: bool = False
    """Some value in it may not be what the model meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Text that must not be run."""

    problem: str
    """One sentence for the model: what is wrong and where."""
    truncated: bool = False
    """The text was cut inside a value."""
    partial: Mapping[str, object] | None = None
    """What can be read of an object that was cut, or guessed at: to be shown, never to be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guessed(Unreadable):
    """Arguments in which a value had to be guessed: `partial` is what was understood."""


def read_arguments(text: str) -> Arguments | Unreadable:
    """Read the arguments of a call: an object, or nothing at all, which means no arguments."""
    if text.strip() in _EMPTY:
        return Arguments(value={})
    repaired = guessed = False
    for _ in range(_WRAPPINGS):
        outcome = _read(_unwrapped(text), _OBJECT_START)
        if isinstance(outcome, Unreadable):
            return outcome
        repaired, guessed = repaired or outcome.repaired, guessed or outcome.guessed
        value = outcome.value
        if isinstance(value, dict):
            members = cast("dict[str, object]", value)
            return guess(members) if guessed else Arguments(value=members, repaired=repaired)
        if not isinstance(value, str) or not _OBJECT_START.search(value):
            return Unreadable(problem=f"The arguments must be a JSON object, not {_kind(value)}.")
        text = value
    return Unreadable(problem="The arguments must be a JSON object, not a string.")


def call_of(name: str, written: str, outcome: Arguments | Unreadable) -> Call | BrokenCall:
    """Make the call of a tool from its arguments as they were written, and what they hold."""
    if isinstance(outcome, Unreadable):
        return BrokenCall(name=name, raw=written, problem=outcome.problem)
    return Call(name=name, arguments=outcome.value, raw=written.strip())


def guess(understood: Mapping[str, object]) -> Guessed:
    """Refuse arguments in which a value had to be guessed, and say what was understood."""
    written = json.dumps(understood, ensure_ascii=False)
    if len(written) > _LONGEST_GUESS:
        written = f"{written[:_LONGEST_GUESS]} …"
    return Guessed(
        problem="The arguments are not valid JSON, and a value had to be guessed; they were"
        f" understood as {written}. Write them again, with every string in quotes and every quote"
        " inside a string escaped.",
        partial=understood,
    )


def given_twice(key: str) -> str:
    """Say that two values were given where one can be meant: to take either would lose a call."""
    return f'"{key}" is given twice: make one call for each value.'


def _unwrapped(text: str) -> str:
    r"""Resolve the escapes of an object written as inside a string: `{\"a\": 1}`."""
    if not _ESCAPED_OBJECT.match(text):
        return text
    inner = _read_strictly(f'"{text}"')
    return inner.value if isinstance(inner, Value) and isinstance(inner.value, str) else text


def plain_object(text: str) -> dict[str, object] | None:
    """Read an object that is JSON without any mistake; None if the text is anything else."""
    outcome = _read_strictly(text)
    return _object(outcome.value) if isinstance(outcome, Value) else None


def read_value(text: str) -> Value | Unreadable:
    """Read any JSON value."""
    return _read(text, _VALUE_START)


def _read(text: str, start: re.Pattern[str]) -> Value | Unreadable:
    strict = _read_strictly(text)
    if strict is not None:
        return strict
    at = _first_value(text, start)
    try:
        reading = read(text, at)
    except MalformedError as error:
        return _unreadable(text, error.problem, error.at)
    if reading.truncated:
        return _cut(text, reading)
    if reading.lost:
        return Unreadable(problem=given_twice(reading.lost), partial=_object(reading.value))
    if isinstance(reading.value, dict):
        return _only_object(text, reading, start)
    return Value(value=reading.value, repaired=reading.repaired, guessed=reading.guessed)


# ---- strictly


def _read_strictly(text: str) -> Value | Unreadable | None:
    """Read plain JSON, control characters allowed; None if it is not that."""
    try:
        value: object = STRICT.decode(text)
    except RecursionError:
        return _too_deep()
    except ValueError:
        return None
    return _too_deep() if exceeds_depth(text, DEPTH_LIMIT) else Value(value=value)


def _too_deep() -> Unreadable:
    return Unreadable(problem=f"The JSON is nested more than {DEPTH_LIMIT} levels deep.")


# ---- leniently


def _first_value(text: str, start: re.Pattern[str]) -> int:
    """Find where the value starts: at once, in the first fence, or after some prose."""
    at = skip_blank(text, 0)
    if start.match(text, at) or text.startswith('"', at):
        inside = _FENCE_LINE.match(text, skip_blank(text, at + 1))
        return at if not inside else inside.end()
    fence = _FENCE_LINE.search(text, at)
    if fence and start.match(text, skip_blank(text, fence.end())):
        return skip_blank(text, fence.end())
    found = start.search(text, at)
    while found and _PLACEHOLDER.match(text, found.start()):
        found = start.search(text, found.end())
    return found.start() if found else at


def _only_object(text: str, first: LenientValue, start: re.Pattern[str]) -> Value | Unreadable:
    """Refuse two different objects: to take the first silently would lose a call."""
    kept = first.value
    for other in _objects_after(text, first.end, start):
        if not kept:
            kept = other
        elif other and other != kept:
            return _unreadable(text, "there are two different objects", first.end)
    other_taken = kept is not first.value
    return Value(
        value=kept,
        repaired=first.repaired or other_taken,
        guessed=first.guessed or other_taken,
    )


def _objects_after(text: str, at: int, start: re.Pattern[str]) -> Iterator[dict[str, object]]:
    """Yield the objects that stand without any doubt in the rest of the text."""
    for _ in range(_MOST_OBJECTS):
        found = start.search(text, at)
        if not found:
            return
        try:
            reading = read(text, found.start(), guess_strings=False)
        except MalformedError as error:
            at = max(error.at, found.end())
            continue
        at = max(reading.end, found.end())
        if not (reading.repaired or reading.truncated) and (value := _object(reading.value)):
            yield value


# ---- problems


def _cut(text: str, reading: LenientValue) -> Unreadable:
    return Unreadable(
        problem=f"The JSON ends inside a value, after {_snippet(text[-_SHOWN:])}: it was cut off.",
        truncated=True,
        partial=_object(reading.value),
    )


def _object(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _unreadable(text: str, problem: str, at: int) -> Unreadable:
    near = text[max(0, at - _SHOWN // 2) : at + _SHOWN // 2]
    where = f" near position {at}, at {_snippet(near)}" if near.strip() else ""
    return Unreadable(problem=f"The JSON cannot be read: {problem}{where}.")


_SHOWN = 40


def _snippet(text: str) -> str:
    return f"`{' '.join(text.split())}`"


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case _:
            return "a list"

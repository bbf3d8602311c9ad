"""The same tool with the same arguments again: what the model is to be given then.

The first call runs. The second is not run: the model gets the earlier result and is told that it
has seen it. The third is refused, and the model is told to answer; a model that still goes on has
nothing new to find.

A call that failed may be run once more for real, because a network or a busy service heals. Its
second run, failed or not, counts as the result; from then on the rules above hold.

Two calls are the same when their arguments are the same JSON value: order of keys, white space
and 1 against 1.0 make no difference. `Repeats` is frozen; each step returns the next value.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

_REAL_TRIES = 2
"""How often a call that fails is run for real."""


@dataclass(frozen=True, slots=True)
class First:
    """The call is to be run: it is new, or its only run so far failed."""


@dataclass(frozen=True, slots=True)
class Again:
    """The call is not run; this is what it returned before."""

    result: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The call is not run and gets no result: it was answered from memory before."""


type Verdict = First | Again | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    result: str = ""
    runs: int = 0
    failed: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Repeats:
    """What was called in a run so far, and what came back."""

    _records: Mapping[str, _Record] = field(default_factory=dict[str, _Record])

    def seen(self, name: str, arguments: Mapping[str, object]) -> First | Again | Refused:
        """Say what to do with a call that the model makes now."""
        record = self._records.get(key(name, arguments))
        if record is None or (record.failed and record.runs < _REAL_TRIES):
            return First()
        return Refused() if record.repeated else Again(record.result)

    def ran(
        self, name: str, arguments: Mapping[str, object], result: str, *, failed: bool = False
    ) -> "Repeats":
        """Return the memory with one more finished run."""
        known = self._records.get(key(name, arguments), _Record())
        return self._with(
            name, arguments, replace(known, result=result, runs=known.runs + 1, failed=failed)
        )

    def repeated(self, name: str, arguments: Mapping[str, object]) -> "Repeats":
        """Return the memory after an earlier result was given again."""
        known = self._records.get(key(name, arguments), _Record())
        return self._with(name, arguments, replace(known, repeated=True))

    def _with(self, name: str, arguments: Mapping[str, object], record: _Record) -> "Repeats":
        return Repeats({**self._records, key(name, arguments): record})


def key(name: str, arguments: Mapping[str, object]) -> str:
    """Write a call so that the same call always looks the same."""
    return json.dumps([name, _canonical(arguments)], sort_keys=True, default=repr)


def _canonical(value: object) -> object:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[object, object]", value)
        return {str(name): _canonical(inner) for name, inner in fields.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_canonical(inner) for inner in cast("Sequence[object]", value)]
    return value

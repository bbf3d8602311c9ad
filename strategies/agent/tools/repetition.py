"""The same call again and again: judged by whether the run gets anywhere, not by the arguments.

A clock, a job's status or a page after a click must be asked again with equal arguments. So a call
runs as long as its result changes or other tools ran in between. After the same call has brought
the same result `_IN_A_ROW` times in a row, the next one is answered with a hint instead of being
run, and the one after that is refused: a model that still goes on has nothing new to find, and is
brought to its answer. (Three as in OpenHands' StuckDetector, which counts repeated pairs of action
and error the same way.)

`Repetition` is frozen; each step returns the next value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from strategies.protocols.json.same_call import call_key

_IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """The call is to be run."""


@dataclass(frozen=True, slots=True)
class NoProgress:
    """The call is not run; its last result will not change."""

    result: str
    times: int
    """How often in a row that result came."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """The call is not run, and its model has been told before that it gets nowhere."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """The last call of a run, and how often in a row it brought the same result."""

    _call: str = ""
    _result: str = ""
    _times: int = 0
    _hinted: bool = False

    def seen(self, name: str, arguments: Mapping[str, object]) -> Progress | NoProgress | Stuck:
        """Say what to do with a call that the model makes now."""
        if self._call != call_key(name, arguments) or self._times < _IN_A_ROW:
            return Progress()
        return Stuck() if self._hinted else NoProgress(self._result, self._times)

    def after(self, name: str, arguments: Mapping[str, object], result: str) -> "Repetition":
        """Return the memory with one more finished run."""
        call = call_key(name, arguments)
        if (call, result) == (self._call, self._result):
            return replace(self, _times=self._times + 1)
        return Repetition(call, result, 1)

    def hinted(self) -> "Repetition":
        """Return the memory after the model was told that it gets nowhere."""
        return replace(self, _hinted=True)

"""Dify's storage with a time limit on every access (docs/dify.md, "Storage").

The first access that fails or takes too long is the run's last, and so is the one with which a run
has waited long enough in all: a storage that is slow or refused costs a run one moment and not one
for every access.
"""

import time
from _thread import start_new_thread
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from strategies.dify.wire_values import Json, only_text

type Request = dict[str, Any]
type Access = Callable[[Request], Iterator[Json]]
"""Asks Dify's storage; raises whatever goes wrong, with its text."""

PATIENCE = 1.0
"""Seconds that one access may take; a healthy storage takes some 5 ms."""
BUDGET = 1.5
"""Seconds that a run waits for the storage in all."""
_QUICK = 0.05
"""Seconds of an access that do not count: a long run may ask some hundred times."""
_LAST_PATIENCE = 0.05
"""Seconds that the end of a run waits to hear of what was sent off; nobody needs the answer."""
# The daemon says the same of a key that it does not have and of a disk that it cannot read.
_ABSENT = ("load data failed", "delete data failed")

type _Answer = tuple[int, Json | Exception]


class Store:
    """One run's access to the storage. Used by the run's threads, each value by one at a time."""

    def __init__(
        self, access: Access, *, patience: float = PATIENCE, budget: float = BUDGET
    ) -> None:
        self._access = access
        self._patience = patience
        self._left = budget
        self._late = TimeoutError(f"no answer within {patience:g} s, or {budget:g} s in all")
        self._sent: SimpleQueue[_Answer] = SimpleQueue()
        self._under_way = 0
        self._closed = False
        self.problems: list[str] = []
        """What went wrong, each in a sentence."""

    def get(self, *keys: str) -> list[bytes | None]:
        """Read values, all at once; None for each that is absent or cannot be read."""
        answers = self._ask([{"opt": "get", "key": key} for key in keys])
        return [self._value(answer) for answer in answers]

    def set(self, key: str, value: bytes) -> bool:
        """Write a value and tell whether it is known to be kept; if not, it is taken back."""
        if self._closed:
            return False
        is_kept = self._is_done(self._ask([_setting(key, value)])[0])
        if not is_kept:
            self.withdraw(key)  # Dify counts a value's size after it was written
        return is_kept

    def delete(self, key: str) -> bool:
        """Delete a value and tell whether it is known to have been there and to be gone."""
        return self._is_done(self._ask([_deleting(key)])[0])

    def send(self, key: str, value: bytes | None) -> None:
        """Write a value, or delete it (None), without waiting; `settle` hears how it went."""
        if not self._closed:
            self._send(_deleting(key) if value is None else _setting(key, value))

    def withdraw(self, key: str) -> None:
        """Delete a value that must not stay, without waiting, whatever has failed before."""
        self._send(_deleting(key))

    def settle(self) -> None:
        """Wait a little for what was sent off, so that it has left before the run ends."""
        for _, answer in self._gathered(self._sent, self._under_way, _LAST_PATIENCE):
            self._note(answer)
        self._under_way = 0

    def _send(self, request: Request) -> None:
        self._under_way += 1
        start_new_thread(self._carry, (0, request, self._sent))

    def _ask(self, requests: Sequence[Request]) -> list[Json | Exception]:
        if self._closed:
            return [KeyError()] * len(requests)
        began = time.monotonic()
        queue: SimpleQueue[_Answer] = SimpleQueue()
        for number, request in enumerate(requests):
            start_new_thread(self._carry, (number, request, queue))
        answers = dict(self._gathered(queue, len(requests), min(self._patience, self._left)))
        whole = [answers.get(number, self._late) for number in range(len(requests))]
        self._left -= max(time.monotonic() - began - _QUICK, 0)
        for answer in [*whole, *([] if self._left > 0 else [self._late])]:
            self._note(answer)
        return whole

    def _carry(self, number: int, request: Request, queue: SimpleQueue[_Answer]) -> None:
        try:
            queue.put((number, next(self._access(request))))
        except StopIteration:
            queue.put((number, LookupError("the storage gave no answer")))
        except Exception as error:  # noqa: BLE001 - the SDK raises plain Exception for any failure
            queue.put((number, error))

    def _gathered(self, queue: SimpleQueue[_Answer], count: int, seconds: float) -> list[_Answer]:
        answers: list[_Answer] = []
        due = time.monotonic() + seconds
        while len(answers) < count:
            try:
                answers.append(queue.get(timeout=max(due - time.monotonic(), 0)))
            except Empty:
                break
        return answers

    def _note(self, answer: Json | Exception) -> None:
        if isinstance(answer, Exception) and not str(answer).startswith(_ABSENT):
            self._closed = True
            problem = str(answer) or type(answer).__name__
            self.problems += [] if problem in self.problems else [problem]

    def _value(self, answer: Json | Exception) -> bytes | None:
        try:
            said = "" if isinstance(answer, Exception) else only_text(answer.get("data"))
            return bytes.fromhex(said) or None
        except ValueError:
            return None

    def _is_done(self, answer: Json | Exception) -> bool:
        return not isinstance(answer, Exception) and answer.get("data") == "ok"


def _setting(key: str, value: bytes) -> Request:
    return {"opt": "set", "key": key, "value": value.hex()}


def _deleting(key: str) -> Request:
    return {"opt": "del", "key": key}

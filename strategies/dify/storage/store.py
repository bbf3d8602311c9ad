"""Dify's storage with a time limit on every access (docs/dify.md, "Storage").

The first access that fails or takes too long is the run's last: so a storage that is slow or
refused costs a run one moment and not one for every access.
"""

import time
from _thread import start_new_thread
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from strategies.dify.loose_json import Json, only_text

type Request = dict[str, Any]
type Access = Callable[[Request], Iterator[Json]]
"""Asks Dify's storage; raises whatever goes wrong, with its text."""

PATIENCE = 1.0
"""Seconds that one access may take; a healthy storage takes some 5 ms."""
_LAST_PATIENCE = 0.05
"""Seconds that the end of a run waits to hear of what was sent off; nobody needs the answer."""
# The daemon says the same of a key that it does not have and of a disk that it cannot read.
_ABSENT = ("load data failed", "delete data failed")

type _Answer = tuple[int, Json | Exception]


class Store:
    """One run's access to the storage. Used by the run's threads, each value by one at a time."""

    def __init__(self, access: Access, *, patience: float = PATIENCE) -> None:
        self._access = access
        self._patience = patience
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
        """Write a value and tell whether it is known to be kept."""
        return self._is_done(self._ask([_setting(key, value)])[0])

    def delete(self, key: str) -> bool:
        """Delete a value and tell whether it is known to have been there and to be gone."""
        return self._is_done(self._ask([_deleting(key)])[0])

    def send(self, key: str, value: bytes | None) -> None:
        """Write a value, or delete it (None), without waiting; `settle` hears how it went."""
        if not self._closed:
            self._under_way += 1
            request = _deleting(key) if value is None else _setting(key, value)
            start_new_thread(self._carry, (0, request, self._sent))

    def settle(self) -> None:
        """Wait a little for what was sent off, so that it has left before the run ends."""
        for _, answer in self._gathered(self._sent, self._under_way, _LAST_PATIENCE):
            self._note(answer)
        self._under_way = 0

    def _ask(self, requests: Sequence[Request]) -> list[Json | Exception]:
        if self._closed:
            return [KeyError()] * len(requests)
        queue: SimpleQueue[_Answer] = SimpleQueue()
        for number, request in enumerate(requests):
            start_new_thread(self._carry, (number, request, queue))
        answers = dict(self._gathered(queue, len(requests), self._patience))
        late = TimeoutError(f"no answer within {self._patience:g} s")
        whole = [answers.get(number, late) for number in range(len(requests))]
        for answer in whole:
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
            self.problems.append(str(answer) or type(answer).__name__)

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

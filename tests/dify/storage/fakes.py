"""A storage that is kept in memory, with what can go wrong with one."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from strategies.dify.storage.store import Access, Store
from strategies.dify.wire_values import Json


class FakeStorage:
    """Answers as Dify's daemon does."""

    def __init__(
        self,
        *,
        slow: float = 0.0,
        refuses: str = "",
        full: bool = False,
        deletes_anything: bool = False,
    ) -> None:
        self.values: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.slow = slow
        self.refuses = refuses
        self.full = full
        self.deletes_anything = deletes_anything

    def __call__(self, request: dict[str, Any]) -> Iterator[Json]:
        """Take one request."""
        opt, key = request["opt"], request["key"]
        assert 0 < len(key) <= 256
        self.asked.append((opt, key))
        time.sleep(self.slow)
        if self.refuses:
            raise RuntimeError(self.refuses)
        match opt:
            case "get":
                if key not in self.values:
                    raise RuntimeError("load data failed, please check if the key is correct")
                yield {"data": self.values[key].hex()}
            case "set":
                if self.full:
                    raise RuntimeError("save data failed: allocated size is greater than allowed")
                self.values[key] = bytes.fromhex(request["value"])
                yield {"data": "ok"}
            case _:
                if self.values.pop(key, None) is None and not self.deletes_anything:
                    raise RuntimeError("delete data failed: no such file")
                yield {"data": "ok"}


def eventually(holds: Callable[[], bool]) -> bool:
    """Wait for what a run has sent off: it leaves on a thread of its own."""
    until = time.monotonic() + 10
    while not holds() and time.monotonic() < until:
        time.sleep(0.005)
    return holds()


def patient_store(storage: Access) -> Store:
    """A run's access without limits that matter: a busy machine is no slow storage."""
    return Store(storage, patience=20, budget=60)

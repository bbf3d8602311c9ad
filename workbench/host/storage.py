"""The storage that the daemon keeps for a plugin in one workspace, and what can be wrong with it.

It lasts as long as the workbench does. As in the daemon, a value is written before its size is
counted, and an absent key and a broken disk are told in the same words.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal, get_args

from workbench.base.ports import AnswerError, Json

type Trouble = Literal["full", "slow", "refused", "corrupt"]
TROUBLES: tuple[str, ...] = get_args(Trouble.__value__)

_KEY_LENGTH = 256
_SLOW_SECONDS = 3.0
_ABSENT = "load data failed, please check if the key is correct or you have not set it"


class Storage:
    """Keeps values by key. Asked from many threads at once."""

    def __init__(self, trouble: Trouble | None = None, *, since: int = 1) -> None:
        self.values: dict[str, bytes] = {}
        self._trouble = trouble
        self._since = since
        """The access, counted from 1, from which on the trouble is there."""
        self._asked = 0
        self._lock = threading.Lock()

    def answer(self, request: Json, most: int) -> Iterator[Json]:
        """Do what is asked; all values together may have so many bytes."""
        with self._lock:
            self._asked += 1
            trouble = self._trouble if self._asked >= self._since else None
        if trouble == "refused":
            raise _failed("persistence not found")
        if trouble == "slow":
            time.sleep(_SLOW_SECONDS)
        key, doing = str(request.get("key") or ""), _DOINGS.get(str(request.get("opt")))
        if doing is None or not key:
            raise _failed(f"invalid storage request: {request.get('opt')!r} {key!r}")
        with self._lock:
            answer = doing(self.values, key, str(request.get("value") or ""))
            size = sum(map(len, self.values.values()))
        if request["opt"] == "set" and (trouble == "full" or size > most):
            raise _failed("save data failed: allocated size is greater than max storage size")
        if trouble == "corrupt" and request["opt"] == "get":
            answer = {"data": answer["data"][::-1]}
        yield answer


def _get(values: dict[str, bytes], key: str, _: str) -> Json:
    if key not in values:
        raise _failed(_ABSENT)
    return {"data": values[key].hex()}


def _set(values: dict[str, bytes], key: str, value: str) -> Json:
    if len(key.encode()) > _KEY_LENGTH or ".." in key or "\\" in key:
        raise _failed("save data failed: key length must be less than 256 characters")
    try:
        values[key] = bytes.fromhex(value)
    except ValueError as error:
        raise _failed(f"decode data failed: {error}") from error
    return {"data": "ok"}


def _delete(values: dict[str, bytes], key: str, _: str) -> Json:
    if values.pop(key, None) is None:
        raise _failed(f"delete data failed: stat {key}: no such file or directory")
    return {"data": "ok", "deleted_num": 1}


def _exist(values: dict[str, bytes], key: str, _: str) -> Json:
    return {"data": key in values, "exist_num": int(key in values)}


_DOINGS: dict[str, Callable[[dict[str, bytes], str, str], Json]] = {
    "get": _get,
    "set": _set,
    "del": _delete,
    "exist": _exist,
}


def _failed(text: str) -> AnswerError:
    return AnswerError(text, stage="wire")

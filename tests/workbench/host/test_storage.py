"""The storage that the workbench plays: as the daemon's, and with what can be wrong with one."""

import time
from typing import cast

import pytest

from workbench.base.ports import AnswerError, Json
from workbench.host.storage import TROUBLES, Storage, Trouble


def ask(storage: Storage, opt: str, key: str = "a", value: bytes = b"", most: int = 1_000) -> Json:
    """Ask once."""
    request = {"opt": opt, "key": key, "value": value.hex()}
    return next(storage.answer(request, most))


def test_a_value_is_kept_read_and_deleted() -> None:
    """Values travel as hexadecimal text."""
    storage = Storage()
    assert ask(storage, "exist")["data"] is False
    assert ask(storage, "set", value=b"\x00x")["data"] == "ok"
    assert ask(storage, "get")["data"] == "0078"
    assert ask(storage, "exist")["data"] is True
    assert ask(storage, "del")["data"] == "ok"
    for opt in ("get", "del"):
        with pytest.raises(AnswerError, match="failed"):
            ask(storage, opt)


def test_a_storage_has_the_size_that_the_manifest_asks_for() -> None:
    """What is written over the limit is refused."""
    storage = Storage()
    ask(storage, "set", value=b"x" * 900)
    with pytest.raises(AnswerError, match="max storage size"):
        ask(storage, "set", "b", b"x" * 200)


def test_a_key_has_at_most_256_bytes() -> None:
    """As the daemon has it."""
    ask(Storage(), "set", "a" * 256)
    with pytest.raises(AnswerError, match="key length"):
        ask(Storage(), "set", "a" * 257)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_trouble_begins_with_an_access_and_stays(
    trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it, all is well."""
    monkeypatch.setattr(time, "sleep", lambda _: slept.append(1))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    slept: list[int] = []
    storage = Storage(cast("Trouble", trouble), since=2)
    ask(storage, "set", value=b"whole")
    failed = 0
    for _ in range(2):
        try:
            said = ask(storage, "set", value=b"whole"), ask(storage, "get")["data"]
            failed += said[1] != b"whole".hex()
        except AnswerError:
            failed += 1
    assert failed == 2 or len(slept) == 4

"""The storage with a limit on time: nothing that goes wrong there fails a run or holds it up."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from strategies.dify.storage.store import Store
from strategies.dify.wire_values import Json
from tests.dify.storage.fakes import FakeStorage, eventually


def test_a_value_comes_back_and_an_absent_one_is_none() -> None:
    """Values are bytes; absence is no problem."""
    store = Store(FakeStorage())
    assert store.set("a", b"\x00one")
    assert store.get("a", "b") == [b"\x00one", None]
    assert store.delete("a")
    assert not store.delete("a")
    assert store.get("a") == [None]
    assert store.problems == []


@pytest.mark.parametrize(
    "storage",
    [
        FakeStorage(refuses="permission denied, you need to enable storage access"),
        FakeStorage(slow=8.0),
    ],
    ids=["refused", "slow"],
)
def test_a_storage_that_fails_is_asked_once_in_a_run(storage: FakeStorage) -> None:
    """The first failure is told and closes the storage, so that it costs one moment at most."""
    store = Store(storage, patience=0.05)
    began = time.monotonic()
    assert store.get("a") == [None]
    assert not store.set("a", b"x")
    assert not store.delete("a")
    store.send("a", b"x")
    store.settle()
    assert time.monotonic() - began < 5
    assert len(storage.asked) == 1
    assert len(store.problems) == 1


def test_all_the_waiting_of_a_run_is_bounded() -> None:
    """A storage that answers each time, and takes its time, is closed after some accesses."""
    storage = FakeStorage(slow=0.1)
    store = Store(storage, patience=5, budget=0.2)
    for _ in range(50):
        store.get("a")
    assert len(storage.asked) < 10
    assert store.problems == ["no answer within 5 s, or 0.2 s in all"]


def test_many_quick_answers_are_no_waiting() -> None:
    """A run of some hundred rounds asks as often."""
    store = Store(FakeStorage(slow=0.02), patience=5, budget=1.0)
    for _ in range(60):
        store.get("a")
    assert store.problems == []


def test_what_is_not_known_to_be_kept_is_taken_back() -> None:
    """Dify writes a value before it says that there is no room for it."""
    storage = FakeStorage()

    def full_too_late(request: dict[str, Any]) -> Iterator[Json]:
        yield from storage(request) if request["opt"] != "set" else ()
        list(storage(request))
        raise RuntimeError("save data failed: allocated size is greater than allowed")

    store = Store(full_too_late)
    assert not store.set("a", b"x")
    store.settle()
    assert eventually(lambda: storage.values == {})


def test_a_full_storage_is_told_of_after_the_run_has_gone_on() -> None:
    """What was sent off is heard of when the run settles."""
    store = Store(FakeStorage(full=True))
    store.send("a", b"x")
    store.settle()
    assert store.problems == ["save data failed: allocated size is greater than allowed"]


def test_several_values_sent_off_are_all_waited_for() -> None:
    """Settling means that all have left."""
    storage = FakeStorage()
    store = Store(storage)
    for name in "abc":
        store.send(name, name.encode())
    store.settle()
    assert eventually(lambda: storage.values == {"a": b"a", "b": b"b", "c": b"c"})


@pytest.mark.parametrize("answer", [None, {}, {"data": None}, {"data": "xyz"}, {"data": 5}])
def test_an_odd_answer_is_no_value(answer: dict[str, Any] | None) -> None:
    """What is not hexadecimal text counts as absent."""

    def access(_: dict[str, Any]) -> Iterator[Json]:
        if answer is not None:
            yield answer

    assert Store(access).get("a") == [None]
    assert not Store(access).set("a", b"x")

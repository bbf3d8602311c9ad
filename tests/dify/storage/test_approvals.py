"""Calls that wait for an approval: taken once, by the one who was asked, as they were shown."""

import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from strategies.agent.interface.events import ToolCall
from strategies.agent.prompt.conversation import DoneCall, RoundRecord
from strategies.agent.turns.recall import PausedTurn
from strategies.dify.storage.approvals import APPROVALS, SECONDS, Held, PendingApproval, named
from strategies.dify.storage.places import Places, name_of
from strategies.dify.storage.store import Access, Store
from strategies.dify.wire_values import Json
from tests.dify.storage.fakes import FakeStorage, eventually, patient_store
from tests.dify.storage.test_places import Clock

READER = name_of("app", "conversation", "user")
CALL = ToolCall("call_1", "send", {"to": "a@b.c", "many": [1, {"x": None}]}, '{"to": "a@b.c"}')

HELD = Held(calls=(CALL,))


def held(
    storage: Access, reader: str = READER, clock: Clock | None = None, *, elsewhere: bool = False
) -> PendingApproval:
    """One run's view of what its reader was asked; elsewhere is another process."""
    store = patient_store(storage)
    return PendingApproval(store, reader, clock or Clock(), taken={} if elsewhere else None)


def test_the_calls_that_were_shown_are_taken_once() -> None:
    """Name and arguments come back as they were; the ids are new and nobody's guess."""
    storage = FakeStorage()
    (shown,) = named([CALL])
    assert held(storage).hold(Held(calls=(shown,)))
    assert shown.id != CALL.id
    assert len(shown.id) == 9
    assert held(storage).take().calls == (shown,)
    assert (shown.name, shown.arguments, shown.raw) == (CALL.name, CALL.arguments, CALL.raw)
    assert held(storage).take().calls == ()
    assert held(storage, elsewhere=True).take().calls == ()


def test_another_reader_takes_nothing() -> None:
    """An approval belongs to the user and the conversation that saw the question."""
    storage = FakeStorage()
    held(storage).hold(HELD)
    for other in (("app", "conversation", "guest"), ("app", "other", "user"), ("b", "c", "user")):
        assert held(storage, name_of(*other)).take().calls == ()
    assert len(held(storage).take().calls) == 1


def test_an_approval_expires() -> None:
    """After an hour a yes means nothing, and the question is cleared away."""
    storage, clock = FakeStorage(), Clock()
    held(storage, clock=clock).hold(HELD)
    clock.now += SECONDS + 1
    store = patient_store(storage)
    assert PendingApproval(store, READER, clock).take().calls == ()
    store.settle()
    assert eventually(lambda: storage.values == {})


def test_a_new_question_replaces_the_old_one() -> None:
    """The calls of the last question alone can be taken, and the old ticket is deleted."""
    storage = FakeStorage()
    held(storage).hold(HELD)
    store = patient_store(storage)
    newer = ToolCall("2", "pay", {}, "{}")
    PendingApproval(store, READER, Clock()).hold(Held(calls=(newer,)))
    store.settle()
    assert held(storage).take().calls == (newer,)
    assert eventually(lambda: len(storage.values) == 1)


def test_of_two_messages_at_once_one_takes_the_calls() -> None:
    """In one process exactly one of many runs gets them."""
    storage = FakeStorage(slow=0.002)
    held(storage).hold(HELD)
    taken: list[int] = []
    runs = [
        threading.Thread(target=lambda: taken.append(len(held(storage).take().calls)))
        for _ in range(8)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(10)
    assert sorted(taken) == [0] * 7 + [1]


class Baton:
    """Lets the accesses of two processes through one by one, in a given order."""

    def __init__(self, storage: FakeStorage, order: str) -> None:
        self._storage = storage
        self._left = list(order)
        self._passed = threading.Condition()

    def storage_of(self, name: str) -> Access:
        """The storage as one process sees it."""

        def access(request: dict[str, Any]) -> Iterator[Json]:
            with self._passed:
                self._passed.wait_for(lambda: name not in self._left or self._left[0] == name, 0.3)
                try:
                    answer = list(self._storage(request))
                finally:
                    if self._left and self._left[0] == name:
                        self._left.pop(0)
                    self._passed.notify_all()
            yield from answer

        return access


# Three places and the ticket are read, then come the claim and the ticket's end, then the three
# are read again.
_ORDERS = ["aabb", "abab", "abba", "baab", "baba", "bbaa"]


@pytest.mark.parametrize("deletes_anything", [False, True], ids=["disk", "object store"])
@pytest.mark.parametrize("later", ["aaabbb", "bbbaaa"])
@pytest.mark.parametrize("order", _ORDERS)
def test_two_processes_never_both_take_the_calls(
    order: str, later: str, *, deletes_anything: bool
) -> None:
    """Whatever comes first of two claims and two deletions, at most one process runs the calls.

    Where both have seen the ticket, an object store lets both delete it: then the claim decides.
    """
    storage = FakeStorage(deletes_anything=deletes_anything)
    held(storage).hold(HELD)
    baton = Baton(storage, "aaaabbbb" + order + later)
    won: list[str] = []

    def take(name: str) -> None:
        won.extend(name for _ in held(baton.storage_of(name), elsewhere=True).take().calls)

    runs = [threading.Thread(target=take, args=(name,)) for name in "ab"]
    for run in runs:
        run.start()
    for run in runs:
        run.join(20)
    assert len(won) <= 1
    if deletes_anything:
        assert len(won) == 1


@pytest.mark.parametrize("at", range(1, 12))
def test_a_storage_that_fails_on_the_way_runs_nothing_twice(at: int) -> None:
    """Where any access of the taking fails, the calls are not run; nor may they be afterwards."""
    storage = FakeStorage()
    held(storage).hold(HELD)
    asked = 0

    def failing(request: dict[str, Any]) -> Iterator[Json]:
        nonlocal asked
        asked += 1
        if asked >= at:
            raise RuntimeError("the disk is gone")
        return storage(request)

    first = PendingApproval(patient_store(failing), READER, Clock()).take().calls
    assert len(first) + len(held(storage, elsewhere=True).take().calls) <= 1


@pytest.mark.parametrize("deletes_anything", [False, True], ids=["disk", "object store"])
@pytest.mark.parametrize("late", [False, True], ids=["full", "late"])
def test_a_question_that_was_written_and_not_shown_is_never_answered(
    *, late: bool, deletes_anything: bool
) -> None:
    """The storage writes it and then says that it is full, or writes it after its time was over."""
    storage = FakeStorage(deletes_anything=deletes_anything)
    given_up, written = threading.Event(), threading.Event()

    def failing(request: dict[str, Any]) -> Iterator[Json]:
        if request["opt"] != "set" or "ticket" in request["key"]:
            yield from storage(request)
            return
        if late:
            given_up.wait(10)
        list(storage(request))
        written.set()
        raise RuntimeError("save data failed: allocated size is greater than allowed")

    store = Store(failing, patience=1, budget=5)
    assert not PendingApproval(store, READER, Clock()).hold(HELD)
    store.settle()
    given_up.set()
    assert written.wait(10)
    assert eventually(lambda: not any("ticket" in key for key in storage.values))
    assert held(storage).take().calls == ()
    assert held(storage, elsewhere=True).take().calls == ()


def test_a_question_that_is_too_large_leaves_nothing() -> None:
    """Neither its calls nor its ticket, which nobody would ever delete."""
    storage = FakeStorage()
    large = replace(CALL, arguments={"to": secrets.token_hex(30_000)})
    assert not held(storage).hold(Held(calls=(large,), turn=paused()))
    assert storage.values == {}


def test_a_question_that_is_not_answered_stays() -> None:
    """Whoever is in another branch of the conversation does not take it away."""
    storage = FakeStorage()
    held(storage).hold(HELD)
    assert held(storage).take(lambda _: False).calls == ()
    assert held(storage).take().calls == (CALL,)


def test_a_full_storage_holds_nothing() -> None:
    """Then the reader is not asked what nobody could answer."""
    assert not held(FakeStorage(full=True)).hold(HELD)


def paused(result: str = "12 lamps") -> PausedTurn:
    """A turn with one call."""
    looked = ToolCall("call_2", "look", {"q": "lamps"}, '{"q": "lamps"}')
    done = DoneCall(call=looked, result=result)
    record = RoundRecord(content="", visible="", done=(done,), in_text=False)
    return PausedTurn(question="Sell it", asked="May I?", rounds=(record,), known="Lamps are red.")


def test_the_turn_and_the_files_come_back_with_the_calls() -> None:
    """As they were handed in."""
    storage = FakeStorage()
    file: Json = {"name": "a_2.pdf", "wire": {"url": "https://dify.test/files/1?sign=x"}}
    held(storage).hold(Held(calls=(CALL,), turn=paused(), files=[file]))
    taken = held(storage).take()
    assert taken.turn == paused()
    assert taken.files == [file]


def test_what_is_too_much_gives_way_and_never_the_calls() -> None:
    """Results are cut, then the turn is left out."""
    storage = FakeStorage()
    result = secrets.token_hex(100_000)
    held(storage).hold(Held(calls=(CALL,), turn=paused(result)))
    turn = held(storage).take().turn
    assert turn is not None
    assert len(turn.rounds[0].done[0].result) == 4_000
    large = replace(CALL, arguments={"to": secrets.token_hex(13_000)})
    held(storage).hold(Held(calls=(large,), turn=paused(result)))
    taken = held(storage).take()
    assert taken.calls == (large,)
    assert taken.turn is None or len(taken.turn.rounds[0].done[0].result) < 4_000


def test_secrets_of_the_turn_are_hidden() -> None:
    """The calls themselves are kept as they were shown; they are to run."""
    storage = FakeStorage()
    held(storage).hold(Held(calls=(CALL,), turn=paused("the key is sk-abcdefghijklmnop")))
    taken = held(storage).take()
    assert "sk-abcdefghijklmnop" not in str(taken.turn)


@pytest.mark.parametrize("broken", [None, 7, {}, {"question": "x", "asked": "y", "rounds": [1]}])
def test_a_turn_that_cannot_be_read_is_left_out(broken: object) -> None:
    """The calls are run all the same."""
    storage = FakeStorage()
    holds = held(storage)
    holds.hold(HELD)
    places = Places(patient_store(storage), APPROVALS, Clock())
    asked = places.get(READER)
    places.put(READER, {**(asked or {}), "turn": broken})
    taken = held(storage).take()
    assert taken.calls == (CALL,)
    assert taken.turn is None or taken.turn.rounds == ()

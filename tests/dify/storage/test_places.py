"""A bounded room: values come back to their owners, expire, and the older ones leave."""

import zlib

import pytest

from strategies.dify.storage.places import Places, Room, name_of
from tests.dify.storage.fakes import FakeStorage, eventually, patient_store

ROOM = Room(name="test", places=64, seconds=100)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def places(storage: FakeStorage, room: Room = ROOM, clock: Clock | None = None) -> Places:
    """One run's view of a room."""
    return Places(patient_store(storage), room, clock or Clock())


def test_a_value_comes_back_to_its_owner_alone() -> None:
    """Another owner sees nothing of it, wherever it stands."""
    storage = FakeStorage()
    ours, others = name_of("app", "conversation"), name_of("app", "another")
    assert places(storage).put(ours, {"said": "hello"})
    assert places(storage).get(ours) == {"said": "hello"}
    assert places(storage).get(others) is None
    assert places(storage, Room(name="test", places=1, seconds=100)).get(others) is None


def test_a_name_does_not_say_whose_it_is_and_tells_parts_apart() -> None:
    """Two parts are not the same as both in one."""
    assert "app" not in name_of("app", "b")
    assert name_of("app", "b") != name_of("appb") != name_of("app,b")


def test_a_new_value_replaces_the_old_one() -> None:
    """An owner has one value."""
    storage = FakeStorage()
    owner = name_of("one")
    for number in range(5):
        assert places(storage).put(owner, {"number": number})
    assert places(storage).get(owner) == {"number": 4}
    assert len(storage.values) == 1


def test_a_value_expires_and_is_deleted_when_it_is_seen() -> None:
    """Who looks finds nothing, and the place is cleared."""
    storage, clock = FakeStorage(), Clock()
    owner = name_of("one")
    places(storage, clock=clock).put(owner, {"a": 1})
    clock.now += 101
    store = patient_store(storage)
    assert Places(store, ROOM, clock).get(owner) is None
    store.settle()
    assert eventually(lambda: storage.values == {})


def test_a_room_is_bounded_and_the_newest_stay() -> None:
    """Ten times as many owners as places: the last ones are still there, and nothing more."""
    storage, clock = FakeStorage(), Clock()
    owners = [name_of(str(number)) for number in range(640)]
    for owner in owners:
        clock.now += 0.1
        assert places(storage, clock=clock).put(owner, {"a": 1})
    assert len(storage.values) <= ROOM.places
    kept = [owner for owner in owners if places(storage, clock=clock).get(owner)]
    assert owners[-1] in kept
    newest = sum(owner in kept for owner in owners[-32:])
    assert newest >= 24
    assert sum(owner in kept for owner in owners[:320]) <= 6


def test_a_value_that_is_too_large_is_not_written() -> None:
    """A room's total is its places times the size of one."""
    storage = FakeStorage()
    room = Room(name="test", places=4, seconds=100, size=1_000)
    noise = [name_of(str(number)) for number in range(200)]
    assert not places(storage, room).put(name_of("one"), {"noise": noise})
    assert places(storage, room).put(name_of("one"), {"same": "a" * 20_000})
    assert all(len(value) <= 1_000 for value in storage.values.values())


@pytest.mark.parametrize(
    "broken",
    [
        b"no archive",
        zlib.compress(b"no json"),
        zlib.compress(b"[1]"),
        zlib.compress(b'{"form":1}'),
        zlib.compress(b'{"form":2,"owner":"x","written":1,"until":9e99,"value":{}}'),
        zlib.compress(b"0" * 9_000_000),
        zlib.compress(b"[" * 100_000),
    ],
)
def test_a_broken_value_counts_as_nothing_and_is_replaced(broken: bytes) -> None:
    """The next value of whoever may stand there takes its place."""
    storage = FakeStorage()
    owner = name_of("one")
    places(storage).put(owner, {"a": 1})
    (key,) = storage.values
    storage.values[key] = broken
    assert places(storage).get(owner) is None
    places(storage).put(owner, {"a": 2})
    assert places(storage).get(owner) == {"a": 2}


def test_text_with_half_a_character_is_written_all_the_same() -> None:
    """Broken JSON of a model may hold half a pair."""
    storage = FakeStorage()
    assert places(storage).put(name_of("one"), {"said": "a\ud83d"})
    assert places(storage).get(name_of("one")) == {"said": "a?"}


def test_what_is_deleted_is_gone() -> None:
    """An owner's value can be taken out of the room."""
    storage = FakeStorage()
    places(storage).put(name_of("one"), {"a": 1})
    store = patient_store(storage)
    Places(store, ROOM, Clock()).forget(name_of("one"))
    store.settle()
    assert eventually(lambda: storage.values == {})

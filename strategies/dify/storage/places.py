"""A bounded room in the storage: a fixed number of places, each for one value of limited size.

Dify's storage cannot say what is in it. So a value's owner decides in which two places it may
stand, and where both are taken, the older value leaves. Whatever happens, a room never holds more
than its places; and who looks for a value also looks at a place by chance and clears what has
expired, so that nothing stays for ever.
"""

import hashlib
import json
import secrets
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from strategies.dify.storage.store import Store
from strategies.dify.wire_values import Json, mapping, number_of, text_of

_FORM = 1
"""The version of what is written; no other one is read."""
_LARGEST = 4_000_000
"""Bytes of a value once it is unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room's name and size."""

    name: str
    places: int
    seconds: float
    """How long a value is kept."""
    size: int = 16 * 1024
    """Bytes of a value once it is packed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    owner: str
    written: float
    """Seconds since the epoch."""
    until: float
    value: Json


def name_of(*parts: str) -> str:
    """Name an owner so that nobody can read who it is."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


class Places:
    """One room, as one run sees it."""

    def __init__(
        self,
        store: Store,
        room: Room,
        clock: Callable[[], float] = time.time,
        *,
        on_leave: Callable[[Json], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._room = room
        self._clock = clock
        self._on_leave = on_leave
        """Called with every value that expires or makes room for another owner's."""
        self._place: dict[str, str] = {}
        """Where a value of each owner that was looked for is to stand."""
        self._before: dict[str, Json] = {}
        """What stands there and is another owner's."""

    def get(self, owner: str) -> Json | None:
        """Read an owner's value; None where there is none that is still good."""
        now = self._clock()
        number = int(owner[:8], 16)
        first, second = (self._key(number + step) for step in (0, 1 + number // 7))
        keys = list(dict.fromkeys([first, second, self._key(secrets.randbelow(1 << 30))]))
        read = dict(zip(keys, self._store.get(*keys), strict=True))
        found = {key: self._unpacked(packed) for key, packed in read.items() if packed}
        kept = {key: one for key, one in found.items() if one and one.until > now}
        for key, one in found.items():
            if one and key not in kept:
                self._store.send(key, None)
                self._on_leave(one.value)
        ours = [key for key in (first, second) if key in kept and kept[key].owner == owner]
        age = {key: kept[key].written if key in kept else 0.0 for key in (second, first)}
        place = ours[0] if ours else min(age, key=lambda key: age[key])
        self._place[owner] = place
        if not ours:
            self._before[owner] = kept[place].value if place in kept else {}
            return None
        return kept[place].value if kept[place].written + self._room.seconds > now else None

    def fits(self, owner: str, value: Json) -> bool:
        """Whether a value is small enough to be kept."""
        return self._packed(owner, value) is not None

    def put(self, owner: str, value: Json) -> bool:
        """Write an owner's value and tell whether it is known to be kept."""
        packed = self._packed(owner, value)
        return packed is not None and self._store.set(self._where(owner), packed)

    def send(self, owner: str, value: Json) -> bool:
        """Write an owner's value without waiting for it; False where it is too large."""
        packed = self._packed(owner, value)
        if packed is not None:
            self._store.send(self._where(owner), packed)
        return packed is not None

    def forget(self, owner: str) -> None:
        """Delete an owner's value, without waiting for it."""
        if self.get(owner) is not None:
            self._store.send(self._place[owner], None)

    def _where(self, owner: str) -> str:
        if owner not in self._place:
            self.get(owner)
        if self._before.get(owner):
            self._on_leave(self._before.pop(owner))
        return self._place[owner]

    def _key(self, number: int) -> str:
        return f"{self._room.name}-{number % self._room.places}"

    def _packed(self, owner: str, value: Json) -> bytes | None:
        now = self._clock()
        whole = {
            "form": _FORM,
            "owner": owner,
            "written": now,
            "until": now + self._room.seconds,
            "value": value,
        }
        packed = zlib.compress(json.dumps(whole, ensure_ascii=False).encode("utf-8", "replace"))
        return packed if len(packed) <= self._room.size else None

    def _unpacked(self, packed: bytes) -> _Kept | None:
        """Read what a place holds; what is broken, or of another form, counts as nothing."""
        try:
            whole = mapping(json.loads(zlib.decompressobj().decompress(packed, _LARGEST)))
        except (zlib.error, ValueError, RecursionError):
            self._store.problems.append("A value was broken and is left out.")
            return None
        written, until = number_of(whole.get("written")), number_of(whole.get("until"))
        if whole.get("form") != _FORM or written is None or until is None:
            return None
        return _Kept(
            owner=text_of(whole.get("owner")),
            written=written,
            until=until,
            value=mapping(whole.get("value")),
        )

"""Calls that wait for the reader's approval, kept for one user of one conversation.

Each question has a ticket, a value of its own that is deleted by whoever takes the answer. Dify's
storage has no way to compare and set, so a run first writes its claim over the question, then
deletes the ticket, which fails where it is gone, and then reads whose claim stands: of two messages
at once at most one takes the calls. Where anything is in doubt, nothing runs.
"""

import secrets
import string
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from strategies.agent.events import PlannedCall
from strategies.dify.loose_json import Json, mapping, sequence, text
from strategies.dify.storage.places import Places, Room
from strategies.dify.storage.store import Store

SECONDS = 3600.0
"""How long an approval is waited for."""
APPROVALS = Room(name="approval", places=1_024, seconds=SECONDS)
_LETTERS = string.ascii_letters + string.digits
_TAKEN: dict[str, object] = {}
"""The tickets that this process has taken, the last ones: two of its runs never share one."""
_TAKEN_MOST = 10_000


class HeldCalls:
    """The question that one reader has been asked."""

    def __init__(
        self,
        store: Store,
        reader: str,
        clock: Callable[[], float] = time.time,
        *,
        taken: dict[str, object] | None = None,
    ) -> None:
        self._store = store
        self._reader = reader
        """The place of the user and the conversation."""
        self._places = Places(store, APPROVALS, clock, on_leave=self._drop)
        self._taken = _TAKEN if taken is None else taken

    def hold(self, calls: Sequence[PlannedCall]) -> tuple[PlannedCall, ...]:
        """Keep calls under new ids, which nobody can guess; none where they cannot be kept."""
        named = tuple(replace(call, id=_new_id()) for call in calls)
        ticket = secrets.token_hex(16)
        told = [
            {"id": call.id, "name": call.name, "arguments": dict(call.arguments), "raw": call.raw}
            for call in named
        ]
        self._drop(self._places.get(self._reader) or {})
        kept = self._store.set(_key(ticket), b"1") and self._places.put(
            self._reader, {"ticket": ticket, "calls": told}
        )
        return named if kept else ()

    def take(self) -> tuple[PlannedCall, ...]:
        """Take the calls that the reader was asked about, once; none where there are none."""
        asked = self._places.get(self._reader)
        ticket = text(asked.get("ticket")) if asked else ""
        if not asked or not ticket or asked.get("claim") or not self._is_first(ticket):
            return ()
        claim = secrets.token_hex(16)
        won = (
            self._places.put(self._reader, {"ticket": ticket, "claim": claim})
            and self._store.delete(_key(ticket))
            and (self._places.get(self._reader) or {}).get("claim") == claim
        )
        return tuple(map(_call, sequence(asked.get("calls")))) if won else ()

    def _is_first(self, ticket: str) -> bool:
        """Tell whether no other run of this process has taken a ticket."""
        mine = object()
        if self._taken.setdefault(ticket, mine) is not mine:
            return False
        for old in list(self._taken)[:-_TAKEN_MOST]:
            self._taken.pop(old, None)
        return True

    def _drop(self, asked: Json) -> None:
        """Delete the ticket of a question that nobody will answer."""
        if asked.get("ticket") and not asked.get("claim"):
            self._store.send(_key(text(asked["ticket"])), None)


def _call(told: object) -> PlannedCall:
    call = mapping(told)
    return PlannedCall(
        text(call.get("id")),
        text(call.get("name")),
        mapping(call.get("arguments")),
        text(call.get("raw")),
    )


def _new_id() -> str:
    # Nine letters and digits: these are the ids of calls, and Mistral takes no others.
    return "".join(secrets.choice(_LETTERS) for _ in range(9))


def _key(ticket: str) -> str:
    return f"approval-ticket-{ticket}"

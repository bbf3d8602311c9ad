"""Calls that wait for the reader's approval, kept for one user of one conversation.

Each question has a ticket, a value of its own that is deleted by whoever takes the answer. Dify's
storage has no way to compare and set, so a run first writes its claim over the question, then
deletes the ticket, which fails where it is gone, and then reads whose claim stands: of two messages
at once at most one takes the calls. Where anything is in doubt, nothing runs.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from strategies.agent.events import ToolCall
from strategies.agent.failures.redaction import redacted
from strategies.agent.prompt.recall import PausedTurn
from strategies.agent.tools.validation import new_id
from strategies.dify.loose_json import Json, mapping, sequence, text
from strategies.dify.storage.places import Places, Room
from strategies.dify.storage.rounds import read_rounds, without_secrets, written_rounds
from strategies.dify.storage.store import Store

SECONDS = 3600.0
"""How long an approval is waited for."""
APPROVALS = Room(name="approval", places=1_024, seconds=SECONDS)
_LENGTHS = (4_000, 1_000, 240)
"""Characters of what a run has found out; the first that fit are taken."""
_TAKEN: dict[str, object] = {}
"""The tickets that this process has taken, the last ones: two of its runs never share one."""
_TAKEN_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What waits for a reader's answer."""

    calls: tuple[ToolCall, ...] = ()
    turn: PausedTurn | None = None
    """What to go on with; None where it could not be kept or read."""
    files: Sequence[Json] = ()
    """The files that the calls name, written for another run."""


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

    def hold(self, held: Held) -> bool:
        """Keep calls, whose ids nobody can guess, and tell whether they are known to be kept."""
        ticket = secrets.token_hex(16)
        calls = [
            {"id": call.id, "name": call.name, "arguments": dict(call.arguments), "raw": call.raw}
            for call in held.calls
        ]
        asked = {
            "ticket": ticket,
            "calls": calls,
            "files": list(held.files),
        }
        self._drop(self._places.get(self._reader) or {})
        return self._store.set(_key(ticket), b"1") and self._places.put(
            self._reader, self._with_turn(asked, held.turn)
        )

    def take(self) -> Held:
        """Take the calls that the reader was asked about, once; none where there are none."""
        asked = self._places.get(self._reader)
        ticket = text(asked.get("ticket")) if asked else ""
        if not asked or not ticket or asked.get("claim") or not self._is_first(ticket):
            return Held()
        claim = secrets.token_hex(16)
        won = (
            self._places.put(self._reader, {"ticket": ticket, "claim": claim})
            and self._store.delete(_key(ticket))
            and (self._places.get(self._reader) or {}).get("claim") == claim
        )
        if not won:
            return Held()
        return Held(
            calls=tuple(map(_call, sequence(asked.get("calls")))),
            turn=_turn(mapping(asked.get("turn"))),
            files=[mapping(file) for file in sequence(asked.get("files"))],
        )

    def _with_turn(self, asked: Json, turn: PausedTurn | None) -> Json:
        """Add the turn that the calls belong to, cut so that all fits; the calls are never cut."""
        turns = (_written(turn.cut(limit)) for limit in _LENGTHS) if turn else iter(())
        wholes = ({**asked, "turn": one} for one in turns)
        return next((one for one in wholes if self._places.fits(self._reader, one)), asked)

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


def _call(told: object) -> ToolCall:
    call = mapping(told)
    return ToolCall(
        text(call.get("id")),
        text(call.get("name")),
        mapping(call.get("arguments")),
        text(call.get("raw")),
    )


def named(calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
    """Give calls ids that nobody can guess."""
    return tuple(replace(call, id=new_id()) for call in calls)


def _written(turn: PausedTurn) -> Json:
    return {
        "question": redacted(turn.question),
        "asked": turn.asked,
        "known": redacted(turn.known),
        "rounds": written_rounds(without_secrets(turn.rounds)),
    }


def _turn(told: Json) -> PausedTurn | None:
    try:
        rounds = read_rounds(told.get("rounds"))
    except (ValueError, RecursionError):
        rounds = ()
    question = text(told.get("question"))
    known, asked = text(told.get("known")), text(told.get("asked"))
    if not question or not asked:
        return None
    return PausedTurn(question=question, asked=asked, rounds=rounds, known=known)


def _key(ticket: str) -> str:
    return f"approval-ticket-{ticket}"

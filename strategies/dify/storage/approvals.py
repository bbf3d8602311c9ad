"""Calls that wait for the reader's approval, kept for one user of one conversation.

Each question has a ticket, a value of its own that is deleted by whoever takes the answer. Dify's
storage has no way to compare and set, so a run first writes its claim over the question, then
deletes the ticket, which fails where it is gone, and then reads whose claim stands: of two messages
at once at most one takes the calls. A question that is not known to be kept is not shown, and its
ticket is deleted. Where anything is in doubt, nothing runs.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from strategies.agent.failures.redaction import redacted
from strategies.agent.interface.events import ToolCall
from strategies.agent.tools.validation import new_id
from strategies.agent.turns.recall import PausedTurn
from strategies.dify.storage.places import Places, Room
from strategies.dify.storage.rounds import read_rounds, without_secrets, written_rounds
from strategies.dify.storage.store import Store
from strategies.dify.wire_values import Json, mapping, sequence, text_of

SECONDS = 3600.0
"""How long an approval is waited for."""
APPROVALS = Room(name="approval", places=1_024, seconds=SECONDS)
_LENGTHS = (4_000, 1_000, 240)
"""Characters of what a run has found out; the first that fit are taken."""
_TICKET = b"1"
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


class PendingApproval:
    """The approval that one reader is asked for: calls are held, and taken once."""

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
        self._drop(self._places.get(self._reader) or {})
        asked = self._with_turn(
            {"ticket": ticket, "calls": calls, "files": list(held.files)}, held.turn
        )
        if asked is None:
            return False
        if self._store.set(_key(ticket), _TICKET) and self._places.put(self._reader, asked):
            return True
        # The reader will not see what may have been written all the same, or may be later.
        self._claim_here(ticket)
        self._store.withdraw(_key(ticket))
        return False

    def take(self, is_answered: Callable[[Held], bool] = lambda _: True) -> Held:
        """Take the calls that the reader was asked about, once; none where there are none.

        Args:
            is_answered: tells whether it is this question that is answered; if not, it stays.
        """
        asked = self._places.get(self._reader) or {}
        ticket, held = text_of(asked.get("ticket")), _held(asked)
        if (
            not ticket
            or asked.get("claim")
            or not is_answered(held)
            or not self._claim_here(ticket)
        ):
            return Held()
        claim = secrets.token_hex(16)
        won = (
            # Some storages delete what is not there without a word.
            self._store.get(_key(ticket)) == [_TICKET]
            and self._places.put(self._reader, {"ticket": ticket, "claim": claim})
            and self._store.delete(_key(ticket))
            and (self._places.get(self._reader) or {}).get("claim") == claim
        )
        return held if won else Held()

    def _with_turn(self, asked: Json, turn: PausedTurn | None) -> Json | None:
        """Add the turn that the calls belong to, cut so that all fits; None where nothing does.

        The calls and what the reader is asked are never cut.
        """
        if turn is None:
            return asked if self._places.fits(self._reader, asked) else None
        least = replace(turn.cut(_LENGTHS[-1]), rounds=(), known="")
        turns = (*(turn.cut(limit) for limit in _LENGTHS), least)
        wholes = ({**asked, "turn": _written(one)} for one in turns)
        return next((one for one in wholes if self._places.fits(self._reader, one)), None)

    def _claim_here(self, ticket: str) -> bool:
        """Mark a ticket as taken; tell whether no other run of this process had taken it before."""
        mine = object()
        if self._taken.setdefault(ticket, mine) is not mine:
            return False
        for old in list(self._taken)[:-_TAKEN_MOST]:
            self._taken.pop(old, None)
        return True

    def _drop(self, asked: Json) -> None:
        """Delete the ticket of a question that nobody will answer."""
        if asked.get("ticket") and not asked.get("claim"):
            self._store.send(_key(text_of(asked["ticket"])), None)


def _held(asked: Json) -> Held:
    return Held(
        calls=tuple(map(_call, sequence(asked.get("calls")))),
        turn=_turn(mapping(asked.get("turn"))),
        files=[mapping(file) for file in sequence(asked.get("files"))],
    )


def _call(told: object) -> ToolCall:
    call = mapping(told)
    return ToolCall(
        text_of(call.get("id")),
        text_of(call.get("name")),
        mapping(call.get("arguments")),
        text_of(call.get("raw")),
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
    question = text_of(told.get("question"))
    known, asked = text_of(told.get("known")), text_of(told.get("asked"))
    if not question or not asked:
        return None
    return PausedTurn(question=question, asked=asked, rounds=rounds, known=known)


def _key(ticket: str) -> str:
    return f"approval-ticket-{ticket}"

"""What the turns of a conversation called and got back, kept for the turns that follow.

Secrets are hidden before anything is written. Whatever is too much gives way: the results of older
turns, then older turns, then all but the ends of the newest results.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from strategies.agent.turns.recall import PastTurn, shortened
from strategies.dify.storage.places import Places, Room
from strategies.dify.storage.rounds import read_rounds, without_secrets, written_rounds
from strategies.dify.storage.store import Store
from strategies.dify.wire_values import Json, mapping, sequence, text_of

DAYS = 30
"""How long a conversation is remembered after its last turn that called tools."""
MEMORY = Room(name="memory", places=2_048, seconds=DAYS * 86_400)
_TURNS = 8
_LENGTHS = ((4_000, 4_000), (4_000, 1_000), (2_000, 240), (800, 120))
"""Characters of a result in the newest turn and in the older ones; the first that fit are taken."""


class Memory:
    """The turns of one conversation that called tools."""

    def __init__(
        self, store: Store, conversation: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._places = Places(store, MEMORY, clock)
        self._conversation = conversation
        """The place of the app and the conversation."""
        self.turns: list[PastTurn] = []
        """Those that are known, the newest last; none before they are recalled."""

    def recall(self) -> None:
        """Read what is remembered; what cannot be read is forgotten."""
        kept = self._places.get(self._conversation) or {}
        try:
            self.turns = [_read_turn(mapping(turn)) for turn in sequence(kept.get("turns"))]
        except (ValueError, RecursionError):
            self.turns = []

    def keep(self, turn: PastTurn) -> None:
        """Remember one more turn, without waiting for it."""
        hidden = replace(turn, rounds=without_secrets(turn.rounds))
        turns = [*self.turns, hidden][-_TURNS:]
        while turns:
            for newest, older in _LENGTHS:
                written = [_written_turn(one) for one in shortened(turns, newest, older)]
                if self._places.send(self._conversation, {"turns": written}):
                    return
            turns = turns[1:]

    def forget(self) -> None:
        """Delete what is remembered of the conversation."""
        self._places.forget(self._conversation)


def _written_turn(turn: PastTurn) -> Json:
    return {
        "question": turn.question,
        "answers": sorted(turn.answers),
        "rounds": written_rounds(turn.rounds),
    }


def _read_turn(turn: Json) -> PastTurn:
    return PastTurn(
        question=text_of(turn.get("question")),
        answers=frozenset(map(text_of, sequence(turn.get("answers")))),
        rounds=read_rounds(turn.get("rounds")),
    )

"""What the turns of a conversation called and got back, kept for the turns that follow.

Secrets are hidden before anything is written. Whatever is too much gives way: the results of older
turns, then older turns, then all but the ends of the newest results.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from strategies.agent.events import PlannedCall
from strategies.agent.failures.redaction import HIDDEN, is_secret, redacted
from strategies.agent.prompt.conversation import DoneCall, RoundRecord
from strategies.agent.prompt.recall import PastTurn, shortened
from strategies.dify.loose_json import Json, mapping, sequence, text
from strategies.dify.storage.places import Places, Room
from strategies.dify.storage.store import Store

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
        turns = [*self.turns, _without_secrets(turn)][-_TURNS:]
        while turns:
            for newest, older in _LENGTHS:
                written = [_written_turn(one) for one in shortened(turns, newest, older)]
                if self._places.send(self._conversation, {"turns": written}):
                    return
            turns = turns[1:]

    def forget(self) -> None:
        """Delete what is remembered of the conversation."""
        self._places.forget(self._conversation)


def _without_secrets(turn: PastTurn) -> PastTurn:
    rounds = tuple(_masked_round(record) for record in turn.rounds)
    return replace(turn, question=redacted(turn.question), rounds=rounds)


def _masked_round(record: RoundRecord) -> RoundRecord:
    done = tuple(
        DoneCall(call=_masked_call(one.call), result=redacted(one.result), ran=one.ran)
        for one in record.done
    )
    content, visible = redacted(record.content), redacted(record.visible)
    return replace(record, content=content, visible=visible, done=done)


def _masked_call(call: PlannedCall) -> PlannedCall:
    arguments = cast("Mapping[str, object]", _masked(call.arguments))
    raw = json.dumps(arguments, ensure_ascii=False, default=str)
    return PlannedCall(call.id, call.name, arguments, raw)


def _masked(value: object) -> object:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return {
            name: HIDDEN if inner and is_secret(name) else _masked(inner)
            for name, inner in fields.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in cast("Sequence[object]", value)]
    return value


def _written_turn(turn: PastTurn) -> Json:
    return {
        "question": turn.question,
        "answers": sorted(turn.answers),
        "rounds": [
            {
                "content": record.content,
                "visible": record.visible,
                "in_text": record.in_text,
                "remark": record.remark,
                "done": [
                    [one.call.id, one.call.name, one.call.raw, one.result, one.ran]
                    for one in record.done
                ],
            }
            for record in turn.rounds
        ],
    }


def _read_turn(turn: Json) -> PastTurn:
    return PastTurn(
        question=text(turn.get("question")),
        answers=frozenset(map(text, sequence(turn.get("answers")))),
        rounds=tuple(_read_round(mapping(record)) for record in sequence(turn.get("rounds"))),
    )


def _read_round(record: Json) -> RoundRecord:
    return RoundRecord(
        content=text(record.get("content")),
        visible=text(record.get("visible")),
        done=tuple(_read_calls(record)),
        remark=text(record.get("remark")),
        in_text=record.get("in_text") is True,
    )


def _read_calls(record: Json) -> Iterator[DoneCall]:
    for call_id, name, raw, result, ran in map(sequence, sequence(record.get("done"))):
        arguments = mapping(json.loads(text(raw)))
        call = PlannedCall(text(call_id), text(name), arguments, text(raw))
        yield DoneCall(call=call, result=text(result), ran=ran is True)

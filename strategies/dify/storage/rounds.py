"""Rounds as they stand in the storage: written without their secrets, and read again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from strategies.agent.failures.redaction import HIDDEN, is_secret, redacted
from strategies.agent.interface.events import ToolCall
from strategies.agent.prompt.conversation import DoneCall, RoundRecord
from strategies.dify.wire_values import Json, mapping, sequence, text_of


def without_secrets(rounds: Sequence[RoundRecord]) -> tuple[RoundRecord, ...]:
    """Hide what is secret: by its name among the arguments, or by how it looks."""
    return tuple(map(_masked_round, rounds))


def written_rounds(rounds: Sequence[RoundRecord]) -> list[Json]:
    """Write rounds as JSON."""
    return [
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
        for record in rounds
    ]


def read_rounds(written: object) -> tuple[RoundRecord, ...]:
    """Read rounds that were written.

    Raises:
        ValueError: they are broken.
        RecursionError: they are nested too deeply.
    """
    rounds = (_read_round(mapping(record)) for record in sequence(written))
    return tuple(record for record in rounds if record.done)


def _masked_round(record: RoundRecord) -> RoundRecord:
    done = tuple(
        DoneCall(call=_masked_call(one.call), result=redacted(one.result), ran=one.ran)
        for one in record.done
    )
    content, visible = redacted(record.content), redacted(record.visible)
    return replace(record, content=content, visible=visible, done=done)


def _masked_call(call: ToolCall) -> ToolCall:
    arguments = cast("Mapping[str, object]", _masked(call.arguments))
    raw = json.dumps(arguments, ensure_ascii=False, default=str)
    return ToolCall(call.id, call.name, arguments, raw)


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


def _read_round(record: Json) -> RoundRecord:
    return RoundRecord(
        content=text_of(record.get("content")),
        visible=text_of(record.get("visible")),
        done=tuple(_read_calls(record)),
        remark=text_of(record.get("remark")),
        in_text=record.get("in_text") is True,
    )


def _read_calls(record: Json) -> Iterator[DoneCall]:
    for call_id, name, raw, result, ran in map(sequence, sequence(record.get("done"))):
        arguments = mapping(json.loads(text_of(raw)))
        call = ToolCall(text_of(call_id), text_of(name), arguments, text_of(raw))
        yield DoneCall(call=call, result=text_of(result), ran=ran is True)

"""The rounds of a run as a model is to read them: natively, or as exchanges of a text protocol."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from strategies.agent.interface.ports import Message
from strategies.agent.prompt.conversation import RoundRecord, message, ran_calls
from strategies.agent.prompt.shortening import shortened_line
from strategies.protocols.base import Exchange, Result
from strategies.protocols.writing.escaping import escaped_markers

# The question is never cut to the window, and what stands in it reads like the user's.
_LONGEST_REMARK = 1_000

SILENCE = "(no reply)"
"""The turn of a native model between a tool's and the user's."""


def native_round(record: RoundRecord) -> list[Message]:
    """Write a reply with its native calls, their results and what the engine had to say to it."""
    calls = [
        {
            "id": one.call.id,
            "type": "function",
            "function": {"name": one.call.name, "arguments": one.call.raw},
        }
        for one in record.done
    ]
    results = [
        {
            **message("tool", escaped_markers(one.result)),
            "name": one.call.name,
            "tool_call_id": one.call.id,
        }
        for one in record.done
    ]
    remark = [message("user", record.remark)] if record.remark else []
    # Some providers refuse a user's turn right behind a tool's.
    bridge = [message("assistant", SILENCE)] if results and remark else []
    said = {**message("assistant", record.content), "tool_calls": calls}
    return [said, *results, *bridge, *remark]


def exchange_of(record: RoundRecord) -> Exchange:
    """Write a reply for a text protocol; what the engine had to say is a result of no tool."""
    remark = (Result(name="", text=record.remark),) if record.remark else ()
    results = results_of(record, frozenset(one.call.id for one in record.done))
    return Exchange(reply=record.content, results=(*results, *remark))


def results_of(record: RoundRecord, ids: frozenset[str]) -> tuple[Result, ...]:
    """Return the results of those of its calls."""
    return tuple(
        Result(name=one.call.name, text=one.result, arguments=one.call.raw)
        for one in record.done
        if one.call.id in ids
    )


def without(
    is_vain: Callable[[RoundRecord], bool], asked: str, rounds: Sequence[RoundRecord]
) -> tuple[str, list[RoundRecord]]:
    """Leave vain replies out: what was remarked on the last stands behind what it was a reply to.

    A small model goes on as it sees itself begin: behind a first reply that was silent or called a
    tool that there is not it answered 2 of 18 questions rightly, and without that reply all 18
    (docs/evaluation.md, "What a small model showed").
    """
    kept: list[RoundRecord] = []
    remarks: tuple[str, ...] = ()
    for record in rounds:
        if is_vain(record):
            # Behind a silent reply what was said before it still holds.
            remarks = (*remarks, *record.remarks) if record.is_silent else record.remarks
        else:
            kept.append(record)
            remarks = ()  # done better since
    if remarks and kept:
        told = filter(None, (kept[-1].remark, *remarks))
        kept[-1] = replace(kept[-1], remark="\n".join(told))
    elif remarks:
        asked = f"{asked}\n\n{escaped_markers(shortened_line(' '.join(remarks), _LONGEST_REMARK))}"
    return asked, kept


def rounds_to_newest_repeat(rounds: Sequence[RoundRecord]) -> int:
    """Count the rounds up to the newest that brought nothing but results known before it.

    Equal arguments are enough here, where nothing is left out: this is asked at every request.
    """
    known: dict[tuple[str, str], list[Mapping[str, object]]] = defaultdict(list)
    count = 0
    for place, record in enumerate(rounds, start=1):
        ran = list(ran_calls([record]))
        repeats = [one.call.arguments in known[one.call.name, one.result] for one in ran]
        if ran and len(ran) == len(record.done) and all(repeats):
            count = place
        for one in ran:
            known[one.call.name, one.result].append(one.call.arguments)
    return count

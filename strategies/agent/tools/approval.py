"""Tools that run only after the reader has agreed.

A call of such a tool is held: the run ends with a question, and the reader's next message decides.
Nothing that a tool or a model says can agree in the reader's place: what was asked stands in the
storage alone, and the answer is read from the reader's own message, or from a parameter of the
builder's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from strategies.agent.events import ToolCall
from strategies.agent.prompt.conversation import RoundRecord
from strategies.agent.turns.consent import is_yes

_APPROVE, _REJECT = "approve", "reject"


class Approvals(Protocol):
    """Who must be asked for what, and where the question waits for its answer."""

    def asks(self, name: str) -> bool:
        """Whether a call of this tool needs the reader's approval."""
        ...

    @property
    def can_ask(self) -> bool:
        """Whether there is a reader who can answer: a conversation with a next turn."""
        ...

    def ask(self, calls: Sequence[ToolCall], rounds: Sequence[RoundRecord], known: str = "") -> str:
        """Keep calls until the next turn and return the question to the reader.

        Blank where that is not possible: then the calls are off.

        Args:
            calls: what would run.
            rounds: those in which tools were called so far, this one included.
            known: what else was found out, in words for a model.
        """
        ...


class NoApprovals:
    """For a run whose tools all run at once; an `Approvals`."""

    can_ask = False

    def asks(self, name: str) -> bool:
        """Ask for none."""
        del name
        return False

    def ask(self, calls: Sequence[ToolCall], rounds: Sequence[RoundRecord], known: str = "") -> str:
        """Have nobody to ask."""
        del calls, rounds, known
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of the calls that the turn before asked about."""

    approved: tuple[ToolCall, ...] = ()
    rejected: tuple[ToolCall, ...] = ()


def decide(calls: Sequence[ToolCall], message: str, approval: object) -> Decided:
    """Read the answer to a question about these calls; what is no clear yes is a no.

    Args:
        calls: what was asked about.
        message: the reader's next message.
        approval: the builder's parameter: `approve`, `reject`, or one of them for each call's id,
            as an object or as JSON text of one. Blank leaves it to the message.
    """
    words = _words(approval)
    if words is None:
        agreed = {call.id: is_yes(message) for call in calls}
    elif isinstance(words, str):
        agreed = dict.fromkeys((call.id for call in calls), words == _APPROVE)
    else:
        agreed = {call.id: words.get(call.id) == _APPROVE for call in calls}
    return Decided(
        approved=tuple(call for call in calls if agreed[call.id]),
        rejected=tuple(call for call in calls if not agreed[call.id]),
    )


def _words(approval: object) -> str | Mapping[str, str] | None:
    if isinstance(approval, bool):
        return _APPROVE if approval else _REJECT
    if isinstance(approval, str):
        said = approval.strip()
        if not said.startswith("{"):
            return said.casefold() or None
        try:
            approval = cast("object", json.loads(said))
        except (ValueError, RecursionError):
            return _REJECT
    if isinstance(approval, Mapping):
        named = cast("Mapping[str, object]", approval)
        return {call_id: str(word).strip().casefold() for call_id, word in named.items()} or None
    return None if approval is None else _REJECT

"""Replies of models and what they mean, and every way of cutting them.

The peers' cases lie beside the repository (../shared/peer_cases); tests that need
them are skipped where they are absent.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from strategies.protocols.base import (
    BrokenCall,
    Call,
    FormatError,
    Reasoning,
    ReplyEvent,
    ReplyParser,
    Text,
    ToolSpec,
)

PEER_CASES = Path(__file__).parents[3] / "shared" / "peer_cases"
_STARTS = "starts_in_reasoning"
_PIECES = (1, 2, 3, 5, 8, 13)

type MakeParser = Callable[[Sequence[ToolSpec], bool], ReplyParser]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a reply parsed into, adjacent text joined."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    broken: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCase:
    """One line of a file of peers' cases."""

    id: str
    tier: str
    pieces: tuple[str, ...]
    tools: tuple[ToolSpec, ...]
    starts_in_reasoning: bool
    accepted: tuple[dict[str, Any], ...]
    """The expected outcome and its alternatives."""
    text_match: str
    line: dict[str, Any] = field(repr=False)

    @property
    def text(self) -> str:
        """The whole reply."""
        return "".join(self.pieces)


def read_peer_cases(name: str) -> list[PeerCase]:
    """Read a file of peers' cases; an empty list where there is none."""
    path = PEER_CASES / name
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_peer_case(json.loads(line)) for line in lines]


def _peer_case(line: dict[str, Any]) -> PeerCase:
    expected = line["expected"]
    others: list[dict[str, Any]] = line.get("alternatives") or []
    accepted = [expected, *(expected | _same_calls(other, expected) for other in others)]
    pieces = line["chunks"] if "chunks" in line else [line["text"]]
    return PeerCase(
        id=line["id"],
        tier=line["tier"],
        pieces=tuple(cast("list[str]", pieces)),
        tools=tuple(map(_tool, cast("list[dict[str, Any]]", line.get("tools") or []))),
        starts_in_reasoning=bool(cast("dict[str, Any]", line.get("opts") or {}).get(_STARTS)),
        accepted=tuple(accepted),
        text_match=line.get("text_match", "any"),
        line=line,
    )


def _same_calls(other: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    if other.get("incomplete"):
        return {**other, "calls": []}  # shown but never run
    return {**other, "calls": expected["calls"]} if other.get("calls") == "same" else other


def _tool(tool: dict[str, Any]) -> ToolSpec:
    spec = tool.get("function", tool)
    return ToolSpec(
        name=spec["name"],
        description=spec.get("description", ""),
        parameters=spec.get("parameters") or {},
    )


def accepts(case: PeerCase, outcome: Outcome) -> bool:
    """Tell whether an outcome is one of those that the case allows."""
    return any(_fits(case, wanted, outcome) for wanted in case.accepted)


def _fits(case: PeerCase, wanted: dict[str, Any], outcome: Outcome) -> bool:
    calls = [(call["name"], canonical(call["arguments"])) for call in wanted["calls"]]
    if calls != list(outcome.calls):
        return False
    if _squeeze(wanted.get("reasoning") or "") != _squeeze(outcome.reasoning):
        return False
    text = wanted.get("text") or ""
    match case.text_match:
        case "exact":
            return text == outcome.text
        case "ws":
            return _squeeze(text) == _squeeze(outcome.text)
        case _:
            return True


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def canonical(value: object) -> str:
    """Write a JSON value so that equal values are equal strings."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def _plain(value: object) -> object:
    match value:
        case dict():
            members = cast("dict[str, object]", value)
            return {key: _plain(one) for key, one in members.items()}
        case list():
            return [_plain(one) for one in cast("list[object]", value)]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def outcome_of(events: Sequence[ReplyEvent]) -> Outcome:
    """Fold events."""
    return Outcome(
        text="".join(event.text for event in events if isinstance(event, Text)),
        reasoning="".join(event.text for event in events if isinstance(event, Reasoning)),
        calls=tuple(
            (event.name, canonical(event.arguments)) for event in events if isinstance(event, Call)
        ),
        broken=tuple(event.name for event in events if isinstance(event, BrokenCall)),
        errors=tuple(event.problem for event in events if isinstance(event, FormatError)),
    )


def read_all(
    parser: ReplyParser, pieces: Sequence[str], *, cut_short: bool = False
) -> list[ReplyEvent]:
    """Feed the pieces and close."""
    events = [event for piece in pieces for event in parser.feed(piece)]
    return [*events, *parser.close(cut_short=cut_short)]


def join_text(events: Sequence[ReplyEvent]) -> list[ReplyEvent]:
    """Join adjacent text of one kind: what is left is the same for every chunking."""
    joined: list[ReplyEvent] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, Text | Reasoning) and type(event) is type(last):
            joined[-1] = type(event)(cast("Text", last).text + event.text)
        else:
            joined.append(event)
    return joined


def ways_to_cut(text: str, seed: int = 0) -> Iterator[list[str]]:
    """Cut a text in pieces of every size, in two at every place, at random, and by nothing."""
    for size in _PIECES:
        yield [text[at : at + size] for at in range(0, len(text), size)]
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]
    chance = random.Random(seed)  # noqa: S311 - cuts, not secrets
    for _ in range(5):
        places = sorted(chance.choices(range(len(text) + 1), k=min(12, len(text))))
        yield [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    yield [piece for one in text for piece in ("", one)]

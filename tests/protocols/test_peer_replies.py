"""Every reply in the peers' cases, at every chunking."""

from collections import Counter

import pytest

from strategies.protocols.base import ReplyEvent
from tests.protocols.cases import (
    PeerCase,
    accepts,
    join_text,
    outcome_of,
    read_all,
    read_peer_cases,
    ways_to_cut,
)
from tests.protocols.replies import parser_of

_FILES = {
    "hermes": "hermes.jsonl",
    "qwen": "qwen.jsonl",
    "qwen3_coder": "qwen3_coder_xml.jsonl",
}
_CASES = [
    pytest.param(protocol, case, id=case.id)
    for protocol, file in _FILES.items()
    for case in read_peer_cases(file)
]

_SAFER = {
    # "Both: <calls> Done.": so begins a sentence about a quotation, too; nothing tells them apart.
    "hermes-076",
    # "Sure. <call> and <call>": the first is followed by more of a sentence.
    "qxml-116",
}
"""Cases in which safety weighs more than what peers make of them."""


def _read(protocol: str, case: PeerCase, pieces: list[str]) -> list[ReplyEvent]:
    parser = parser_of(protocol, case.tools, starts_in_reasoning=case.starts_in_reasoning)
    return join_text(read_all(parser, pieces))


@pytest.mark.parametrize(("protocol", "case"), _CASES)
def test_peer_reply_is_read_as_it_was_meant(protocol: str, case: PeerCase) -> None:
    """What several peers or the format agree on holds; the rest neither crashes nor differs."""
    events = _read(protocol, case, [case.text])

    if case.id in _SAFER:
        assert len(outcome_of(events).calls) < len(case.accepted[0]["calls"])
    elif case.tier in {"must", "should"}:
        assert accepts(case, outcome_of(events))
    for pieces in (list(case.pieces), *ways_to_cut(case.text)):
        assert _read(protocol, case, pieces) == events


@pytest.mark.parametrize("protocol", _FILES)
def test_policy_cases_invent_no_argument(protocol: str) -> None:
    """Where peers disagree, a call is one that some reading allows, or none."""
    cases = [case for case in read_peer_cases(_FILES[protocol]) if case.tier == "may"]
    if not cases:
        pytest.skip("no peers' cases beside the repository")
    allowed: Counter[bool] = Counter()
    for case in cases:
        calls = outcome_of(_read(protocol, case, [case.text])).calls
        names = {call["name"] for wanted in case.accepted for call in wanted["calls"]}
        assert {name for name, _ in calls} <= names, case.id
        allowed[bool(calls)] += 1

    assert sum(allowed.values()) == len(cases)

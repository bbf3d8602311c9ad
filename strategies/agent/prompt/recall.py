"""What earlier runs of a conversation called and got back, found again by what was said.

Dify's memory hands over only what was asked and answered. A turn that is remembered belongs to the
one in the history that has its question and its answer: so a turn that was edited, asked anew or
deleted, and another branch of the conversation, find nothing that is not theirs.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from strategies.agent.ports import Message
from strategies.agent.prompt.conversation import Recalled, RoundRecord, text_in

_QUESTION = 2_000
"""Characters of a question by which its turn is found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTurn:
    """One turn of a conversation in which tools were called."""

    question: str
    answers: frozenset[str]
    """Fingerprints of the answer and of all that the reader saw: an app may show either."""
    rounds: tuple[RoundRecord, ...]


def remember(question: str, shown: Iterable[str], rounds: Sequence[RoundRecord]) -> PastTurn:
    """Make a turn of a run.

    Args:
        question: what the reader asked, as the strategy got it.
        shown: what may stand in the history as the answer.
        rounds: those in which tools were called.
    """
    return PastTurn(
        question=_plain(question)[:_QUESTION],
        answers=frozenset(_fingerprint(text) for text in shown if text.strip()),
        rounds=tuple(rounds),
    )


def matched(history: Sequence[Message], turns: Sequence[PastTurn]) -> Recalled:
    """Find the rounds that came after each question, by the question's place in the history.

    The newest come first on both sides, and each turn is taken once: so turns that say the same
    find their own.
    """
    left = list(turns)
    found: dict[int, tuple[RoundRecord, ...]] = {}
    for place, (asked, answered) in reversed(list(enumerate(pairwise(history)))):
        if (asked["role"], answered["role"]) != ("user", "assistant"):
            continue
        said, answer = _plain(text_in(asked))[:_QUESTION], _fingerprint(text_in(answered))
        for turn in reversed(left):
            # The strategy's question may be the reader's with words of the builder around it.
            if said and said in turn.question and answer in turn.answers:
                found[place] = turn.rounds
                left.remove(turn)
                break
    return found


def shortened(turns: Sequence[PastTurn], newest: int, older: int) -> list[PastTurn]:
    """Return turns with results of at most so many characters."""
    limits = [*([older] * (len(turns) - 1)), newest][-len(turns) :]
    return [
        replace(turn, rounds=tuple(record.cut(limit) for record in turn.rounds))
        for turn, limit in zip(turns, limits, strict=True)
    ]


def _plain(text: str) -> str:
    """Leave out blanks: an app's template, and Dify, add and take some."""
    return "".join(text.split())


def _fingerprint(text: str) -> str:
    return hashlib.sha256(_plain(text).encode("utf-8", "replace")).hexdigest()[:32]

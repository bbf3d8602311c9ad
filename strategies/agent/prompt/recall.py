"""What earlier runs of a conversation called and got back, found again by what was said.

Dify's memory hands over only what was asked and answered. A turn that is remembered belongs to the
one in the history that has its question and its answer: so a turn that was edited, asked anew or
deleted, and another branch of the conversation, find nothing that is not theirs.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from strategies.agent.ports import Message
from strategies.agent.prompt.conversation import RoundRecord, text_of
from strategies.agent.prompt.truncation import cut

TURNS = 8
"""How many turns are remembered."""
_QUESTION = 2_000
"""Characters of a question by which its turn is found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTurn:
    """One turn of a conversation in which tools were called."""

    question: str
    answers: frozenset[str]
    """Fingerprints of the answer and of all that the reader saw: an app may show either."""
    form: str
    """The prompt format's name: the replies are in its form."""
    rounds: tuple[RoundRecord, ...]


def remember(
    question: str, shown: Iterable[str], rounds: Sequence[RoundRecord], form: str
) -> PastTurn | None:
    """Make a turn of a run; None where it called nothing.

    Args:
        question: what the reader asked, as the strategy got it.
        shown: what may stand in the history as the answer.
        rounds: the run's.
        form: how its replies are written.
    """
    called = tuple(record for record in rounds if record.calls)
    if not called:
        return None
    return PastTurn(
        question=_plain(question)[:_QUESTION],
        answers=frozenset(_fingerprint(text) for text in shown if text.strip()),
        form=form,
        rounds=called,
    )


def matched(
    history: Sequence[Message], turns: Sequence[PastTurn], form: str
) -> Mapping[int, tuple[RoundRecord, ...]]:
    """Find the rounds that came after each question, by the question's place in the history.

    The newest come first on both sides, and each turn is taken once: so turns that say the same
    find their own.
    """
    left = [turn for turn in turns if turn.form == form]
    found: dict[int, tuple[RoundRecord, ...]] = {}
    for place, (asked, answered) in reversed(list(enumerate(pairwise(history)))):
        if (asked["role"], answered["role"]) != ("user", "assistant"):
            continue
        said, answer = _plain(text_of(asked))[:_QUESTION], _fingerprint(text_of(answered))
        for turn in reversed(left):
            # The strategy's question may be the reader's with words of the builder around it.
            if said and said in turn.question and answer in turn.answers:
                found[place] = turn.rounds
                left.remove(turn)
                break
    return found


def shortened(turns: Sequence[PastTurn], newest: int, older: int) -> list[PastTurn]:
    """Return the last turns, with results of at most so many characters."""
    last = turns[-TURNS:]
    return [
        replace(turn, rounds=tuple(_cut(record, limit) for record in turn.rounds))
        for turn, limit in zip(last, [*[older] * (len(last) - 1), newest], strict=True)
    ]


def _cut(record: RoundRecord, limit: int) -> RoundRecord:
    return replace(record, results=tuple(cut(result, limit) for result in record.results))


def _plain(text: str) -> str:
    """Leave out blanks: an app's template, and Dify, add and take some."""
    return "".join(text.split())


def _fingerprint(text: str) -> str:
    return hashlib.sha256(_plain(text).encode("utf-8", "replace")).hexdigest()[:32]

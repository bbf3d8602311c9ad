"""What earlier runs of a conversation called and got back, found again by what was said.

Dify's memory hands over only what was asked and answered. A turn that is remembered belongs to the
one in the history that has its question and its answer: so a turn that was edited, asked anew or
deleted, and another branch of the conversation, find nothing that is not theirs.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from strategies.agent.failures.redaction import redacted
from strategies.agent.interface.ports import Message
from strategies.agent.prompt.conversation import Recalled, RoundRecord, message, text_in
from strategies.agent.prompt.shortening import cut

_QUESTION = 2_000
"""Characters of a question by which its turn is found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTurn:
    """One turn of a conversation in which tools were called."""

    question: str
    answers: frozenset[str]
    """Fingerprints of the answer and of all that the reader saw: an app may show either."""
    rounds: tuple[RoundRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedTurn:
    """The turn that ended with a question to the reader; the next one goes on with it."""

    question: str
    """What the run was about."""
    asked: str
    """What the reader was asked, in place of an answer."""
    rounds: tuple[RoundRecord, ...] = ()
    """Those in which tools were called."""
    known: str = ""
    """What else was found out, in words for a model."""

    def cut(self, limit: int) -> "PausedTurn":
        """Return the turn with results and texts of at most so many characters.

        What was asked stays whole: by it the history shows which question is answered.
        """
        return replace(
            self,
            question=cut(self.question, limit),
            rounds=tuple(record.cut(limit) for record in self.rounds),
            known=cut(self.known, limit),
        )


def remember(question: str, shown: Iterable[str], rounds: Sequence[RoundRecord]) -> PastTurn:
    """Make a turn of a run.

    Args:
        question: what the reader asked, as the strategy got it.
        shown: what may stand in the history as the answer.
        rounds: those in which tools were called.
    """
    return PastTurn(
        question=_hidden_and_plain(question)[:_QUESTION],
        answers=frozenset(_fingerprint(text) for text in shown if text.strip()),
        rounds=tuple(_without_searches(record) for record in rounds if record.without_searches),
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
        answer = _fingerprint(text_in(answered))
        for turn in reversed(left):
            if answer in turn.answers and _is_asked(asked, turn.question):
                found[place] = turn.rounds
                left.remove(turn)
                break
    return found


def resumed(
    history: Sequence[Message], recalled: Recalled, paused: PausedTurn
) -> tuple[Sequence[Message], Recalled]:
    """Let a history end with the turn that was paused, and its rounds stand in it, each once.

    Where the app keeps no memory the history does not know of the turn; then it is put there.
    """
    place = len(history) - 2
    if place < 0 or not _is_asked(history[place], _hidden_and_plain(paused.question)):
        asked = (message("user", paused.question), message("assistant", paused.asked))
        history, place = [*history, *asked], len(history)
    return history, {place: paused.rounds, **recalled}


def holds(answer: str, said: str) -> bool:
    """Whether an answer of the history holds what a run said."""
    return _plain(said) in _plain(answer)


def shortened(turns: Sequence[PastTurn], newest: int, older: int) -> list[PastTurn]:
    """Return turns with results of at most so many characters."""
    limits = [*([older] * (len(turns) - 1)), newest]
    return [
        replace(turn, rounds=tuple(record.cut(limit) for record in turn.rounds))
        for turn, limit in zip(turns, limits, strict=True)
    ]


def _without_searches(record: RoundRecord) -> RoundRecord:
    # What a model wrote into its text has its results behind it.
    return record if record.in_text else replace(record, done=record.without_searches)


def _is_asked(message: Message, question: str) -> bool:
    """Whether a question, written plainly, is that of a message of the history."""
    said = _hidden_and_plain(text_in(message))[:_QUESTION]
    # The strategy's question may be the reader's with words of the builder around it.
    return bool(said) and said in question


def _hidden_and_plain(question: str) -> str:
    # Secrets are known by the blanks around them, so they are hidden first.
    return _plain(redacted(question))


def _plain(text: str) -> str:
    """Leave out blanks: an app's template, and Dify, add and take some."""
    return "".join(text.split())


def _fingerprint(text: str) -> str:
    return hashlib.sha256(_plain(text).encode("utf-8", "replace")).hexdigest()[:32]

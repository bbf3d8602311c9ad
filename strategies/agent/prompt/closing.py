"""The request for the answer: the question and what the tools have returned, as one turn.

The rounds of earlier turns are told the same way where no tools are declared.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from strategies.agent.interface.events import ToolCall
from strategies.agent.interface.ports import Message, ModelRequest
from strategies.agent.prompt.conversation import (
    Conversation,
    Recall,
    RoundRecord,
    message,
    ran_calls,
)
from strategies.agent.prompt.wording import Wording
from strategies.agent.prompt.written_rounds import results_of
from strategies.protocols.base import Exchange, Turn
from strategies.protocols.json.same_call import is_same_call
from strategies.protocols.writing.in_one_turn import in_one_turn

type AsResults = Callable[[str, Sequence[Exchange], str], list[Turn]]
"""See `TextProtocol.as_results`."""


def closing_request(
    conversation: Conversation, wording: Wording, as_results: AsResults = in_one_turn
) -> ModelRequest:
    """Ask for the answer, without tools; providers refuse tool messages where none are declared.

    A last reply that has to be done over stands behind it, as the model wrote it.
    """
    rounds = _without_searches(conversation.rounds)
    asked, exchanges = _question_and_results(conversation.question, rounds, wording)
    has_results = any(exchange.results for exchange in exchanges)
    request = wording.answer_now if has_results else wording.answer_alone
    question, *rest = (*as_results(asked, exchanges, request), *_done_over(conversation))
    opening = conversation.opening(conversation.instruction, question.text, folding(wording))
    messages = opening + [message(turn.role, turn.text) for turn in rest]
    return ModelRequest(messages=messages, question_index=len(opening) - 1)


def folding(wording: Wording) -> Recall:
    """Write the rounds of earlier turns where no tools are declared."""

    def recall(asked: str, rounds: Sequence[RoundRecord]) -> list[Message]:
        (turn,) = in_one_turn(*_question_and_results(asked, _without_searches(rounds), wording))
        return [message(turn.role, turn.text)]

    return recall


def _question_and_results(
    question: str, rounds: Sequence[RoundRecord], wording: Wording
) -> tuple[str, list[Exchange]]:
    """Return the question and what tools have returned, the same call once with its last result.

    What was not run and what a model said in between is nothing that an answer needs, and small
    models repeat whatever looks like an answer.
    """
    ids = _newest_ids(rounds)
    exchanges = [Exchange(reply=one.content, results=results_of(one, ids)) for one in rounds]
    return headed(question, wording) if ids else question, exchanges


def _newest_ids(rounds: Sequence[RoundRecord]) -> frozenset[str]:
    """Return the ids of the calls that ran, of those that are the same the newest one's."""
    newest: dict[tuple[str, str], ToolCall] = {}
    for one in reversed(list(ran_calls(rounds))):
        newest.setdefault((one.call.name, one.call.raw), one.call)
    calls = list(newest.values())
    return frozenset(
        call.id
        for place, call in enumerate(calls)
        if not any(is_same_call(call, later) for later in calls[:place])
    )


def headed(question: str, wording: Wording) -> str:
    """Put the heading of results behind a question."""
    return f"{question}\n\n{wording.results_heading}"


def _without_searches(rounds: Sequence[RoundRecord]) -> list[RoundRecord]:
    return [replace(record, done=record.without_searches) for record in rounds]


def _done_over(conversation: Conversation) -> list[Turn]:
    last = conversation.rounds[-1] if conversation.rounds else None
    if last is None or last.done or not last.remark or not last.visible.strip():
        return []
    return [Turn("assistant", last.visible), Turn("user", last.remark)]

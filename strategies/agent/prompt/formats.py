"""How a run speaks with its model: natively, or in a text protocol.

A format writes the conversation for the model and makes the parser for its reply. The loop cannot
tell formats apart: both deliver the events of `strategies/protocols/base.py`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Protocol

from strategies.agent.events import ToolCall
from strategies.agent.ports import Message, ModelRequest
from strategies.agent.prompt.conversation import (
    Conversation,
    DoneCall,
    Recall,
    RoundRecord,
    message,
    text_message,
)
from strategies.agent.prompt.memo import Memo
from strategies.agent.prompt.must_call import MustCall
from strategies.agent.prompt.wording import ENGLISH, Wording, wording_for
from strategies.protocols.base import (
    Call,
    Exchange,
    IsQuoted,
    Language,
    ReplyParser,
    Result,
    TextProtocol,
    ToolSpec,
    Turn,
)
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.native.parser import NativeParser, ReasoningHabit
from strategies.protocols.quotations import Quotations
from strategies.protocols.registry import is_written_in
from strategies.protocols.same_call import is_same_call
from strategies.protocols.writing.escaping import escaped_markers
from strategies.protocols.writing.in_one_turn import in_one_turn

type AsResults = Callable[[str, Sequence[Exchange], str], list[Turn]]
"""See `TextProtocol.as_results`."""

type ParserMaker = Callable[..., ReplyParser]
"""See `TextProtocol.parser`."""

_IS_SILENT = attrgetter("is_silent")
_IS_VAIN = attrgetter("is_vain")

SILENCE = "(no reply)"
"""The turn of a native model between a tool's and the user's."""


class PromptFormat(Protocol):
    """One way to speak with a model."""

    def recognises(self, reply: str) -> bool:
        """Whether the calls that a model wrote into the text of a reply are of this format."""
        ...

    def parser(self, tools: Sequence[ToolSpec], conversation: Conversation) -> ReplyParser:
        """Make the parser of the reply to this conversation."""
        ...

    def request(self, conversation: Conversation, tools: Sequence[ToolSpec]) -> ModelRequest:
        """Write the conversation so that the model may call tools."""
        ...

    def closing_request(self, conversation: Conversation) -> ModelRequest:
        """Write the conversation so that the model can only answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeFormat:
    """Tools are declared to the provider; calls and results have roles of their own."""

    wording: Wording = ENGLISH
    must_call: MustCall | None = None
    _habit: ReasoningHabit = field(default_factory=ReasoningHabit, init=False, compare=False)
    _rounds: Memo[RoundRecord, list[Message]] = field(
        default_factory=lambda: Memo(_native_round), init=False, compare=False
    )

    def recognises(self, reply: str) -> bool:
        """Calls in the text are never native ones."""
        del reply
        return False

    def parser(self, tools: Sequence[ToolSpec], conversation: Conversation) -> ReplyParser:
        """Merge native deltas; calls that leak into the text are found there."""
        return _parser(leak_parser, self._habit, tools, conversation)

    def request(self, conversation: Conversation, tools: Sequence[ToolSpec]) -> ModelRequest:
        """One assistant message per round with its text and calls, then one message per result.

        Providers refuse both where no tools are declared, and a model calls what was never offered.
        """
        if not tools and any(record.done for record in conversation.rounds):
            return self.closing_request(conversation)
        instruction = conversation.instruction
        if self.must_call and tools and self.must_call.is_open(conversation.rounds):
            instruction = self.must_call.told(instruction, self.wording)
        recall = self._recalled if tools else _folding(self.wording)
        asked, rounds = _without(_IS_SILENT, conversation.question, conversation.rounds)
        messages = conversation.opening(instruction, asked, recall)
        question_index = len(messages) - 1
        messages += chain.from_iterable(self._rounds.all(rounds))
        return ModelRequest(messages=messages, question_index=question_index, tools=tools)

    def closing_request(self, conversation: Conversation) -> ModelRequest:
        """Write the run as one turn, without tools."""
        return _closing_request(conversation, self.wording)

    def _recalled(self, asked: str, rounds: Sequence[RoundRecord]) -> list[Message]:
        return [text_message("user", asked), *chain.from_iterable(map(_native_round, rounds))]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormat:
    """Tools are described in the system prompt; calls and results are text."""

    protocol: TextProtocol
    language: Language = "en"
    must_call: MustCall | None = None
    _habit: ReasoningHabit = field(default_factory=ReasoningHabit, init=False, compare=False)

    def recognises(self, reply: str) -> bool:
        """Calls in another form than the protocol's show that the model does not follow it."""
        return is_written_in(self.protocol.name, reply)

    def parser(self, tools: Sequence[ToolSpec], conversation: Conversation) -> ReplyParser:
        """Read calls out of the text; native ones, which nobody asked for, count all the same."""
        return _parser(self.protocol.parser, self._habit, tools, conversation)

    def request(self, conversation: Conversation, tools: Sequence[ToolSpec]) -> ModelRequest:
        """Describe the tools in the system prompt and write the rounds as plain turns."""
        wording = wording_for(self.language)
        if not tools:
            return NativeFormat(wording=wording).request(conversation, tools)
        instruction = conversation.instruction.strip()
        described = self.protocol.instructions(tools, self.language)
        system = "\n\n".join(part for part in (instruction, described) if part)
        if self.must_call and self.must_call.is_open(conversation.rounds):
            system = self.must_call.told(system, wording)
        question, *rest = self._turns(conversation.question, conversation.rounds)
        opening = conversation.opening(system, str(question["content"]), self._turns)
        return ModelRequest(
            messages=[*opening, *rest], question_index=len(opening) - 1, stop=self.protocol.stop
        )

    def _turns(self, asked: str, rounds: Sequence[RoundRecord]) -> list[Message]:
        """Write a question and its rounds: as turns, or what they brought behind the question.

        The latter where calls came beside the text, and once a round has brought nothing new: a
        model that reads itself going round in circles goes on so, and one that reads the question
        with the results answers (docs/evaluation.md).
        """
        asked, rounds = _without(_IS_VAIN, asked, rounds)
        circling = _rounds_to_newest_repeat(rounds)
        later = rounds[circling:]
        told = [*rounds[:circling], *(record for record in later if not record.can_be_shown)]
        shown = [_exchange(record) for record in later if record.can_be_shown]
        question = _headed(asked, wording_for(self.language)) if told else asked
        *before, last = self.protocol.as_results(question, [_exchange(one) for one in told], "")
        turns = [*before, *self.protocol.turns(last.text, shown)]
        return [text_message(turn.role, turn.text) for turn in turns]

    def closing_request(self, conversation: Conversation) -> ModelRequest:
        """Write the run as one turn, without a word of the protocol."""
        return _closing_request(conversation, wording_for(self.language), self.protocol.as_results)


def _parser(
    make: ParserMaker, habit: ReasoningHabit, tools: Sequence[ToolSpec], conversation: Conversation
) -> ReplyParser:
    text = make(
        tools,
        starts_in_reasoning=habit.starts_in_reasoning,
        is_quoted=_is_quoted(tools, conversation),
    )
    return NativeParser(text, tools, habit)


def _is_quoted(tools: Sequence[ToolSpec], conversation: Conversation) -> IsQuoted:
    """Know a call that others have said; what they said is collected where a call was written."""

    @cache
    def quotations() -> Quotations:
        made = (
            Call(name=one.call.name, arguments=one.call.arguments)
            for one in conversation.executed_calls
        )
        descriptions = (tool.description for tool in tools)
        return Quotations(conversation.brought_in, made=made, told=descriptions)

    return lambda call, written: quotations().holds(call, written)


def _native_round(record: RoundRecord) -> list[Message]:
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
    remark = [text_message("user", record.remark)] if record.remark else []
    # Some providers refuse a user's turn right behind a tool's.
    bridge = [text_message("assistant", SILENCE)] if results and remark else []
    said = {**message("assistant", record.content), "tool_calls": calls}
    return [said, *results, *bridge, *remark]


def _without(
    is_vain: Callable[[RoundRecord], bool], asked: str, rounds: Sequence[RoundRecord]
) -> tuple[str, list[RoundRecord]]:
    """Leave vain replies out: what was remarked on one stands behind what it was a reply to.

    A small model goes on as it sees itself begin: behind a first reply that was silent or called a
    tool that there is not it answered 2 of 18 questions rightly, and without that reply all 18
    (docs/evaluation.md, "A reply in vain is left out").
    """
    kept: list[RoundRecord] = []
    for record in rounds:
        if not is_vain(record):
            kept.append(record)
        elif kept:
            kept[-1] = replace(kept[-1], remark=_joined(kept[-1].remark, *record.remarks))
        else:
            asked = "\n\n".join([asked, *map(escaped_markers, record.remarks)])
    return asked, kept


def _joined(*remarks: str) -> str:
    return "\n".join(filter(None, remarks))


def _folding(wording: Wording) -> Recall:
    """Write the rounds of earlier turns where no tools are declared."""

    def recall(asked: str, rounds: Sequence[RoundRecord]) -> list[Message]:
        (turn,) = in_one_turn(*_question_and_results(asked, _without_searches(rounds), wording))
        return [text_message(turn.role, turn.text)]

    return recall


def _closing_request(
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
    opening = conversation.opening(conversation.instruction, question.text, _folding(wording))
    messages = opening + [text_message(turn.role, turn.text) for turn in rest]
    return ModelRequest(messages=messages, question_index=len(opening) - 1)


def _question_and_results(
    question: str, rounds: Sequence[RoundRecord], wording: Wording
) -> tuple[str, list[Exchange]]:
    """Return the question and what tools have returned, the same call once with its last result.

    What was not run and what a model said in between is nothing that an answer needs, and small
    models repeat whatever looks like an answer.
    """
    ids = _newest_ids(rounds)
    exchanges = [Exchange(reply=one.content, results=_results(one, ids)) for one in rounds]
    return _headed(question, wording) if ids else question, exchanges


def _newest_ids(rounds: Sequence[RoundRecord]) -> frozenset[str]:
    """Return the ids of the calls that ran, of those that are the same the newest one's."""
    newest: dict[tuple[str, str], ToolCall] = {}
    for one in reversed(list(_ran(rounds))):
        newest.setdefault((one.call.name, one.call.raw), one.call)
    calls = list(newest.values())
    return frozenset(
        call.id
        for place, call in enumerate(calls)
        if not any(is_same_call(call, later) for later in calls[:place])
    )


def _headed(question: str, wording: Wording) -> str:
    return f"{question}\n\n{wording.results_heading}"


def _rounds_to_newest_repeat(rounds: Sequence[RoundRecord]) -> int:
    """Count the rounds up to the newest that brought nothing but results known before it.

    Equal arguments are enough here, where nothing is left out: this is asked at every request.
    """
    known: dict[tuple[str, str], list[Mapping[str, object]]] = defaultdict(list)
    count = 0
    for place, record in enumerate(rounds, start=1):
        ran = list(_ran([record]))
        repeats = [one.call.arguments in known[one.call.name, one.result] for one in ran]
        if ran and len(ran) == len(record.done) and all(repeats):
            count = place
        for one in ran:
            known[one.call.name, one.result].append(one.call.arguments)
    return count


def _without_searches(rounds: Sequence[RoundRecord]) -> list[RoundRecord]:
    return [replace(record, done=record.without_searches) for record in rounds]


def _ran(rounds: Sequence[RoundRecord]) -> Iterator[DoneCall]:
    return (one for record in rounds for one in record.done if one.ran)


def _done_over(conversation: Conversation) -> list[Turn]:
    last = conversation.rounds[-1] if conversation.rounds else None
    if last is None or last.done or not last.remark or not last.visible.strip():
        return []
    return [Turn("assistant", last.visible), Turn("user", last.remark)]


def _exchange(record: RoundRecord) -> Exchange:
    remark = (Result(name="", text=record.remark),) if record.remark else ()
    results = _results(record, frozenset(one.call.id for one in record.done))
    return Exchange(reply=record.content, results=(*results, *remark))


def _results(record: RoundRecord, ids: frozenset[str]) -> tuple[Result, ...]:
    return tuple(
        Result(name=one.call.name, text=one.result, arguments=one.call.raw)
        for one in record.done
        if one.call.id in ids
    )

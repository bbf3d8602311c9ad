"""How a run speaks with its model: natively, or in a text protocol.

A format writes the conversation for the model and makes the parser for its reply. The loop cannot
tell formats apart: both deliver the events of `strategies/protocols/base.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Protocol

from strategies.agent.interface.ports import Message, ModelRequest
from strategies.agent.prompt.closing import closing_request, folding, headed
from strategies.agent.prompt.conversation import Conversation, RoundRecord, message
from strategies.agent.prompt.memo import Memo
from strategies.agent.prompt.must_call import MustCall
from strategies.agent.prompt.wording import ENGLISH, Wording, wording_for
from strategies.agent.prompt.written_rounds import (
    exchange_of,
    native_round,
    rounds_to_newest_repeat,
    without,
)
from strategies.protocols.base import (
    Call,
    IsQuoted,
    Language,
    ReplyParser,
    TextProtocol,
    ToolSpec,
)
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.native.parser import NativeParser, ReasoningHabit
from strategies.protocols.quotations import Quotations
from strategies.protocols.registry import is_written_in

type ParserMaker = Callable[..., ReplyParser]
"""See `TextProtocol.parser`."""

_IS_SILENT = attrgetter("is_silent")
_IS_VAIN = attrgetter("is_vain")


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
        default_factory=lambda: Memo(native_round), init=False, compare=False
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
        recall = self._recalled if tools else folding(self.wording)
        asked, rounds = without(_IS_SILENT, conversation.question, conversation.rounds)
        messages = conversation.opening(instruction, asked, recall)
        question_index = len(messages) - 1
        messages += chain.from_iterable(self._rounds.all(rounds))
        return ModelRequest(messages=messages, question_index=question_index, tools=tools)

    def closing_request(self, conversation: Conversation) -> ModelRequest:
        """Write the run as one turn, without tools."""
        return closing_request(conversation, self.wording)

    def _recalled(self, asked: str, rounds: Sequence[RoundRecord]) -> list[Message]:
        return [message("user", asked), *chain.from_iterable(map(native_round, rounds))]


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
        if not tools and any(record.done for record in conversation.rounds):
            return self.closing_request(conversation)
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
        asked, rounds = without(_IS_VAIN, asked, rounds)
        circling = rounds_to_newest_repeat(rounds)
        later = rounds[circling:]
        told = [*rounds[:circling], *(record for record in later if not record.can_be_shown)]
        shown = [exchange_of(record) for record in later if record.can_be_shown]
        question = headed(asked, wording_for(self.language)) if told else asked
        *before, last = self.protocol.as_results(question, [exchange_of(one) for one in told], "")
        turns = [*before, *self.protocol.turns(last.text, shown)]
        return [message(turn.role, turn.text) for turn in turns]

    def closing_request(self, conversation: Conversation) -> ModelRequest:
        """Write the run as one turn, without a word of the protocol."""
        return closing_request(conversation, wording_for(self.language), self.protocol.as_results)


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

"""How a run speaks with its model: natively, or in a text protocol.

A format writes the conversation for the model and makes the parser for its reply. The loop cannot
tell dialects apart: both deliver the events of `strategies/protocols/base.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from strategies.agent.ports import Message, ModelRequest
from strategies.agent.prompt.conversation import Conversation, RoundRecord, message, text_message
from strategies.agent.prompt.memo import Memo
from strategies.agent.prompt.wording import ENGLISH, Wording, wording_for
from strategies.protocols.base import (
    Exchange,
    Language,
    ReplyParser,
    Result,
    TextProtocol,
    ToolSpec,
)
from strategies.protocols.escaping import escaped_markers
from strategies.protocols.native.brought_in import BroughtIn
from strategies.protocols.native.leak import leak_parser
from strategies.protocols.native.parser import NativeParser, ReasoningHabit
from strategies.protocols.opening import OPENINGS


class PromptFormat(Protocol):
    """One way to speak with a model."""

    def parser(self, tools: Sequence[ToolSpec], conversation: Conversation) -> ReplyParser:
        """Make the parser of the reply to this conversation."""
        ...

    def request(self, conversation: Conversation, tools: Sequence[ToolSpec]) -> ModelRequest:
        """Write the conversation so that the model may call tools."""
        ...

    def closing_request(self, conversation: Conversation, wording: Wording) -> ModelRequest:
        """Write the conversation so that the model can only answer."""
        ...


@dataclass(frozen=True, slots=True)
class MustCall:
    """The first reply of a run is to call a tool: this one, or any where the name is blank."""

    name: str = ""

    def told(self, instruction: str, wording: Wording) -> str:
        """Say so in the prompt: Dify carries no tool_choice (docs/dify.md, "Backwards calls")."""
        sentence = wording.must_call.format(name=self.name) if self.name else wording.must_call_any
        return "\n\n".join(part for part in (instruction.strip(), sentence) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeFormat:
    """Tools are declared to the provider; calls and results have roles of their own."""

    wording: Wording = ENGLISH
    must_call: MustCall | None = None
    _habit: ReasoningHabit = field(default_factory=ReasoningHabit, init=False, compare=False)
    _rounds: Memo[RoundRecord, list[Message]] = field(
        default_factory=lambda: Memo(_native_round), compare=False
    )

    def parser(self, tools: Sequence[ToolSpec], conversation: Conversation) -> ReplyParser:
        """Merge native deltas; calls that leak into the text are found there."""
        habit = self._habit
        text = leak_parser(
            tools,
            starts_in_reasoning=habit.starts_in_reasoning,
            brought_in=BroughtIn(conversation.texts),
        )
        return NativeParser(text, tools, habit)

    def request(self, conversation: Conversation, tools: Sequence[ToolSpec]) -> ModelRequest:
        """One assistant message per round with its text and calls, then one message per result."""
        instruction = conversation.instruction
        if self.must_call and tools and not conversation.rounds:
            instruction = self.must_call.told(instruction, self.wording)
        messages = conversation.opening(instruction, conversation.question)
        question = len(messages) - 1
        messages += chain.from_iterable(self._rounds.all(conversation.rounds))
        return ModelRequest(messages=messages, question=question, tools=tools)

    def closing_request(self, conversation: Conversation, wording: Wording) -> ModelRequest:
        """Fold the run into text, without tools."""
        return _closing_request(conversation, wording)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormat:
    """Tools are described in the system prompt; calls and results are text."""

    protocol: TextProtocol
    language: Language = "en"
    must_call: MustCall | None = None
    _habit: ReasoningHabit = field(default_factory=ReasoningHabit, init=False, compare=False)

    def parser(self, tools: Sequence[ToolSpec], conversation: Conversation) -> ReplyParser:
        """Read calls out of the text; native ones, which nobody asked for, count all the same."""
        del conversation
        habit = self._habit
        text = self.protocol.parser(tools, starts_in_reasoning=habit.starts_in_reasoning)
        return NativeParser(text, tools, habit)

    def request(self, conversation: Conversation, tools: Sequence[ToolSpec]) -> ModelRequest:
        """Describe the tools in the system prompt and write the rounds as plain turns."""
        if not tools:
            plain = conversation.opening(conversation.instruction, conversation.question)
            return ModelRequest(messages=plain, question=len(plain) - 1)
        described = self.protocol.instructions(tools, self.language)
        system = "\n\n".join(part for part in (conversation.instruction.strip(), described) if part)
        if self.must_call and not conversation.rounds:
            return self._opened(conversation, system, self.must_call)
        question, *rest = self.protocol.turns(conversation.question, _exchanges(conversation))
        opening = conversation.opening(system, question.text)
        messages = opening + [text_message(turn.role, turn.text) for turn in rest]
        return ModelRequest(messages=messages, question=len(opening) - 1, stop=self.protocol.stop)

    def _opened(self, conversation: Conversation, system: str, must_call: MustCall) -> ModelRequest:
        """Ask for a call, and begin it for the model where the protocol has a way to."""
        system = must_call.told(system, wording_for(self.language))
        plain = conversation.opening(system, conversation.question)
        begin = OPENINGS.get(self.protocol.name)
        if begin is None:
            return ModelRequest(messages=plain, question=len(plain) - 1, stop=self.protocol.stop)
        opening = begin(must_call.name)
        return ModelRequest(
            messages=[*plain, text_message("assistant", opening.text)],
            question=len(plain) - 1,
            stop=self.protocol.stop,
            opening=opening,
        )

    def closing_request(self, conversation: Conversation, wording: Wording) -> ModelRequest:
        """Fold the run into text, without a word of the protocol."""
        return _closing_request(conversation, wording)


def _native_round(record: RoundRecord) -> list[Message]:
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.raw},
        }
        for call in record.calls
    ]
    results = [
        {**message("tool", escaped_markers(result)), "name": call.name, "tool_call_id": call.id}
        for call, result in zip(record.calls, record.results, strict=True)
    ]
    remark = [text_message("user", record.remark)] if record.remark else []
    return [{**message("assistant", record.content), "tool_calls": calls}, *results, *remark]


def _closing_request(conversation: Conversation, wording: Wording) -> ModelRequest:
    messages = conversation.folded(wording, wording.answer_now)
    question = len(messages) - 1 - 2 * len(conversation.rounds)
    return ModelRequest(messages=messages, question=question)


def _exchanges(conversation: Conversation) -> list[Exchange]:
    return [
        Exchange(
            reply=record.content,
            results=tuple(
                Result(name=call.name, text=result)
                for call, result in zip(record.calls, record.results, strict=True)
            )
            + ((Result(name="", text=record.remark),) if record.remark else ()),
        )
        for record in conversation.rounds
    ]

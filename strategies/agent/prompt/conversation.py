"""The messages of a run: what stood there before it, the question, and one record per round.

The conversation only ever grows, so that a provider's prompt cache keeps its prefix. How it is
written for a model (native roles or a text protocol) is the business of `formats`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from strategies.agent.events import PlannedCall
from strategies.agent.ports import Message
from strategies.agent.prompt.media import described, without_media
from strategies.agent.prompt.truncation import cut

type Content = str | Sequence[Mapping[str, object]]
"""A message's content: text, or parts as Dify's wire has them (text, image, document …)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneCall:
    """A call and its one result."""

    call: PlannedCall
    result: str
    """As the model reads it."""
    answer: str = ""
    """As a reader is to see it; blank where files are all there is."""
    ran: bool = True
    """Whether the tool was run; else the result says why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRecord:
    """One finished round."""

    content: str
    """The reply byte for byte: what goes back to the model (reasoning markers included)."""
    visible: str
    """The reply without reasoning and markup."""
    done: tuple[DoneCall, ...] = ()
    """The calls in the order in which the model wrote them."""
    remark: str = ""
    """What the engine had to say to the reply, such as a call that could not be read."""
    in_text: bool = True
    """Whether the model wrote its calls into the text; else they came beside it."""

    @property
    def can_be_shown(self) -> bool:
        """Whether the reply, sent back as text, tells all that the model did in it."""
        return self.in_text or not self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Everything said so far."""

    instruction: str
    """The system prompt; blank when there is none."""
    history: Sequence[Message]
    question: str
    attachments: Sequence[Mapping[str, object]] = ()
    """Content parts (images, documents …) that go with the question."""
    rounds: tuple[RoundRecord, ...] = ()

    @property
    def place(self) -> int:
        """Where the question stands among the messages: behind the system and the history."""
        return len(self.history) + bool(self.instruction.strip())

    def with_round(self, record: RoundRecord) -> "Conversation":
        """Return the conversation with one more round."""
        return replace(self, rounds=(*self.rounds, record))

    def with_results_cut(self, newest: int, older: int) -> "Conversation":
        """Return the conversation with results of at most so many characters."""
        limits = [*([older] * (len(self.rounds) - 1)), newest]
        rounds = tuple(
            replace(
                record,
                done=tuple(replace(one, result=cut(one.result, limit)) for one in record.done),
            )
            for record, limit in zip(self.rounds, limits[-len(self.rounds) :], strict=True)
        )
        return replace(self, rounds=rounds)

    def with_last_rounds(self, count: int) -> "Conversation":
        """Return the conversation with so many rounds, the last ones."""
        return replace(self, rounds=self.rounds[len(self.rounds) - count :])

    def opening(self, instruction: str, question: str) -> list[Message]:
        """Write what comes before the rounds: system, history and the user's question."""
        system = [text_message("system", instruction)] if instruction.strip() else []
        return [*system, *self.history, message("user", self.with_attachments(question))]

    def with_attachments(self, text: str) -> Content:
        """Put the question's files before its text."""
        if not self.attachments:
            return text
        return [*self.attachments, {"type": "text", "data": text}]

    def without_media(self) -> "Conversation":
        """Name images and files in the text, for a model that refuses them."""
        named = map(described, self.attachments)
        return replace(
            self,
            history=[without_media(turn) for turn in self.history],
            question="\n".join([*named, self.question]),
            attachments=(),
        )


def calls_of(message: Message) -> Sequence[Mapping[str, object]]:
    """Return the native calls in a message."""
    return cast("Sequence[Mapping[str, object]]", message.get("tool_calls") or ())


def message(role: str, content: Content) -> Message:
    """Write a message as Dify's wire has it."""
    return {"role": role, "content": content, "name": None}


def text_message(role: str, text: str) -> Message:
    """Write a message of text."""
    return message(role, text)

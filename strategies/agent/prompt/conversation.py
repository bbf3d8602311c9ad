"""The messages of a run: what stood there before it, the question, and one record per round.

The conversation only ever grows, so that a provider's prompt cache keeps its prefix. How it is
written for a model (native roles or a text protocol) is the business of `formats`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import cast

from strategies.agent.interface.events import ToolCall
from strategies.agent.interface.ports import Message
from strategies.agent.prompt.media import described, is_medium, parts_of, without_media
from strategies.agent.prompt.shortening import cut

type Content = str | Sequence[Mapping[str, object]]
"""A message's content: text, or parts as Dify's wire has them (text, image, document …)."""


_SOON_REWRITTEN = 1_000
"""Characters of calls up to which a model loses little by writing them anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneCall:
    """A call and its one result."""

    call: ToolCall
    result: str
    """As the model reads it."""
    answer: str = ""
    """As a reader is to see it; blank where files are all there is."""
    remark: str = ""
    """See `ToolOutcome.remark`."""
    ran: bool = True
    """Whether the tool was run; else the result says why not."""
    describes_tools: bool = False
    """See `ToolOutcome.describes_tools`."""

    @property
    def is_refused(self) -> bool:
        """Whether it was not run, for a reason that concerns the model alone."""
        return not self.ran and bool(self.remark) and self.remark == self.result


@dataclass(frozen=True, kw_only=True)
class RoundRecord:
    """One finished round; what every later request asks of it is found once."""

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
    is_unreadable: bool = False
    """Whether it called nothing, and begins with a call that could not be read."""

    @property
    def can_be_shown(self) -> bool:
        """Whether the reply, sent back as text, tells all that the model did in it."""
        return self.in_text or not self.done

    @cached_property
    def is_silent(self) -> bool:
        """Whether the model said and called nothing."""
        return not (self.content.strip() or self.done)

    @cached_property
    def is_vain(self) -> bool:
        """Whether it is silent, or begins with calls that were not run and are soon rewritten.

        The reader sees a call that could not be read, and what a model writes on behind one is
        mostly made up.
        """
        if len(self.content) > _SOON_REWRITTEN:
            return False
        refused = bool(self.done) and all(one.is_refused for one in self.done)
        return self.is_silent or self.is_unreadable or (refused and not self.visible.strip())

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What the engine said to the model alone: of calls, or of a reply without any."""
        if self.done:
            return tuple(one.remark for one in self.done if one.remark)
        return (self.remark,) if self.remark else ()

    @property
    def without_searches(self) -> tuple[DoneCall, ...]:
        """The calls without the searches for tools, which found nothing that an answer needs."""
        return tuple(one for one in self.done if not one.describes_tools)

    def cut(self, limit: int) -> "RoundRecord":
        """Return the round with results of at most so many characters."""
        done = (
            replace(one, result=cut(one.result, limit), remark=cut(one.remark, limit))
            for one in self.done
        )
        return replace(self, done=tuple(done))


def ran_calls(rounds: Iterable[RoundRecord]) -> Iterator[DoneCall]:
    """Go through the calls that were run."""
    return (one for record in rounds for one in record.done if one.ran)


type Recalled = Mapping[int, tuple[RoundRecord, ...]]

type Recall = Callable[[str, Sequence[RoundRecord]], Sequence[Message]]
"""Writes an earlier question and the rounds that followed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Everything said so far."""

    instruction: str
    """The system prompt; blank when there is none."""
    history: Sequence[Message]
    question: str
    attachments: Sequence[Mapping[str, object]] = ()
    """Content parts (images, documents …) that go with the question."""
    material: tuple[str, ...] = ()
    """What files and the context say, where it stands in the instruction or in the question."""
    rounds: tuple[RoundRecord, ...] = ()
    recalled: Recalled = field(default_factory=dict[int, tuple[RoundRecord, ...]])
    """What earlier runs called, by the place of their question in the history."""

    @property
    def brought_in(self) -> Iterator[str]:
        """What tools, files and the context said: neither the user's words nor the model's.

        What the engine said of a call that it did not run is its own.
        """
        yield from self.material
        texts = (part for part in self.attachments if not is_medium(part) and "data" in part)
        yield from (str(part["data"]) for part in texts)
        yield from (one.result for one in self.executed_calls)

    @property
    def executed_calls(self) -> Iterator[DoneCall]:
        """The calls that were run, in this turn and in those that are remembered."""
        return ran_calls(chain(*self.recalled.values(), self.rounds))

    @property
    def remarks(self) -> Iterator[str]:
        """What the engine said in this run to the model alone."""
        return chain.from_iterable(record.remarks for record in self.rounds)

    def with_round(self, record: RoundRecord) -> "Conversation":
        """Return the conversation with one more round."""
        return replace(self, rounds=(*self.rounds, record))

    def with_results_cut(self, newest: int, older: int) -> "Conversation":
        """Return the conversation with results of at most so many characters."""
        *before, last = self.rounds
        rounds = (*(record.cut(older) for record in before), last.cut(newest))
        return replace(self, rounds=rounds)

    def with_recalled_cut(self, limit: int) -> "Conversation":
        """Return the conversation with results of earlier turns cut; 0 leaves their rounds out."""
        recalled = {
            place: tuple(record.cut(limit) for record in rounds)
            for place, rounds in self.recalled.items()
            if limit
        }
        return replace(self, recalled=recalled)

    def with_last_rounds(self, count: int) -> "Conversation":
        """Return the conversation with so many rounds, the last ones."""
        return replace(self, rounds=self.rounds[len(self.rounds) - count :])

    def opening(self, instruction: str, question: str, recall: Recall) -> list[Message]:
        """Write what comes before the rounds: system, history and the user's question."""
        messages = [message("system", instruction)] if instruction.strip() else []
        for place, turn in enumerate(self.history):
            messages += self._recalling(turn, self.recalled.get(place, ()), recall)
        text = {"type": "text", "data": question}
        content = [*self.attachments, text] if self.attachments else question
        return [*messages, message("user", content)]

    def _recalling(
        self, turn: Message, rounds: Sequence[RoundRecord], recall: Recall
    ) -> Sequence[Message]:
        if not rounds:
            return [turn]
        asked, *rest = recall(text_in(turn), rounds)
        media = [part for part in parts_of(turn) if is_medium(part)]
        if media:
            asked = {**asked, "content": [*media, {"type": "text", "data": asked["content"]}]}
        return [asked, *rest]

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


def text_in(message: Message) -> str:
    """Return the text of a message, without its files."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(str(one.get("data") or "") for one in parts_of(message) if not is_medium(one))


def message(role: str, content: Content) -> Message:
    """Write a message as Dify's wire has it."""
    return {"role": role, "content": content, "name": None}

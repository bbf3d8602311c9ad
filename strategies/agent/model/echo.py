"""A reply in which a model only repeats what the engine told it: it counts as an empty one.

A small model that reads "There is no tool named wether." may say just that to its user (issue 13).
"""

import re
from collections.abc import Iterator, Sequence

from strategies.agent.prompt.conversation import Conversation
from strategies.agent.prompt.written_rounds import SILENCE
from strategies.protocols.base import (
    CallDelta,
    ReasoningSoFar,
    ReplyEvent,
    ReplyParser,
    Text,
)

# In tagged protocols it is read in these tags, and said again with them.
_FRAME = "<tool_response>\n{}\n</tool_response>"
# Each piece of what is held back costs a look through all that was said.
_LONGEST = 2_000
_SENTENCE_END = re.compile(r"\n|(?<=[.!?])\s+|(?<=[。！？])")


class EchoParser:
    """Reads a reply; a `ReplyParser` that leaves out text in which the engine alone speaks.

    Text is held back only as long as the engine has said the same, word for word, and no more
    than `_LONGEST` characters of it.
    """

    def __init__(self, parser: ReplyParser, conversation: Conversation, *requests: str) -> None:
        """Take the parser of the reply, and what the model was sent.

        `requests`: what it was asked for beside the question.
        """
        self._parser = parser
        self._conversation = conversation
        told = [*conversation.remarks, *requests]
        self._told = "\n".join(map(_FRAME.format, [*told, SILENCE])) if told else ""
        self._held = ""

    def feed(self, text: str, deltas: Sequence[CallDelta] = ()) -> list[ReplyEvent]:
        """Take the next piece."""
        return self._without_echo(self._parser.feed(text, deltas))

    def close(self, *, cut_short: bool = False) -> list[ReplyEvent]:
        """Return what is left."""
        events = self._without_echo(self._parser.close(cut_short=cut_short))
        return [*events, *self._settled()]

    def _without_echo(self, events: list[ReplyEvent]) -> list[ReplyEvent]:
        if not self._told:
            return events
        return [kept for event in events for kept in self._kept(event)]

    def _kept(self, event: ReplyEvent) -> Iterator[ReplyEvent]:
        match event:
            case Text(text) if self._told:
                self._held += text
                if len(self._held) > _LONGEST or self._held.strip() not in self._told:
                    yield Text(self._held)
                    self._held = self._told = ""
            case ReasoningSoFar():  # what seemed to be text was none
                self._held = ""
                yield event
            case _:
                yield from self._settled()
                yield event

    def _settled(self) -> Iterator[ReplyEvent]:
        held, self._held = self._held, ""
        if held and not self._is_echo(held):
            yield Text(held)

    def _is_echo(self, said: str) -> bool:
        """Whether the engine said every sentence of it, and neither a tool nor the model did."""
        told = set(_sentences(self._told))
        rounds = self._conversation.rounds
        results = [one.result for one in self._conversation.executed_calls]
        # A remark on arguments quotes them.
        values = [str(one.call.arguments) for record in rounds for one in record.done]
        found = "\n".join([*results, *values, *(record.content for record in rounds)])
        return bool(said.strip()) and all(
            sentence in told and sentence not in found for sentence in _sentences(said)
        )


def _sentences(text: str) -> Iterator[str]:
    return (part.strip() for part in _SENTENCE_END.split(text) if part.strip())

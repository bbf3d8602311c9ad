"""A reply in which a model only repeats what the engine told it: it counts as an empty one.

A small model that reads "There is no tool named wether." may say just that to its user (issue 13).
"""

import re
from collections.abc import Iterable, Iterator, Sequence

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
_TAGS = ("<tool_response>", "</tool_response>")
# Each piece of what is held back costs a look through all that was said.
_LONGEST = 2_000
# Where the engine named what is wrong, a model may put a value: "call it again: city: Lisbon" for
# "call it again: city: is required." So long is at least what stands before the colon, and so much
# longer than the engine's may its sentence be.
_SHORTEST, _LONGER = 12, 20
_NAMED = re.compile(r"(?:: |：).*")
_SENTENCE_END = re.compile(r"\n|(?<=[.!?])\s+|(?<=[。！？])")


class EchoParser:
    """Reads a reply; a `ReplyParser` that leaves out text in which the engine alone speaks.

    Text is held back only as long as the engine has said the same sentences, but for what stands
    behind a colon, and no more than `_LONGEST` characters of it.
    """

    def __init__(self, parser: ReplyParser, conversation: Conversation, *requests: str) -> None:
        """Take the parser of the reply, and what the model was sent.

        `requests`: what it was asked for beside the question.
        """
        self._parser = parser
        self._conversation = conversation
        told = [*conversation.remarks, *requests]
        self._told = frozenset(_sentences("\n".join([*told, SILENCE])) if told else ())
        self._stems = frozenset(_stems(self._told))
        self._listens = True
        """Whether all text so far may still be an echo."""
        self._held = ""
        self.left_out = ""
        """What only repeated the engine."""

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
            case Text(text) if self._listens:
                self._held += text
                if len(self._held) > _LONGEST or not self._may_be_echo(self._held):
                    yield Text(self._held)
                    self._held = ""
                    self._listens = False
            case ReasoningSoFar():  # what seemed to be text was none
                self._held = ""
                self._listens = True
                yield event
            case _:
                yield from self._settled()
                yield event

    def _settled(self) -> Iterator[ReplyEvent]:
        held, self._held = self._held, ""
        if held and self._is_echo(held):
            self.left_out += held
        elif held:
            yield Text(held)

    def _may_be_echo(self, said: str) -> bool:
        """Whether the engine has said all its sentences, and one that begins like the last."""
        *whole, begun = list(_sentences(_without_tags(said))) or [""]
        return self._were_told(whole) and (
            any(one.startswith(begun) for one in self._told) or self._were_told([begun])
        )

    def _is_echo(self, said: str) -> bool:
        """Whether the engine said every sentence of it, and neither a tool nor the model did."""
        sentences = list(_sentences(_without_tags(said)))
        if not sentences:
            return any(tag in said for tag in _TAGS)
        return self._were_told(sentences) and not any(
            sentence in text for text in self._said_by_others() for sentence in sentences
        )

    def _were_told(self, sentences: Sequence[str]) -> bool:
        return all(
            said in self._told
            or any(said.startswith(stem) and len(said) <= most for stem, most in self._stems)
            for said in sentences
        )

    def _said_by_others(self) -> Iterator[str]:
        for one in self._conversation.executed_calls:
            yield one.result.removesuffix(one.remark)
        for record in self._conversation.rounds:
            yield record.visible
            for one in record.done:  # a remark on arguments quotes them
                yield from map(str, one.call.arguments.values())


def _stems(told: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Return what stands before a colon, and the most characters of a sentence that begins so."""
    for sentence in told:
        stem = _NAMED.sub("", sentence)
        if stem != sentence and len(stem) >= _SHORTEST:
            yield stem, len(sentence) + _LONGER


def _without_tags(said: str) -> str:
    """Take the tags out, and the beginning of one at the end."""
    for tag in _TAGS:
        said = said.replace(tag, "\n")
    begun = said[said.rfind("<") :] if "<" in said else ""
    return said.removesuffix(begun) if any(tag.startswith(begun) for tag in _TAGS) else said


def _sentences(text: str) -> Iterator[str]:
    return (part.strip() for part in _SENTENCE_END.split(text) if part.strip())

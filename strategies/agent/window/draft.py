"""A conversation while it is being fitted: what was decided for each message, and what it costs.

Every decision rewrites one message and corrects the total, so that fitting costs what is new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from strategies.agent.ports import Message
from strategies.agent.prompt.conversation import calls_of
from strategies.agent.prompt.media import has_media, without_media
from strategies.agent.prompt.truncation import cut, cut_arguments
from strategies.agent.window.byte_limits import json_size
from strategies.agent.window.text_features import (
    EMPTY,
    Shape,
    add,
    less,
    shape_of_message,
    shape_of_tools,
)
from strategies.agent.window.tokens import Estimator
from strategies.protocols.base import ToolSpec

FOLDED_TEXT = 240
"""Characters below which folding a result saves nothing."""

_OLD_ARGUMENT = 400
"""Characters of a string in the arguments of an old call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What was decided for one run, by the index of the message. It only ever grows."""

    limits: Mapping[int, int] = field(default_factory=dict[int, int])
    """Characters that a result may have; 0 for a folded one."""
    without_media: frozenset[int] = frozenset()
    trimmed: frozenset[int] = frozenset()
    """Messages whose calls' arguments are cut."""
    dropped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Weight:
    """What something adds to a prompt."""

    shape: Shape
    size: int
    """Bytes as JSON."""

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(add(self.shape, other.shape), self.size + other.size)

    def __sub__(self, other: "Weight") -> "Weight":
        return Weight(less(self.shape, other.shape), self.size - other.size)


_NOTHING = Weight(EMPTY, 0)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A message and what becomes of it."""

    message: Message
    sent: Message | None
    """The message under the decisions on it; None when it is left out."""
    weight: Weight


class Draft:
    """A conversation under the decisions so far, with its weight kept up to date.

    What an earlier draft of the same conversation has weighed is taken from there, the message
    itself included: one that stays equal stays the same object, and a round costs what is new.
    """

    tools: Sequence[ToolSpec]
    declared: Weight
    """What the tools' declarations weigh."""
    weighed: list[Weighed]
    total: Weight
    """What the messages weigh together."""
    first_new: int
    """The place from which on messages are not those of the earlier draft."""

    def __init__(
        self,
        messages: Sequence[Message],
        question: int,
        tools: Sequence[ToolSpec],
        estimator: Estimator,
        before: "Draft | None" = None,
    ) -> None:
        self.question = question
        self.tools = tools
        self.declared = (
            before.declared if before and before.tools is tools else _weight_of_tools(tools)
        )
        self.weighed = list(before.weighed) if before else []
        self.total = before.total if before else _NOTHING
        self.first_new = len(self.weighed)
        self._estimator = estimator
        decisions = before.decisions if before else Decisions()
        self._limits = dict(decisions.limits)
        self._without_media = set(decisions.without_media)
        self._trimmed = set(decisions.trimmed)
        self._dropped = set(decisions.dropped)
        self._take(messages)

    @property
    def decisions(self) -> Decisions:
        """What was decided so far."""
        return Decisions(
            limits=self._limits,
            without_media=frozenset(self._without_media),
            trimmed=frozenset(self._trimmed),
            dropped=frozenset(self._dropped),
        )

    @property
    def shape(self) -> Shape:
        """What the whole prompt consists of."""
        return add(self.declared.shape, self.total.shape)

    @property
    def size(self) -> int:
        """The bytes of messages and tools as JSON, each with a comma."""
        return self.declared.size + self.total.size + len(self.weighed)

    @property
    def tokens(self) -> int:
        """The estimate of the whole prompt."""
        return self._estimator.tokens(self.shape)

    def message(self, place: int) -> Message:
        """Return a message as the format wrote it."""
        return self.weighed[place].message

    def written(self) -> list[Message]:
        """Return the messages that are left, as they can be sent."""
        return [weighed.sent for weighed in self.weighed if weighed.sent is not None]

    def price(self, place: int) -> float:
        """Return the tokens of one message."""
        return self._estimator.priced(self.weighed[place].weight.shape)

    def limit_of(self, place: int) -> int | None:
        """Return the characters that a result may have; None when nobody decided."""
        return self._limits.get(place)

    def limit(self, place: int, characters: int) -> None:
        """Cut a result to some characters; 0 folds it."""
        self._limits[place] = characters
        self._weigh(place, self.message(place))

    def forget_media(self, place: int) -> None:
        """Put words in the place of a message's media."""
        if has_media(self.message(place)):
            self._without_media.add(place)
            self._weigh(place, self.message(place))

    def trim(self, place: int) -> None:
        """Cut the arguments of the calls in a message."""
        if calls_of(self.message(place)):
            self._trimmed.add(place)
            self._weigh(place, self.message(place))

    def drop(self, places: range) -> None:
        """Leave messages out, but never one of the system."""
        for place in places:
            if self.message(place).get("role") != "system":
                self._dropped.add(place)
                self._weigh(place, self.message(place))

    def _take(self, messages: Sequence[Message]) -> None:
        for weighed in self.weighed[len(messages) :]:
            self.total -= weighed.weight
        del self.weighed[len(messages) :]
        for place, message in enumerate(messages):
            if place < len(self.weighed):
                known = self.weighed[place].message
                if known is message or known == message:
                    continue
            self.first_new = min(self.first_new, place)
            if place == len(self.weighed):
                self.weighed.append(Weighed(message, None, _NOTHING))
            self._weigh(place, message)

    def _weigh(self, place: int, message: Message) -> None:
        sent = self._under_decisions(place, message)
        weight = _weight_of(sent) if sent else _NOTHING
        self.total += weight - self.weighed[place].weight
        self.weighed[place] = Weighed(message, sent, weight)

    def _under_decisions(self, place: int, message: Message) -> Message | None:
        """Write one message as the decisions have it; None when it goes."""
        if place in self._dropped:
            return None
        if place in self._without_media:
            message = without_media(message)
        if place in self._trimmed:
            message = {**message, "tool_calls": [_trimmed(call) for call in calls_of(message)]}
        limit, content = self._limits.get(place), message.get("content")
        if limit is None or not isinstance(content, str):
            return message
        return {**message, "content": cut(content, limit) if limit else _one_line(message, content)}


def _weight_of(message: Message) -> Weight:
    return Weight(shape_of_message(message), json_size(message))


def _weight_of_tools(tools: Sequence[ToolSpec]) -> Weight:
    declared = [[tool.name, tool.description, tool.parameters] for tool in tools]
    return Weight(shape_of_tools(tools), json_size(declared))


def _one_line(message: Message, content: str) -> str:
    if message.get("role") != "tool":
        return cut(content, FOLDED_TEXT)
    began = " ".join(content[:FOLDED_TEXT].split())[:80]
    name = message.get("name") or "the tool"
    return f"[earlier result of {name}, {len(content):,} characters, left out. It began: {began}]"


def _trimmed(call: Mapping[str, object]) -> Mapping[str, object]:
    function = cast("Mapping[str, object]", call.get("function") or {})
    arguments = cut_arguments(str(function.get("arguments") or ""), _OLD_ARGUMENT)
    return {**call, "function": {**function, "arguments": arguments}}

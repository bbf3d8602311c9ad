"""A conversation while it is being fitted: what was decided for each message, and what it costs.

Every decision rewrites one message and corrects the total, so that fitting costs what is new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from strategies.agent.cutting import cut, cut_arguments
from strategies.agent.media import has_media, without_media
from strategies.agent.ports import Message
from strategies.agent.shapes import Shape, Shapes, add
from strategies.agent.tokens import Estimator

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


class Draft:
    """Messages, the decisions on them, and their price."""

    """A conversation under the decisions so far, with its price kept up to date."""

    def __init__(
        self,
        messages: Sequence[Message],
        question: int,
        shapes: Shapes,
        estimator: Estimator,
        tools: Shape,
        decisions: Decisions,
    ) -> None:
        self.messages = messages
        self.question = question
        self._shapes = shapes
        self._estimator = estimator
        self._tools = tools
        self._limits = dict(decisions.limits)
        self._without_media = set(decisions.without_media)
        self._trimmed = set(decisions.trimmed)
        self._dropped = set(decisions.dropped)
        self._written = [self._under_decisions(place) for place in range(len(messages))]
        self._prices = [self._price(message) for message in self._written]
        self._total = sum(self._prices) + _exact(estimator.priced(tools))

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
    def tokens(self) -> int:
        """The estimate of the whole prompt."""
        return self._estimator.whole(self._total)

    @property
    def shape(self) -> Shape:
        """What the whole prompt consists of."""
        return add(self._tools, *map(self._shapes.message, self.written()))

    def written(self) -> list[Message]:
        """Return the messages that are left, as they can be sent."""
        return [message for message in self._written if message is not None]

    def price(self, place: int) -> float:
        """Return the tokens of one message."""
        return self._prices[place]

    def limit_of(self, place: int) -> int | None:
        """Return the characters that a result may have; None when nobody decided."""
        return self._limits.get(place)

    def limit(self, place: int, characters: int) -> None:
        """Cut a result to some characters; 0 folds it."""
        self._limits[place] = characters
        self._rewrite(place)

    def forget_media(self, place: int) -> None:
        """Put words in the place of a message's media."""
        if has_media(self.messages[place]):
            self._without_media.add(place)
            self._rewrite(place)

    def trim(self, place: int) -> None:
        """Cut the arguments of the calls in a message."""
        if _calls(self.messages[place]):
            self._trimmed.add(place)
            self._rewrite(place)

    def drop(self, places: range) -> None:
        """Leave messages out, but never one of the system."""
        for place in places:
            if self.messages[place].get("role") != "system":
                self._dropped.add(place)
                self._rewrite(place)

    def _rewrite(self, place: int) -> None:
        written = self._under_decisions(place)
        price = self._price(written)
        self._total += price - self._prices[place]
        self._prices[place], self._written[place] = price, written

    def _price(self, message: Message | None) -> float:
        return _exact(self._estimator.priced(self._shapes.message(message))) if message else 0.0

    def _under_decisions(self, place: int) -> Message | None:
        """Write one message as the decisions have it; None when it goes."""
        message = self.messages[place]
        if place in self._dropped:
            return None
        if place in self._without_media:
            message = without_media(message)
        if place in self._trimmed:
            message = {**message, "tool_calls": [_trimmed(call) for call in _calls(message)]}
        limit, content = self._limits.get(place), message.get("content")
        if limit is None or not isinstance(content, str):
            return message
        return {**message, "content": cut(content, limit) if limit else _one_line(message, content)}


def _exact(price: float) -> float:
    """Round to a fraction that floats add up without error: the order must make no difference."""
    return round(price * 64) / 64


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


def _calls(message: Message) -> Sequence[Mapping[str, object]]:
    return cast("Sequence[Mapping[str, object]]", message.get("tool_calls") or ())

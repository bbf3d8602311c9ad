"""A request while it is brought into the window: what each message costs, and what of it goes.

Every reduction rewrites one message and corrects the totals, so that fitting costs what is new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from strategies.agent.interface.ports import Message, ModelRequest
from strategies.agent.prompt.conversation import calls_of
from strategies.agent.prompt.media import has_media, without_media
from strategies.agent.prompt.shortening import cut, cut_arguments
from strategies.agent.window.byte_limits import json_size, with_parts_cut
from strategies.agent.window.tokens import Estimator, Report
from strategies.protocols.base import ToolSpec

_LINE = 240
"""Characters below which folding a result saves nothing."""

_OLD_ARGUMENT = 400
"""Characters of a string in the arguments of an old call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """What of a message is left out. It only ever grows, so that what was sent stays as it was."""

    characters: int | None = None
    """What a result may have; 0 for one that is folded to a line, None for one that is whole."""
    without_media: bool = False
    short_arguments: bool = False
    dropped: bool = False
    part_bytes: int | None = None
    """Bytes that each of its parts may have (byte_limits.py)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What something adds to a request."""

    tokens: int = 0
    size: int = 0
    """Bytes as JSON, with the comma behind it."""

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.tokens + other.tokens, self.size + other.size)

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.tokens - other.tokens, self.size - other.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message and what becomes of it."""

    message: Message
    reduction: Reduction = Reduction()
    sent: Message | None
    """The message with its reduction; None when it is left out."""
    cost: Cost = Cost()


class Draft:
    """A request's messages with their reductions, and their totals.

    What an earlier draft of the same conversation has measured is taken from there, the message
    itself included: one that stays equal stays the same object, and a round costs what is new.
    """

    def __init__(
        self,
        request: ModelRequest,
        estimator: Estimator,
        report: Report,
        before: "Draft | None" = None,
    ) -> None:
        self.question_index = request.question_index
        self.tools = request.tools
        self.declared = (
            before.declared
            if before and before.tools is request.tools
            else _cost_of_tools(request.tools, estimator)
        )
        self.entries: list[Entry] = list(before.entries) if before else []
        self.total: Cost = before.total if before else Cost()
        """What the messages cost together."""
        self.first_new = len(self.entries)
        """The place from which on messages are not those of the earlier draft."""
        self._estimator = estimator
        self._report = report
        self._said: dict[str, set[int]] = {}
        """What this draft left out, in words for the log, and of which messages."""
        self._take(request.messages)

    @property
    def estimated(self) -> int:
        """The estimate of the whole prompt in tokens, tools included."""
        return self.declared.tokens + self.total.tokens

    @property
    def tokens(self) -> int:
        """The same, corrected by the provider's last report."""
        return self._report.corrected(self.estimated)

    @property
    def size(self) -> int:
        """The bytes of messages and tools as JSON."""
        return self.declared.size + self.total.size

    @property
    def notes(self) -> tuple[str, ...]:
        """What this draft left out, in words for the log."""
        return tuple(said.format(len(places)) for said, places in self._said.items())

    def sent(self) -> list[Message]:
        """Return the messages that are left, as they can be sent."""
        return [entry.sent for entry in self.entries if entry.sent is not None]

    def role(self, place: int) -> object:
        """Return the role of a message."""
        return self.entries[place].message.get("role")

    def cut_result(self, place: int, characters: int) -> None:
        """Cut a result to head and tail, which have so many characters together."""
        self._reduce("cut {} tool result(s) to head and tail", place, characters=characters)

    def fold_result(self, place: int) -> None:
        """Leave one line of a result."""
        content = self.entries[place].message.get("content")
        if isinstance(content, str) and len(content) > _LINE:
            self._reduce("folded {} older tool result(s)", place, characters=0)

    def name_media(self, place: int) -> None:
        """Put words in the place of a message's media."""
        if has_media(self.entries[place].message):
            self._reduce("named the files of {} older message(s)", place, without_media=True)

    def shorten_arguments(self, place: int) -> None:
        """Cut the arguments of the calls in a message."""
        if calls_of(self.entries[place].message):
            self._reduce("cut the arguments of {} older round(s)", place, short_arguments=True)

    def drop(self, places: range) -> None:
        """Leave messages out, but never one of the system."""
        for place in places:
            if self.role(place) != "system":
                self._reduce("left out {} old message(s)", place, dropped=True)

    def cut_parts(self, place: int, size: int) -> None:
        """Cut each part of a message to so many bytes."""
        self._reduce("cut {} message(s) that were too large to send", place, part_bytes=size)

    def _reduce(self, said: str, place: int, **changes: Any) -> None:
        entry = self.entries[place]
        reduction = replace(entry.reduction, **changes)
        if reduction != entry.reduction:
            self._said.setdefault(said, set()).add(place)
            self._measure(place, entry.message, reduction)

    def _take(self, messages: Sequence[Message]) -> None:
        while len(self.entries) > len(messages):
            self.total -= self.entries.pop().cost
        for place, message in enumerate(messages):
            if place == len(self.entries):
                self.entries.append(Entry(message=message, sent=None))
            elif (known := self.entries[place].message) is message or known == message:
                continue
            self.first_new = min(self.first_new, place)
            self._measure(place, message, self.entries[place].reduction)

    def _measure(self, place: int, message: Message, reduction: Reduction) -> None:
        sent = _reduced(message, reduction)
        cost = Cost(self._estimator.of_message(sent), json_size(sent) + 1) if sent else Cost()
        self.total += cost - self.entries[place].cost
        self.entries[place] = Entry(message=message, reduction=reduction, sent=sent, cost=cost)


def _cost_of_tools(tools: Sequence[ToolSpec], estimator: Estimator) -> Cost:
    declared = [[tool.name, tool.description, tool.parameters] for tool in tools]
    return Cost(estimator.of_tools(tools), json_size(declared))


def _reduced(message: Message, reduction: Reduction) -> Message | None:
    """Write a message with its reduction; None when it goes."""
    if reduction.dropped:
        return None
    if reduction.without_media:
        message = without_media(message)
    if reduction.short_arguments:
        message = {**message, "tool_calls": [_shortened(call) for call in calls_of(message)]}
    content = message.get("content")
    if reduction.characters is not None and isinstance(content, str):
        short = cut(content, reduction.characters) if reduction.characters else None
        message = {**message, "content": short or _folded(message, content)}
    return with_parts_cut(message, reduction.part_bytes) if reduction.part_bytes else message


def _folded(message: Message, content: str) -> str:
    if message.get("role") != "tool":
        return cut(content, _LINE)
    began = " ".join(content[:_LINE].split())[:80]
    name = message.get("name") or "the tool"
    return f"[earlier result of {name}, {len(content):,} characters, left out. It began: {began}]"


def _shortened(call: Mapping[str, object]) -> Mapping[str, object]:
    function = cast("Mapping[str, object]", call.get("function") or {})
    arguments = cut_arguments(str(function.get("arguments") or ""), _OLD_ARGUMENT)
    return {**call, "function": {**function, "arguments": arguments}}

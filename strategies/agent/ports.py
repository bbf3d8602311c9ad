"""What the engine needs from outside: a model that streams and a toolbox that runs calls.

The adapters in `strategies/dify/` implement both ports over a Dify session; tests implement them
with scripted fakes. Everything that crosses a port is a frozen value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from strategies.protocols.base import CallDelta, ToolSpec

type Message = Mapping[str, object]
"""One prompt message as Dify's wire has it: role, content, name, tool_calls, tool_call_id."""

type Forwarded = Mapping[str, object]
"""A message for the reader that the engine passes on unread, such as a file that a tool made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What model calls cost. Tokens are counts, prices exact decimals, latency seconds."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_unit_price: Decimal = Decimal(0)
    prompt_price_unit: Decimal = Decimal(0)
    prompt_price: Decimal = Decimal(0)
    completion_unit_price: Decimal = Decimal(0)
    completion_price_unit: Decimal = Decimal(0)
    completion_price: Decimal = Decimal(0)
    total_price: Decimal = Decimal(0)
    currency: str = "USD"
    latency: float = 0.0

    cached_tokens: int = 0
    """Those of the prompt's tokens that the provider took from its cache, where it says so."""
    elsewhere: tuple[tuple[str, Decimal], ...] = ()
    """What was paid in other currencies, each once, as its name and the total."""

    @property
    def total_prices(self) -> dict[str, Decimal]:
        """What was paid, by currency, the main one first."""
        return {self.currency: self.total_price, **dict(self.elsewhere)}

    def __add__(self, other: "Usage") -> "Usage":
        """Add up two calls; the main currency is that of the first call that has a price.

        Prices of another currency are kept beside it. Unit prices are those of the later call that
        has any in the main currency.
        """
        later = other if other.total_tokens or other.total_price else self
        currency = self.currency if self.total_price else later.currency
        paid = [one for one in (self, other) if one.currency == currency]
        unit = later if later in paid else self
        totals = _added(self.total_prices, other.total_prices)
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            total_tokens=self.total_tokens + other.total_tokens,
            prompt_unit_price=unit.prompt_unit_price,
            prompt_price_unit=unit.prompt_price_unit,
            prompt_price=sum((one.prompt_price for one in paid), Decimal(0)),
            completion_unit_price=unit.completion_unit_price,
            completion_price_unit=unit.completion_price_unit,
            completion_price=sum((one.completion_price for one in paid), Decimal(0)),
            total_price=totals.pop(currency, Decimal(0)),
            currency=currency,
            latency=self.latency + other.latency,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            elsewhere=tuple((name, price) for name, price in totals.items() if price),
        )


def _added(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> dict[str, Decimal]:
    nothing = Decimal(0)
    return {name: one.get(name, nothing) + other.get(name, nothing) for name in {**one, **other}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One model call."""

    messages: Sequence[Message]
    question_index: int
    """Index of the user's question among the messages: history before it, the run behind it."""
    tools: Sequence[ToolSpec] = ()
    stop: Sequence[str] = ()
    max_tokens: int | None = None
    """Replaces the configured limit of the reply for this call; None keeps it."""
    left_out: tuple[str, ...] = ()
    """What of the conversation had to give way this time, in words for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDelta:
    """One piece of a model's streamed reply. Every part may be absent."""

    text: str = ""
    calls: tuple[CallDelta, ...] = ()
    usage: Usage | None = None
    finish_reason: str = ""
    files: tuple[Forwarded, ...] = ()
    """Pictures and other files that the model itself made."""
    from_cache: bool = False
    """The reply was given before to the same request: no model is asked."""


class ModelError(Exception):
    """A model call failed; the text is the provider's own.

    Args:
        text: what went wrong, in the provider's words.
        types: names that were given to the error on its way, outermost first.
        statuses: HTTP statuses of those who passed it on, outermost first.
    """

    def __init__(
        self, text: str, *, types: tuple[str, ...] = (), statuses: tuple[int, ...] = ()
    ) -> None:
        super().__init__(text)
        self.types = types
        self.statuses = statuses


class Model(Protocol):
    """A model of one provider."""

    @property
    def name(self) -> str:
        """The model's name as the reader knows it."""
        ...

    @property
    def provider(self) -> str:
        """The provider's name as Dify knows it."""
        ...

    def stream(self, request: ModelRequest) -> Iterator[ModelDelta]:
        """Send one request and yield the reply as it comes.

        Raises:
            ModelError: the call failed, before or in the middle of the reply.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """What a tool gave back."""

    text: str
    """The result as the model is to read it, never blank."""
    error: str = ""
    """What went wrong, in one sentence; blank when the tool succeeded."""
    forwarded: tuple[Forwarded, ...] = ()
    """Files and other messages for the reader, each once."""
    describes_tools: bool = False
    """Whether it tells of tools that can be called, and of nothing that an answer needs."""
    shown: str | None = None
    """The result without what only a model must be told, such as that a file was made; None where
    there is nothing of that kind. Blank where the files are all there is."""

    @property
    def answer(self) -> str:
        """The result as a reader is to see it where it stands for the answer."""
        return self.text if self.shown is None else self.shown


class Toolbox(Protocol):
    """The tools of one run, under the names that the model knows."""

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools that the model is shown now."""
        ...

    @property
    def known(self) -> Mapping[str, ToolSpec]:
        """Every tool that may be called, shown or not, by its name."""
        ...

    def provider(self, name: str) -> str:
        """Say which provider a tool belongs to; blank for an unknown tool."""
        ...

    def call(self, name: str, arguments: Mapping[str, object]) -> ToolOutcome:
        """Run one tool to its end. A failing tool is an outcome, not an exception."""
        ...

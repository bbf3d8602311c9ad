"""What model calls cost, and how costs add up.

A delta brings the usage of its call; a round (`model/asking.py`) adds up its calls, the run
(`loop.py`) its rounds, and a plan (`planning/budget.py`) its runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


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

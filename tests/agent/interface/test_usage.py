"""What model calls cost, added up."""

from decimal import Decimal

from strategies.agent.interface.usage import Usage

DOLLARS = Usage(
    prompt_tokens=10,
    total_tokens=12,
    prompt_unit_price=Decimal(2),
    prompt_price=Decimal("0.1"),
    total_price=Decimal("0.1"),
    currency="USD",
)
YUAN = Usage(
    total_tokens=5,
    prompt_unit_price=Decimal(9),
    prompt_price=Decimal("0.2"),
    total_price=Decimal("0.2"),
    currency="RMB",
)


def test_currencies_are_never_added_to_one_another() -> None:
    """The first that was paid is the main one; tokens are tokens."""
    both = DOLLARS + YUAN + DOLLARS + YUAN

    assert both.total_prices == {"USD": Decimal("0.2"), "RMB": Decimal("0.4")}
    assert (both.currency, both.total_price) == ("USD", Decimal("0.2"))
    assert (both.prompt_price, both.prompt_unit_price) == (Decimal("0.2"), Decimal(2))
    assert both.total_tokens == 34


def test_sums_of_sums_are_the_same() -> None:
    """The rounds' sums make the total, in whatever order currencies came."""
    there = (DOLLARS + YUAN) + (YUAN + DOLLARS)

    assert there.total_prices == {"USD": Decimal("0.2"), "RMB": Decimal("0.4")}


def test_a_call_without_a_price_decides_no_currency() -> None:
    """A model that costs nothing, or failed, is said to cost dollars."""
    free = Usage(total_tokens=1)

    assert (free + YUAN).total_prices == {"RMB": Decimal("0.2")}
    assert (YUAN + free).total_prices == {"RMB": Decimal("0.2")}
    assert (free + YUAN).prompt_unit_price == Decimal(9)
    assert (YUAN + free).prompt_unit_price == Decimal(9)


def test_cached_tokens_are_added_up() -> None:
    """Where calls report them."""
    assert (Usage(cached_tokens=3) + Usage() + Usage(cached_tokens=4)).cached_tokens == 7

"""What a usage costs: by the rates of genai-prices, or by those that the user gives.

Pure but for the first call, which loads the list of prices (a quarter of a second, so it is made in a
thread). Whoever is paid is known by the provider's name or the connection's URL, never guessed by a
model's name alone; what the list does not have has no price here.

Source of the rates: the package genai-prices, which names each provider's page of prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from windowseat.core.message import Usage
from windowseat.core.price import Money, Price, Seller

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice

PUBLISHED: Mapping[str, date] = {"0.2.3": date(2026, 11, 10)}
"""On which day a release of genai-prices was published, from https://pypi.org/project/genai-prices/#history."""

MILLION = Decimal(1_000_000)

FREE = Price(money=Money(amount=Decimal(0)), source="this machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRates:
    """What a user says that a model costs, in US dollars for a million tokens.

    Where the cached ones have no rate of their own, they cost what input does.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    cache_write: Decimal | None = None


def price_of(usage: Usage, seller: Seller, at: datetime) -> Price | None:
    """The price of a usage at that time (providers change rates by date and time of day), None: unknown.

    Counts that do not add up, such as more cached tokens than there were, have no price either.
    """
    if seller.free:
        return FREE
    if usage.input_tokens is None or usage.output_tokens is None or not (seller.name or seller.url):
        return None
    from genai_prices import Usage as Counts
    from genai_prices import __version__, calc_price

    where: dict[str, Any] = {"provider_id": seller.name} if seller.name else {"provider_api_url": seller.url}
    try:
        found = calc_price(Counts(**dict(_counts(usage))), seller.model, genai_request_timestamp=at, **where)
    except (LookupError, ValueError):
        return None
    return Price(
        money=Money(amount=found.total_price),
        source=f"genai-prices {__version__}",
        date=PUBLISHED.get(__version__),
        rates=_rates(found.model_price, usage.input_tokens),
    )


def own_price_of(usage: Usage, rates: OwnRates, said: date) -> Price | None:
    """The price of a usage by the user's own rates."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    plain = max(0, usage.input_tokens - cached - written)
    amount = (
        plain * rates.input
        + cached * (rates.input if rates.cached is None else rates.cached)
        + written * (rates.input if rates.cache_write is None else rates.cache_write)
        + usage.output_tokens * rates.output
    ) / MILLION
    return Price(money=Money(amount=amount), source="you", date=said, rates=rates_as_text(rates))


def rates_for(seller: Seller, at: datetime, *, input_tokens: int = 0) -> Price | None:
    """The rates that hold for a request of that size, with a price of nothing; None: unknown."""
    return price_of(Usage(input_tokens=input_tokens, output_tokens=0), seller, at)


def rates_as_text(rates: OwnRates) -> dict[str, str]:
    """By the names that genai-prices has for them."""
    named = {
        "input_mtok": rates.input,
        "cache_read_mtok": rates.cached,
        "cache_write_mtok": rates.cache_write,
        "output_mtok": rates.output,
    }
    return {name: str(rate) for name, rate in named.items() if rate is not None}


_DETAILS = (
    ("input", "input_{}_tokens"),
    ("cached", "cache_{}_read_tokens"),
    ("output", "output_{}_tokens"),
)
_MODALITIES = ("audio", "image", "video")


def _counts(usage: Usage) -> Iterator[tuple[str, int]]:
    """The counts by the names of genai-prices; pages of documents count as images there."""
    plain = (
        ("input_tokens", usage.input_tokens),
        ("cache_read_tokens", usage.cached_tokens),
        ("cache_write_tokens", usage.cache_write_tokens),
        ("output_tokens", usage.output_tokens),
        ("output_reasoning_tokens", usage.thinking_tokens),
    )
    yield from ((name, count) for name, count in plain if count)
    details = usage.details or {}
    for ours, theirs in (
        ("cache_write_5m_tokens", "cache_write_5m_tokens"),
        ("cache_write_1h_tokens", "cache_write_1h_tokens"),
        ("tool_input_tokens", "input_tool_tokens"),
        ("searches", "web_searches"),
    ):
        if details.get(ours):
            yield theirs, details[ours]
    for ours, theirs in _DETAILS:
        by_kind = {kind: details.get(f"{kind}_{ours}_tokens", 0) for kind in _MODALITIES}
        by_kind["image"] += details.get(f"document_{ours}_tokens", 0)
        whole = {"input": usage.input_tokens, "cached": usage.cached_tokens, "output": usage.output_tokens}[
            ours
        ]
        if any(by_kind.values()):
            by_kind["text"] = max(0, (whole or 0) - sum(by_kind.values()))
        yield from ((theirs.format(kind), count) for kind, count in by_kind.items() if count)


def _rates(prices: ModelPrice, input_tokens: int) -> dict[str, str]:
    """Each rate as it held for a request of that size: a tier counts for all of its tokens."""
    found: dict[str, str] = {}
    for name, rate in vars(prices).items():
        if isinstance(rate, Decimal):
            found[name] = str(rate)
        elif rate is not None:
            tiers = [tier.price for tier in rate.tiers if input_tokens > tier.start]
            found[name] = str(tiers[-1] if tiers else rate.base)
    return found

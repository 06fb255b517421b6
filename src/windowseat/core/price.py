"""Money: an exact decimal amount in a currency; what was paid for, to whom, and by which rates.

Amounts are `Decimal`, never float; on the wire they are strings. How a price is found is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in an ISO 4217 currency; all provider prices known today are in US dollars."""

    amount: Decimal
    currency: str = "USD"

    @staticmethod
    def total(prices: Iterable[Money | None]) -> Money | None:
        """The sum, or None where any of the prices is unknown or there is none.

        Raises ValueError when currencies differ.
        """
        amounts = list(prices)
        if not amounts:
            return None
        known: list[Money] = []
        for money in amounts:
            if money is None:
                return None
            known.append(money)
        currencies = {money.currency for money in known}
        if len(currencies) > 1:
            raise ValueError(f"cannot add prices in {', '.join(sorted(currencies))}")
        return Money(amount=sum((money.amount for money in known), Decimal(0)), currency=known[0].currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Who is paid for a model's answers: the model's id there, the connection's URL, and the provider's name
    in the catalogue of prices where it is known. `free`: it runs on this machine, nobody is paid."""

    model: str
    url: str = ""
    name: str | None = None
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a request cost, who says so, from which day that is (None: not known), and the rates that were
    used: by kind of token, in the money's currency for a million."""

    money: Money
    source: str
    date: date | None = None
    rates: Mapping[str, str] = field(default_factory=dict)

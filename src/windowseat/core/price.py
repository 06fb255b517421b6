"""Money: an exact decimal amount in a currency.

Amounts are `Decimal`, never float; on the wire they are strings. Where a price comes from (a
catalogue, a provider) is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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

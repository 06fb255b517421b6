"""Adding up rows of the ledger: exact decimals, and plain words for what is not known. Pure.

Reading the rows is store.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from windowseat.core.errors import Refused
from windowseat.core.message import Usage
from windowseat.core.price import Money
from windowseat.features.spending.store import Recorded

By = Literal["message", "thread", "model", "connection", "purpose", "day", "month"]
BY: tuple[By, ...] = get_args(By)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What some requests add up to. `price` is the sum of the known prices, None where none is known;
    `unpriced` requests are not in it. `estimated` counts those whose usage the provider did not tell.

    `key` is what they have in common: a turn's, thread's or model's name, a day as 2026-11-25.
    """

    key: str
    requests: int
    usage: Usage | None
    price: Money | None
    unpriced: int
    estimated: int

    @staticmethod
    def nothing(key: str) -> Spent:
        """No request at all."""
        return Spent(key=key, requests=0, usage=None, price=None, unpriced=0, estimated=0)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name. Raises Refused `zone_unknown`."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise Refused(
            "zone_unknown", f"“{name[:80]}” is not a time zone.", hint="Name one as in Europe/Berlin, or UTC."
        ) from None


def sums_of(rows: Iterable[Recorded], by: By, zone: ZoneInfo) -> tuple[Spent, ...]:
    """The sums in the order of their keys; rows without such a key, such as those of no thread, have "".

    Amounts of another currency than the first one of their sum count as unpriced: nobody changes money here.
    """
    key = _KEYS[by]
    found: dict[str, _Sum] = {}
    for row in rows:
        found.setdefault(key(row, zone), _Sum()).add(row)
    return tuple(each.spent(name) for name, each in sorted(found.items()))


_KEYS: dict[By, Callable[[Recorded, ZoneInfo], str]] = {
    "message": lambda row, _: row.turn,
    "thread": lambda row, _: row.thread or "",
    "model": lambda row, _: row.model,
    "connection": lambda row, _: row.model.partition("/")[0],
    "purpose": lambda row, _: row.purpose,
    "day": lambda row, zone: row.at.astimezone(zone).strftime("%Y-%m-%d"),
    "month": lambda row, zone: row.at.astimezone(zone).strftime("%Y-%m"),
}


@dataclass(slots=True)
class _Sum:
    requests: int = 0
    usages: list[Usage | None] = field(default_factory=list)
    amount: Decimal = Decimal(0)
    currency: str | None = None
    unpriced: int = 0
    estimated: int = 0

    def add(self, row: Recorded) -> None:
        self.requests += 1
        self.usages.append(row.usage)
        self.estimated += row.estimated
        if row.price is None or self.currency not in (None, row.price.currency):
            self.unpriced += 1
        else:
            self.currency = row.price.currency
            self.amount += row.price.amount

    def spent(self, key: str) -> Spent:
        return Spent(
            key=key,
            requests=self.requests,
            usage=Usage.total(self.usages),
            price=None if self.currency is None else Money(amount=self.amount, currency=self.currency),
            unpriced=self.unpriced,
            estimated=self.estimated,
        )

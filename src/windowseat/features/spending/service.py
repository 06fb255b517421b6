"""The ledger: one row for every request to a provider, hidden ones too, what it cost, and what all add up to.

A price that nobody knows is None, and is never nothing; sums say how many such requests they leave out.
A row keeps the rates that it was priced with, so later rates change no earlier price. Limits of a plan are
not here.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from windowseat.core.ask import User
from windowseat.core.errors import Fault, Refused
from windowseat.core.message import Usage
from windowseat.core.ports import LedgerRow
from windowseat.core.price import Money, Price, Seller
from windowseat.features.spending.export import HEADER, csv_line
from windowseat.features.spending.rates import OwnRates, own_price_of, price_of, rates_as_text, rates_for
from windowseat.features.spending.store import Chosen, LedgerStore, Recorded
from windowseat.features.spending.sums import By, Spent, sums_of, zone_of
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids

MOST_ROWS = 500
_EXPORTED_AT_ONCE = 1000
_SPEED_OF = 20
"""Requests of a model, the latest ones, that its speed is measured by."""

SellerOf = Callable[[User, str], Awaitable[Seller]]
"""Who is paid for the answers of a user's model, by its name. Raises Refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows of the ledger, the newest first; `next` is the cursor of the page after, None on the last."""

    rows: tuple[Recorded, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How quick a model answered here, over its latest requests: seconds to the first token, then tokens a
    second. None: not measured."""

    requests: int
    first_token: float | None
    tokens_per_second: float | None


class Spending:
    """The port `Ledger`, and reading it."""

    def __init__(self, database: Database, ids: Ids, clock: Clock, seller_of: SellerOf) -> None:
        self._store = LedgerStore(database)
        self._ids = ids
        self._clock = clock
        self._seller_of = seller_of

    async def record(self, row: LedgerRow) -> Money | None:
        """Keep the row with its price, once for a turn's step: the first one stays.

        Returns the price that is kept, None: unknown.
        """
        price = await self.price(User(id=row.user), row.model, row.usage, row.at)
        if await self._store.add(row, self._ids.new(), price):
            return None if price is None else price.money
        return await self._store.price_of(row.turn, row.step)

    async def price(self, user: User, model: str, usage: Usage | None, at: datetime) -> Price | None:
        """What a usage costs at that time, by the user's own rates or the known ones. None: unknown."""
        if usage is None:
            return None
        own = await self._store.own_rates(user.id, model)
        if own is not None:
            rates, said = own
            return own_price_of(usage, rates, said.date())
        try:
            seller = await self._seller_of(user, model)
        except Fault:
            return None
        if "genai_prices" in sys.modules:  # the list of prices is there: this is quick
            return price_of(usage, seller, at)
        return await asyncio.to_thread(price_of, usage, seller, at)

    async def rates(self, user: User, model: str, *, input_tokens: int = 0) -> Price | None:
        """The rates that hold now for a request of that size, as a price of nothing. None: unknown.

        Raises what `seller_of` raises.
        """
        own = await self._store.own_rates(user.id, model)
        if own is not None:
            rates, said = own
            return Price(
                money=Money(amount=Decimal(0)), source="you", date=said.date(), rates=rates_as_text(rates)
            )
        seller = await self._seller_of(user, model)
        return await asyncio.to_thread(rates_for, seller, self._clock.now(), input_tokens=input_tokens)

    async def set_rates(self, user: User, model: str, rates: OwnRates | None) -> None:
        """Keep what the user says that a model costs, over all that others say; None takes it back.

        What is in the ledger stays as it is. Raises Refused `rates_wrong`, and what `seller_of` raises.
        """
        await self._seller_of(user, model)
        if rates is not None:
            given = (rates.input, rates.output, rates.cached, rates.cache_write)
            if not all(rate is None or (rate.is_finite() and 0 <= rate < 1_000_000) for rate in given):
                raise Refused(
                    "rates_wrong",
                    "Rates are US dollars for a million tokens, from 0 on.",
                    hint='Give them as decimal numbers, such as "2.50".',
                )
        await self._store.set_rates(user.id, model, rates, self._clock.now())

    async def sums(
        self, user: User, by: By, *, zone: str = "UTC", chosen: Chosen | None = None
    ) -> tuple[Spent, ...]:
        """What requests add up to, by message (a turn is one), thread, model, connection, purpose or time.

        Days and months are those of the time zone. Raises Refused `zone_unknown`.
        """
        place = zone_of(zone)
        return await self._store.reduce(user.id, chosen or Chosen(), lambda rows: sums_of(rows, by, place))

    async def spent_in(self, user: User, thread: str) -> Spent:
        """What all requests of the user's thread add up to."""
        found = await self.sums(user, "thread", chosen=Chosen(thread=thread))
        return found[0] if found else Spent.nothing(thread)

    async def rows(
        self, user: User, *, thread: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page:
        """A page of the user's rows, all or of one thread; `after` is the `next` of the page before.

        Raises Refused `limit_out_of_range`.
        """
        if not 1 <= limit <= MOST_ROWS:
            raise Refused(
                "limit_out_of_range", f"{limit} rows cannot be asked for.", hint=f"Ask for 1 to {MOST_ROWS}."
            )
        found = await self._store.page(user.id, Chosen(thread=thread), before=after, limit=limit + 1)
        page = found[:limit]
        return Page(rows=tuple(page), next=page[-1].id if len(found) > limit else None)

    async def export(self, user: User, chosen: Chosen | None = None) -> AsyncIterator[str]:
        """The user's rows as CSV (RFC 4180), the newest first: the header's line, then one for each row."""
        yield HEADER
        before: str | None = None
        while True:
            page = await self._store.page(user.id, chosen or Chosen(), before=before, limit=_EXPORTED_AT_ONCE)
            if page:
                yield "".join(csv_line(row) for row in page)
            if len(page) < _EXPORTED_AT_ONCE:
                return
            before = page[-1].id

    async def speeds(self, user: User) -> Mapping[str, Speed]:
        """How quick the user's models answered, by their names."""
        found: dict[str, Speed] = {}
        for model, times in (await self._store.times(user.id, latest=_SPEED_OF)).items():
            firsts = sorted(first for first, _, _ in times if first is not None)
            written = [(count, lasted) for _, lasted, count in times if count and lasted]
            lasted = sum(lasted for _, lasted in written)
            found[model] = Speed(
                requests=len(times),
                first_token=firsts[len(firsts) // 2] if firsts else None,
                tokens_per_second=sum(count for count, _ in written) / lasted if lasted else None,
            )
        return found

"""The ledger: one row for every request to a provider, hidden ones too, and what they add up to.

It knows no prices yet: a price is None, which means unknown and never nothing. Limits of a plan are
not here.
"""

from __future__ import annotations

from dataclasses import dataclass

from windowseat.core.ask import User
from windowseat.core.errors import Refused
from windowseat.core.message import Usage
from windowseat.core.ports import LedgerRow
from windowseat.core.price import Money
from windowseat.features.spending.store import LedgerStore
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids

MOST_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What some requests add up to. `estimated`: at least one provider did not say what it used."""

    requests: int
    usage: Usage | None
    price: Money | None
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows of the ledger, the newest first; `next` is the cursor of the page after, None on the last."""

    rows: tuple[LedgerRow, ...]
    next: str | None


class Spending:
    """The port `Ledger`, and reading it."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._store = LedgerStore(database)
        self._ids = ids

    async def record(self, row: LedgerRow) -> Money | None:
        """Keep the row, once for a turn's step: the first one stays. Returns its price, None: unknown."""
        await self._store.add(row, self._ids.new())
        return None

    async def spent_in(self, user: User, thread: str) -> Spent:
        """What all requests of the user's thread add up to."""
        rows = [row for _, row in await self._store.rows(user.id, thread=thread, before=None, limit=None)]
        return Spent(
            requests=len(rows),
            usage=Usage.total(row.usage for row in rows),
            price=None,
            estimated=any(row.estimated for row in rows),
        )

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
        found = await self._store.rows(user.id, thread=thread, before=after, limit=limit + 1)
        page = found[:limit]
        return Page(rows=tuple(row for _, row in page), next=page[-1][0] if len(found) > limit else None)

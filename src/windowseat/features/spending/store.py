"""The rows of the ledger. All SQL of this feature is here.

Times are microseconds since 1970 (platform/moments.py), amounts decimal text. Rows are only ever added.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from windowseat.core.message import Usage
from windowseat.core.ports import LedgerRow
from windowseat.platform.database import Database
from windowseat.platform.moments import from_number, to_number

_metadata = MetaData()

ledger = Table(
    "ledger",
    _metadata,
    Column("id", String, primary_key=True),
    Column("turn_id", String, nullable=False),
    Column("step", Integer, nullable=False),
    Column("user_id", String, nullable=False),
    Column("thread_id", String),
    Column("purpose", String, nullable=False),
    Column("model", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("input_tokens", Integer),
    Column("cached_tokens", Integer),
    Column("cache_write_tokens", Integer),
    Column("output_tokens", Integer),
    Column("thinking_tokens", Integer),
    Column("details", String),
    Column("estimated", Integer, nullable=False),
    Column("price_amount", String),
    Column("price_currency", String),
    Column("price_source", String),
    UniqueConstraint("turn_id", "step"),
)

_COUNTS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "thinking_tokens")


class LedgerStore:
    """Adds and reads those rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, row: LedgerRow, row_id: str) -> bool:
        """Add the row; False where the turn's step has one already."""
        usage = row.usage
        values: dict[str, Any] = {name: getattr(usage, name) if usage else None for name in _COUNTS}
        details = msgspec.json.encode(usage.details).decode() if usage and usage.details else None
        change = insert(ledger).values(
            id=row_id,
            turn_id=row.turn,
            step=row.step,
            user_id=row.user,
            thread_id=row.thread,
            purpose=row.purpose,
            model=row.model,
            at=to_number(row.at),
            details=details,
            estimated=int(row.estimated),
            **values,
        )
        there = select(ledger.c.id).where(ledger.c.turn_id == row.turn, ledger.c.step == row.step)
        try:
            await self._database.write(lambda conn: conn.execute(change).rowcount)
        except IntegrityError:
            if await self._database.read(lambda conn: conn.execute(there).first()) is None:
                raise
            return False
        return True

    async def rows(
        self, user: str, *, thread: str | None, before: str | None, limit: int | None
    ) -> list[tuple[str, LedgerRow]]:
        """The user's rows with their ids, the newest first, older than the row `before`."""
        query = select(ledger).where(ledger.c.user_id == user).order_by(ledger.c.id.desc())
        if thread is not None:
            query = query.where(ledger.c.thread_id == thread)
        if before is not None:
            query = query.where(ledger.c.id < before)
        if limit is not None:
            query = query.limit(limit)
        found = await self._database.read(lambda conn: conn.execute(query).all())
        return [(row.id, _value(row)) for row in found]


def _value(row: Row[Any]) -> LedgerRow:
    details = msgspec.json.decode(row.details, type=dict[str, int]) if row.details else None
    usage = Usage(
        input_tokens=row.input_tokens,
        cached_tokens=row.cached_tokens,
        cache_write_tokens=row.cache_write_tokens,
        output_tokens=row.output_tokens,
        thinking_tokens=row.thinking_tokens,
        details=details,
    )
    return LedgerRow(
        turn=row.turn_id,
        step=row.step,
        user=row.user_id,
        thread=row.thread_id,
        purpose=row.purpose,
        model=row.model,
        at=from_number(row.at),
        usage=None if usage == Usage() else usage,
        estimated=bool(row.estimated),
    )

"""The rows of fall-backs. All SQL of this feature is here.

A row whose thread is "" holds for all threads of its user. Times are microseconds since 1970, amounts
decimal text.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec
import sqlalchemy
from sqlalchemy import BigInteger, Column, MetaData, String, Table, delete, insert, select

from windowseat.platform.database import Database
from windowseat.platform.moments import to_number

fallbacks = Table(
    "fallbacks",
    MetaData(),
    Column("user_id", String, primary_key=True),
    Column("thread_id", String, primary_key=True),
    Column("models", String, nullable=False),
    Column("most_per_mtok", String),
    Column("said_at", BigInteger, nullable=False),
)


class FallbackStore:
    """Reads and writes those rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user: str, thread: str | None) -> tuple[tuple[str, ...], Decimal | None] | None:
        """The models and the limit, None where nothing was set."""
        query = select(fallbacks).where(fallbacks.c.user_id == user, fallbacks.c.thread_id == (thread or ""))
        row = await self._database.read(lambda conn: conn.execute(query).first())
        if row is None:
            return None
        models = msgspec.json.decode(row.models, type=tuple[str, ...])
        return models, None if row.most_per_mtok is None else Decimal(row.most_per_mtok)

    async def set(
        self, user: str, thread: str | None, models: tuple[str, ...], most: Decimal | None, at: datetime
    ) -> None:
        """Put these in place of what was set; no models remove it."""
        before = delete(fallbacks).where(fallbacks.c.user_id == user, fallbacks.c.thread_id == (thread or ""))
        now = insert(fallbacks).values(
            user_id=user,
            thread_id=thread or "",
            models=msgspec.json.encode(models).decode(),
            most_per_mtok=None if most is None else f"{most:f}",
            said_at=to_number(at),
        )

        def change(conn: sqlalchemy.Connection) -> None:
            conn.execute(before)
            if models:
                conn.execute(now)

        await self._database.write(change)

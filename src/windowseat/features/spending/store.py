"""The rows of the ledger, and the rates that users give. All SQL of this feature is here.

Times are microseconds since 1970 (platform/moments.py), amounts and rates decimal text. Rows of the ledger
are only ever added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from windowseat.core.ask import Purpose
from windowseat.core.message import Usage
from windowseat.core.ports import LedgerRow
from windowseat.core.price import Money, Price
from windowseat.features.spending.rates import OwnRates
from windowseat.platform.database import Database
from windowseat.platform.moments import from_number, to_number

_metadata = MetaData()
_Value = TypeVar("_Value")

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
    Column("price_date", String),
    Column("price_rates", String),
    Column("first_token_us", BigInteger),
    Column("writing_us", BigInteger),
    Column("written_tokens", BigInteger),
    UniqueConstraint("turn_id", "step"),
)
own_prices = Table(
    "own_prices",
    _metadata,
    Column("user_id", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("rates", String, nullable=False),
    Column("said_at", BigInteger, nullable=False),
)

_COUNTS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "thinking_tokens")
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A row as it is kept: what was asked and used, its price (None: unknown) with who says so, of which
    day, and by which rates; and how quick it was, in seconds."""

    id: str
    turn: str
    step: int
    thread: str | None
    purpose: Purpose
    model: str
    at: datetime
    usage: Usage | None
    estimated: bool
    price: Money | None
    price_source: str | None
    price_date: str | None
    price_rates: Mapping[str, str] | None
    first_token: float | None
    writing: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which of a user's rows: None takes all. `since` is in, `until` is not."""

    thread: str | None = None
    turn: str | None = None
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def of(self, query: Select[Any]) -> Select[Any]:
        """The query with these conditions."""
        for column, value in (("thread_id", self.thread), ("turn_id", self.turn), ("model", self.model)):
            if value is not None:
                query = query.where(ledger.c[column] == value)
        if self.since is not None:
            query = query.where(ledger.c.at >= to_number(self.since))
        if self.until is not None:
            query = query.where(ledger.c.at < to_number(self.until))
        return query


# Made once: every step of a turn runs them, and making them costs more than running them.
_ADD = insert(ledger)
_OWN_RATES = select(own_prices).where(
    own_prices.c.user_id == bindparam("user"), own_prices.c.model == bindparam("model")
)


class LedgerStore:
    """Adds and reads those rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, row: LedgerRow, row_id: str, price: Price | None) -> bool:
        """Add the row; False where the turn's step has one already."""
        values = {"id": row_id, **_of_row(row), **_of_price(price)}
        try:
            await self._database.write(lambda conn: conn.execute(_ADD, values).rowcount)
        except IntegrityError:
            there = select(ledger.c.id).where(ledger.c.turn_id == row.turn, ledger.c.step == row.step)
            if await self._database.read(lambda conn: conn.execute(there).first()) is None:
                raise
            return False
        return True

    async def price_of(self, turn: str, step: int) -> Money | None:
        """The price that a turn's step was recorded with."""
        query = select(ledger.c.price_amount, ledger.c.price_currency).where(
            ledger.c.turn_id == turn, ledger.c.step == step
        )
        row = await self._database.read(lambda conn: conn.execute(query).first())
        return None if row is None else _money(*row)

    async def page(self, user: str, chosen: Chosen, *, before: str | None, limit: int) -> list[Recorded]:
        """The user's rows, the newest first, older than the row `before`."""
        query = chosen.of(select(ledger).where(ledger.c.user_id == user)).order_by(ledger.c.id.desc())
        if before is not None:
            query = query.where(ledger.c.id < before)
        found = await self._database.read(lambda conn: conn.execute(query.limit(limit)).all())
        return [_value(row) for row in found]

    async def reduce(
        self, user: str, chosen: Chosen, made_of: Callable[[Iterable[Recorded]], _Value]
    ) -> _Value:
        """What is made of the user's rows, the oldest first, beside the loop and one by one."""
        query = chosen.of(select(ledger).where(ledger.c.user_id == user)).order_by(ledger.c.id)

        def read(conn: sqlalchemy.Connection) -> _Value:
            return made_of(_value(row) for row in conn.execute(query))

        return await self._database.read(read)

    async def times(
        self, user: str, *, latest: int
    ) -> dict[str, list[tuple[float | None, float | None, int | None]]]:
        """By model, of the latest requests: seconds to the first token, seconds after it, tokens in those."""
        columns = (ledger.c.model, ledger.c.first_token_us, ledger.c.writing_us, ledger.c.written_tokens)
        numbered = (
            select(
                *columns,
                func.row_number().over(partition_by=ledger.c.model, order_by=ledger.c.id.desc()).label("nth"),
            )
            .where(ledger.c.user_id == user, ledger.c.first_token_us.is_not(None))
            .subquery()
        )
        query = select(numbered).where(numbered.c.nth <= latest)
        found: dict[str, list[tuple[float | None, float | None, int | None]]] = {}
        for row in await self._database.read(lambda conn: conn.execute(query).all()):
            times = (_seconds(row.first_token_us), _seconds(row.writing_us), row.written_tokens)
            found.setdefault(row.model, []).append(times)
        return found

    async def own_rates(self, user: str, model: str) -> tuple[OwnRates, datetime] | None:
        """The rates that the user gave for a model, and when."""
        about = {"user": user, "model": model}
        row = await self._database.read(lambda conn: conn.execute(_OWN_RATES, about).first())
        if row is None:
            return None
        rates = {name: Decimal(rate) for name, rate in msgspec.json.decode(row.rates).items()}
        return OwnRates(**rates), from_number(row.said_at)

    async def set_rates(self, user: str, model: str, rates: OwnRates | None, at: datetime) -> None:
        """Keep the rates in place of those before; None removes them."""
        before = delete(own_prices).where(own_prices.c.user_id == user, own_prices.c.model == model)
        values: dict[str, Any] = {"user_id": user, "model": model, "said_at": to_number(at)}

        def change(conn: sqlalchemy.Connection) -> None:
            conn.execute(before)
            if rates is not None:
                named = {name: getattr(rates, name) for name in OwnRates.__slots__}
                text = _json({name: str(rate) for name, rate in named.items() if rate is not None})
                conn.execute(insert(own_prices).values(**values, rates=text))

        await self._database.write(change)


def _of_row(row: LedgerRow) -> dict[str, Any]:
    usage = row.usage
    return {
        "turn_id": row.turn,
        "step": row.step,
        "user_id": row.user,
        "thread_id": row.thread,
        "purpose": row.purpose,
        "model": row.model,
        "at": to_number(row.at),
        **{name: getattr(usage, name) if usage else None for name in _COUNTS},
        "details": _json(usage.details) if usage and usage.details else None,
        "estimated": int(row.estimated),
        "first_token_us": _micros(row.first_token),
        "writing_us": _micros(row.writing),
        "written_tokens": row.written,
    }


def _of_price(price: Price | None) -> dict[str, Any]:
    if price is None:
        return {}
    return {
        "price_amount": f"{price.money.amount:f}",
        "price_currency": price.money.currency,
        "price_source": price.source,
        "price_date": None if price.date is None else price.date.isoformat(),
        "price_rates": _json(dict(price.rates)) if price.rates else None,
    }


def _value(row: Row[Any]) -> Recorded:
    details = msgspec.json.decode(row.details, type=dict[str, int]) if row.details else None
    usage = Usage(**{name: getattr(row, name) for name in _COUNTS}, details=details)
    return Recorded(
        id=row.id,
        turn=row.turn_id,
        step=row.step,
        thread=row.thread_id,
        purpose=row.purpose,
        model=row.model,
        at=from_number(row.at),
        usage=None if usage == Usage() else usage,
        estimated=bool(row.estimated),
        price=_money(row.price_amount, row.price_currency),
        price_source=row.price_source,
        price_date=row.price_date,
        price_rates=msgspec.json.decode(row.price_rates, type=dict[str, str]) if row.price_rates else None,
        first_token=_seconds(row.first_token_us),
        writing=_seconds(row.writing_us),
    )


def _money(amount: str | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount=Decimal(amount), currency=currency)


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * _SECOND)


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / _SECOND


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()

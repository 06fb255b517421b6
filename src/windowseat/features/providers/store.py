"""The rows of connections and of the models that they listed. All SQL of this feature is here.

Keys, headers and query values are sealed before they come here. Times are microseconds since 1970
(platform/moments.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import msgspec
import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Column,
    Delete,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from windowseat.core.model import Dialect
from windowseat.core.parts import Json
from windowseat.platform.database import Database

_metadata = MetaData()

connections = Table(
    "connections",
    _metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("dialect", String, nullable=False),
    Column("url", String, nullable=False),
    Column("key_sealed", String),
    Column("key_hint", String),
    Column("headers", String, nullable=False),
    Column("query", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("version", Integer, nullable=False),
)
models = Table(
    "models",
    _metadata,
    Column("user_id", String, primary_key=True),
    Column("connection", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("facts", String, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
model_facts = Table(
    "model_facts",
    _metadata,
    Column("user_id", String, primary_key=True),
    Column("connection", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("facts", String, nullable=False),
    Column("said_at", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow:
    """A connection as it is kept: `key`, and the values of `headers` and `query`, are sealed."""

    id: str
    user: str
    name: str
    dialect: Dialect
    url: str
    key: str | None = field(default=None, repr=False)
    key_hint: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    created: int = 0
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model that a connection listed, with the facts that it told, by the names of `core.Model`."""

    id: str
    facts: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the provider's list said of a model, and what its user did, each with when; {}: nothing."""

    listed: Mapping[str, Json] = field(default_factory=dict)
    listed_at: int | None = None
    told: Mapping[str, Json] = field(default_factory=dict)
    told_at: int | None = None


class ConnectionStore:
    """Reads and writes those rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, user: str) -> list[ConnectionRow]:
        """The user's connections by name."""
        query = (
            select(connections)
            .where(connections.c.user_id == user, connections.c.deleted_at.is_(None))
            .order_by(connections.c.name)
        )
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        return [_value(row) for row in rows]

    async def everyones(self) -> list[ConnectionRow]:
        """All users' connections."""
        query = select(connections).where(connections.c.deleted_at.is_(None)).order_by(connections.c.name)
        return [_value(row) for row in await self._database.read(lambda conn: conn.execute(query).all())]

    async def named(self, user: str, name: str) -> ConnectionRow | None:
        """The user's connection of that name."""
        who = {"user": user, "connection": name}
        row = await self._database.read(lambda conn: conn.execute(_NAMED, who).first())
        return None if row is None else _value(row)

    async def add(self, row: ConnectionRow) -> None:
        """Add it. Raises IntegrityError where the name is used."""
        values = {"id": row.id, "user_id": row.user, "created_at": row.created, "version": 1, **_plain(row)}
        changes = (insert(connections).values(**values), _forget_list(row.user, row.name))
        await self._database.write(
            lambda conn: [conn.execute(change).rowcount for change in changes], durable=True
        )

    async def change(self, row: ConnectionRow, was: ConnectionRow) -> bool:
        """Put the row in place of what it was read as; False where somebody else changed it.

        Its list, and what its user says of its models, go along with a new name.
        Raises IntegrityError where its new name is used.
        """
        change = (
            update(connections)
            .where(
                connections.c.id == row.id,
                connections.c.version == row.version,
                connections.c.deleted_at.is_(None),
            )
            .values(version=row.version + 1, **_plain(row))
        )
        along = [
            update(table)
            .where(table.c.user_id == row.user, table.c.connection == was.name)
            .values(connection=row.name)
            for table in (models, model_facts)
        ]

        def write(conn: sqlalchemy.Connection) -> bool:
            if conn.execute(change).rowcount != 1:
                return False
            if row.name != was.name:
                conn.execute(_forget_list(row.user, row.name))
                for each in along:
                    conn.execute(each)
            return True

        return await self._database.write(write, durable=True)

    async def mark(self, user: str, row: str, deleted_at: int | None) -> bool:
        """Delete it, or bring it back with None; False where there is nothing to change.

        Raises IntegrityError where its name is used meanwhile.
        """
        there = connections.c.deleted_at.is_(None)
        change = (
            update(connections)
            .where(
                connections.c.id == row,
                connections.c.user_id == user,
                there if deleted_at is not None else ~there,
            )
            .values(deleted_at=deleted_at, version=connections.c.version + 1)
        )
        return await self._database.write(lambda conn: conn.execute(change).rowcount == 1, durable=True)

    async def said(self, user: str, connection: str | None = None) -> dict[str, dict[str, Said]]:
        """What was said of models, by connection and id; of one connection or of all."""
        listed = select(models).where(models.c.user_id == user).order_by(models.c.connection, models.c.id)
        told = select(model_facts).where(model_facts.c.user_id == user)
        if connection is not None:
            listed = listed.where(models.c.connection == connection)
            told = told.where(model_facts.c.connection == connection)
        rows, own = await self._database.read(
            lambda conn: (conn.execute(listed).all(), conn.execute(told).all())
        )
        found: dict[str, dict[str, Said]] = {}
        for row in rows:
            said = Said(listed=_facts(row.facts), listed_at=row.seen_at)
            found.setdefault(row.connection, {})[row.id] = said
        for row in own:
            of = found.setdefault(row.connection, {})
            of[row.id] = replace(of.get(row.id, Said()), told=_facts(row.facts), told_at=row.said_at)
        return found

    async def with_said(self, user: str, name: str, model: str) -> tuple[ConnectionRow | None, Said]:
        """The user's connection of that name, and what was said of one of its models, in one look."""
        about = {"user": user, "connection": name, "model": model}

        def read(conn: sqlalchemy.Connection) -> tuple[ConnectionRow | None, Said]:
            row, one, own = (conn.execute(query, about).first() for query in (_NAMED, _LISTED, _TOLD))
            said = Said()
            if one is not None:
                said = replace(said, listed=_facts(one.facts), listed_at=one.seen_at)
            if own is not None:
                said = replace(said, told=_facts(own.facts), told_at=own.said_at)
            return None if row is None else _value(row), said

        return await self._database.read(read)

    async def tell(self, user: str, connection: str, model: str, facts: Mapping[str, Json], at: int) -> None:
        """Keep what the user says of a model in place of what he said before; {} takes it back."""
        values = {"user_id": user, "connection": connection, "id": model}
        at_hand = [getattr(model_facts.c, name) == value for name, value in values.items()]

        def change(conn: sqlalchemy.Connection) -> None:
            conn.execute(delete(model_facts).where(*at_hand))
            if facts:
                conn.execute(insert(model_facts).values(**values, facts=_json(facts), said_at=at))

        await self._database.write(change)

    async def relist(self, user: str, connection: str, listed: Sequence[ListedModel], at: int) -> None:
        """Put this list in place of the one before."""
        rows = [
            {
                "user_id": user,
                "connection": connection,
                "id": model.id,
                "facts": _json(model.facts),
                "seen_at": at,
            }
            for model in listed
        ]

        def change(conn: sqlalchemy.Connection) -> None:
            conn.execute(_forget_list(user, connection))
            if rows:
                conn.execute(insert(models), rows)

        await self._database.write(change)


def _forget_list(user: str, connection: str) -> Delete:
    return delete(models).where(models.c.user_id == user, models.c.connection == connection)


# Made once: every turn asks them, and making them costs more than running them.
_NAMED = select(connections).where(
    connections.c.user_id == bindparam("user"),
    connections.c.name == bindparam("connection"),
    connections.c.deleted_at.is_(None),
)
_LISTED = select(models.c.facts, models.c.seen_at).where(
    models.c.user_id == bindparam("user"),
    models.c.connection == bindparam("connection"),
    models.c.id == bindparam("model"),
)
_TOLD = select(model_facts.c.facts, model_facts.c.said_at).where(
    model_facts.c.user_id == bindparam("user"),
    model_facts.c.connection == bindparam("connection"),
    model_facts.c.id == bindparam("model"),
)


def _plain(row: ConnectionRow) -> dict[str, Any]:
    """What a user can change."""
    return {
        "name": row.name,
        "dialect": row.dialect,
        "url": row.url,
        "key_sealed": row.key,
        "key_hint": row.key_hint,
        "headers": _json(row.headers),
        "query": _json(row.query),
    }


def _value(row: Row[Any]) -> ConnectionRow:
    return ConnectionRow(
        id=row.id,
        user=row.user_id,
        name=row.name,
        dialect=cast(Dialect, row.dialect),
        url=row.url,
        key=row.key_sealed,
        key_hint=row.key_hint,
        headers=msgspec.json.decode(row.headers, type=dict[str, str]),
        query=msgspec.json.decode(row.query, type=dict[str, str]),
        created=row.created_at,
        version=row.version,
    )


def _facts(text: str) -> Mapping[str, Json]:
    facts: dict[str, Json] = msgspec.json.decode(text, type=dict[str, Any])
    return facts


def _json(value: Mapping[str, Json]) -> str:
    return msgspec.json.encode(value).decode()

"""The rows of users, their sign-ins, sign-in links and keys. All SQL of this feature is here.

Of every token only its hash is kept. Times are microseconds since 1970 (platform/moments.py).
What a row permits is decided in service.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from windowseat.core.ask import User
from windowseat.platform.database import Database

_metadata = MetaData()

users = Table(
    "users",
    _metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("version", Integer, nullable=False),
)
sign_ins = Table(
    "sign_ins",
    _metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("token_hash", String, nullable=False, unique=True),
    Column("agent", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("version", Integer, nullable=False),
)
sign_in_links = Table(
    "sign_in_links",
    _metadata,
    Column("token_hash", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)
api_keys = Table(
    "api_keys",
    _metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("key_hash", String, nullable=False, unique=True),
    Column("scope", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("version", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What a token stands for: the row of a sign-in or a key, and its user. `seen_at` may be None."""

    row: str
    user: User
    scope: str
    seen_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A sign-in link as it is kept."""

    user: User
    expires_at: int
    used_at: int | None


class UserStore:
    """Reads and writes those rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def first_user(self) -> User | None:
        """The user who was there first, None on a fresh install."""
        query = (
            select(users.c.id, users.c.name).where(users.c.deleted_at.is_(None)).order_by(users.c.created_at)
        )
        row = await self._database.read(lambda conn: conn.execute(query.limit(1)).first())
        return User(id=row.id, name=row.name) if row else None

    async def add_first_user(self, user: User, at: int) -> User:
        """Add the user unless somebody was quicker; returns who is first now."""

        def add(conn: Connection) -> User:
            row = conn.execute(select(users.c.id, users.c.name).order_by(users.c.created_at).limit(1)).first()
            if row:
                return User(id=row.id, name=row.name)
            conn.execute(insert(users).values(id=user.id, name=user.name, created_at=at, version=1))
            return user

        return await self._database.write(add, durable=True)

    async def add_link(self, token_hash: str, user: str, at: int, expires_at: int) -> None:
        """Add a link, and drop those that ended before now."""

        def add(conn: Connection) -> None:
            conn.execute(delete(sign_in_links).where(sign_in_links.c.expires_at < at))
            conn.execute(
                insert(sign_in_links).values(
                    token_hash=token_hash, user_id=user, created_at=at, expires_at=expires_at
                )
            )

        await self._database.write(add, durable=True)

    async def link(self, token_hash: str) -> LinkRow | None:
        """The link, used or not."""
        query = (
            select(users.c.id, users.c.name, sign_in_links.c.expires_at, sign_in_links.c.used_at)
            .join(users, users.c.id == sign_in_links.c.user_id)
            .where(sign_in_links.c.token_hash == token_hash, users.c.deleted_at.is_(None))
        )
        row = await self._database.read(lambda conn: conn.execute(query).first())
        if row is None:
            return None
        return LinkRow(user=User(id=row.id, name=row.name), expires_at=row.expires_at, used_at=row.used_at)

    async def use_link(
        self, link_hash: str, *, row: str, user: str, token_hash: str, agent: str, at: int
    ) -> bool:
        """Use the link up and add the sign-in, both or neither; False where it was used or is over."""

        def use(conn: Connection) -> bool:
            used = conn.execute(
                update(sign_in_links)
                .where(
                    sign_in_links.c.token_hash == link_hash,
                    sign_in_links.c.used_at.is_(None),
                    sign_in_links.c.expires_at > at,
                )
                .values(used_at=at)
            )
            if used.rowcount != 1:
                return False
            conn.execute(
                insert(sign_ins).values(
                    id=row,
                    user_id=user,
                    token_hash=token_hash,
                    agent=agent,
                    created_at=at,
                    seen_at=at,
                    version=1,
                )
            )
            return True

        return await self._database.write(use, durable=True)

    async def sign_in_of(self, token_hash: str) -> Pass | None:
        """The sign-in of a cookie, None when there is none or it was ended."""
        query = (
            select(sign_ins.c.id.label("row"), sign_ins.c.seen_at, users.c.id, users.c.name)
            .join(users, users.c.id == sign_ins.c.user_id)
            .where(
                sign_ins.c.token_hash == token_hash,
                sign_ins.c.deleted_at.is_(None),
                users.c.deleted_at.is_(None),
            )
        )
        found = await self._database.read(lambda conn: conn.execute(query).first())
        if found is None:
            return None
        user = User(id=found.id, name=found.name)
        return Pass(row=found.row, user=user, scope="api", seen_at=found.seen_at)

    async def key_of(self, key_hash: str) -> Pass | None:
        """The key, None when there is none or it was revoked."""
        query = (
            select(api_keys.c.id.label("row"), api_keys.c.scope, api_keys.c.used_at, users.c.id, users.c.name)
            .join(users, users.c.id == api_keys.c.user_id)
            .where(
                api_keys.c.key_hash == key_hash, api_keys.c.deleted_at.is_(None), users.c.deleted_at.is_(None)
            )
        )
        found = await self._database.read(lambda conn: conn.execute(query).first())
        if found is None:
            return None
        user = User(id=found.id, name=found.name)
        return Pass(row=found.row, user=user, scope=found.scope, seen_at=found.used_at)

    async def saw_sign_in(self, row: str, at: int) -> None:
        """Note when the sign-in was last used."""
        change = update(sign_ins).where(sign_ins.c.id == row).values(seen_at=at)
        await self._database.write(lambda conn: conn.execute(change).rowcount)

    async def saw_key(self, row: str, at: int) -> None:
        """Note when the key was last used."""
        change = update(api_keys).where(api_keys.c.id == row).values(used_at=at)
        await self._database.write(lambda conn: conn.execute(change).rowcount)

    async def sign_ins(self, user: str) -> list[Row[Any]]:
        """The user's sign-ins that were not ended, the one seen last first."""
        query = (
            select(sign_ins)
            .where(sign_ins.c.user_id == user, sign_ins.c.deleted_at.is_(None))
            .order_by(sign_ins.c.seen_at.desc())
        )
        return await self._database.read(lambda conn: list(conn.execute(query).all()))

    async def end_sign_in(self, user: str, row: str, at: int) -> bool:
        """End it; False where the user has none of that id."""
        return await self._end(sign_ins, user, row, at)

    async def add_key(self, values: dict[str, Any]) -> None:
        """Add a key's row."""
        await self._database.write(
            lambda conn: conn.execute(insert(api_keys).values(**values)).rowcount, durable=True
        )

    async def keys(self, user: str) -> list[Row[Any]]:
        """The user's keys that were not revoked, the newest first."""
        query = (
            select(api_keys)
            .where(api_keys.c.user_id == user, api_keys.c.deleted_at.is_(None))
            .order_by(api_keys.c.created_at.desc())
        )
        return await self._database.read(lambda conn: list(conn.execute(query).all()))

    async def revoke_key(self, user: str, row: str, at: int) -> bool:
        """Revoke it; False where the user has none of that id."""
        return await self._end(api_keys, user, row, at)

    async def _end(self, table: Table, user: str, row: str, at: int) -> bool:
        change = (
            update(table)
            .where(table.c.id == row, table.c.user_id == user, table.c.deleted_at.is_(None))
            .values(deleted_at=at, version=table.c.version + 1)
        )
        return await self._database.write(lambda conn: conn.execute(change).rowcount == 1, durable=True)

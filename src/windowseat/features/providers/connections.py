"""The connections of users: added, listed, changed, removed and brought back; and opened to be used.

Keys, headers and query values are sealed at rest and come out in one place, `way`. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import IntegrityError

from windowseat.core.ask import User
from windowseat.core.errors import Conflict, NotFound, Refused
from windowseat.core.model import Dialect
from windowseat.core.parts import Json
from windowseat.features.providers.connection import (
    Connection,
    checked_dialect,
    checked_headers,
    checked_key,
    checked_name,
    checked_query,
    checked_url,
    hint_of,
    same_host,
    shown_query,
)
from windowseat.features.providers.store import ConnectionRow, ConnectionStore
from windowseat.platform.clock import Clock
from windowseat.platform.ids import Ids
from windowseat.platform.moments import from_number, to_number
from windowseat.platform.secrets import Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to reach a provider: a connection with its secrets in the open. Its repr shows none."""

    dialect: Dialect
    url: str
    key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


class Connections:
    """The connections of all users. `built_in` are names that everyone has and nobody can change."""

    def __init__(
        self,
        store: ConnectionStore,
        secrets: Secrets,
        clock: Clock,
        ids: Ids,
        *,
        built_in: Mapping[str, Dialect],
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._ids = ids
        self._built_in = dict(built_in)

    async def add(
        self,
        user: User,
        *,
        name: str,
        dialect: str,
        url: str,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Connection:
        """Add a connection.

        Raises Refused `connection_name` `connection_name_reserved` `dialect_unknown` `connection_url`
        `connection_key` `connection_header` `connection_query`, Conflict `connection_exists`.
        """
        row = ConnectionRow(
            id=self._ids.new(),
            user=user.id,
            name=checked_name(name),
            dialect=checked_dialect(dialect),
            url=checked_url(url),
            created=to_number(self._clock.now()),
        )
        row = self._with_secrets(row, key or "", headers or {}, query or {})
        try:
            await self._store.add(row)
        except IntegrityError:
            raise _exists(name) from None
        return self._shown(row)

    async def list(self, user: User) -> tuple[Connection, ...]:
        """The user's connections by name, those that everyone has first."""
        rows = await self._store.all(user.id)
        return (*self._everyones(), *(self._shown(row) for row in rows))

    async def get(self, user: User, name: str) -> Connection:
        """One connection. Raises Refused `connection_unknown`."""
        for each in self._everyones():
            if each.name == name:
                return each
        return self._shown(await self._row(user, name))

    async def change(
        self,
        user: User,
        name: str,
        *,
        new_name: str | None = None,
        dialect: str | None = None,
        url: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Connection:
        """Change what is given; None leaves it, an empty key removes the key.

        Secrets never move to another host by themselves: a URL of another host needs the key, and the
        headers and query values, again. Raises what `add` raises, Refused `connection_key_needed`,
        `connection_unknown`, Conflict `connection_changed`.
        """
        row = await self._row(user, name)
        new_url = row.url if url is None else checked_url(url)
        if not same_host(row.url, new_url):
            _check_secrets_come_along(row, key, headers, query)
        row = replace(
            row,
            name=row.name if new_name in (None, row.name) else checked_name(new_name),
            dialect=row.dialect if dialect is None else checked_dialect(dialect),
            url=new_url,
        )
        row = self._with_secrets(row, key, headers, query)
        try:
            changed = await self._store.change(row)
        except IntegrityError:
            raise _exists(row.name) from None
        if not changed:
            raise Conflict(
                "connection_changed",
                f"The connection {name} was changed by somebody else meanwhile.",
                hint="Look at it again, then repeat the change.",
            )
        return self._shown(replace(row, version=row.version + 1))

    async def remove(self, user: User, name: str) -> str:
        """Remove it; returns the id by which `restore` brings it back.

        Raises Refused `connection_unknown`.
        """
        row = await self._row(user, name)
        if not await self._store.mark(user.id, row.id, to_number(self._clock.now())):
            raise await self._unknown(user, name)
        return row.id

    async def restore(self, user: User, connection: str) -> None:
        """Bring a removed connection back, by its id.

        Raises NotFound `connection_not_found`, Conflict `connection_exists` where its name is used again.
        """
        try:
            restored = await self._store.mark(user.id, connection, None)
        except IntegrityError:
            raise _exists("of that name") from None
        if not restored:
            raise NotFound(
                "connection_not_found", "There is no such removed connection.", hint="Add it again."
            )

    async def facts(self, user: User, name: str, model_id: str) -> tuple[Connection, Mapping[str, Json]]:
        """A connection that is kept, and what is known of one of its models.

        Raises Refused `connection_unknown`.
        """
        row, facts = await self._store.with_facts(user.id, name, model_id)
        if row is None:
            raise await self._unknown(user, name)
        return self._shown(row), facts

    async def way(self, user: User, name: str) -> Way:
        """The connection, opened. Raises Refused `connection_unknown`, and what `Secrets.open` raises."""
        row = await self._row(user, name)
        return Way(
            dialect=row.dialect,
            url=row.url,
            key=None if row.key is None else self._secrets.open(row.key, _about(row)),
            headers=self._opened(row, row.headers),
            query=self._opened(row, row.query),
        )

    def _everyones(self) -> Iterable[Connection]:
        for name, dialect in self._built_in.items():
            yield Connection(id=name, name=name, dialect=dialect, url="", built_in=True)

    async def _row(self, user: User, name: str) -> ConnectionRow:
        row = None if name in self._built_in else await self._store.named(user.id, name)
        if row is None:
            raise await self._unknown(user, name)
        return row

    async def _unknown(self, user: User, name: str) -> Refused:
        if name in self._built_in:
            return Refused(
                "connection_name_reserved",
                f"{name} is the connection to the models on this machine.",
                hint="It cannot be changed or removed.",
            )
        names = [connection.name for connection in await self.list(user)]
        return Refused(
            "connection_unknown",
            f"There is no connection “{name[:80]}”.",
            hint=f"There are: {', '.join(names)}. `windowseat connect` adds one.",
        )

    def _with_secrets(
        self,
        row: ConnectionRow,
        key: str | None,
        headers: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
    ) -> ConnectionRow:
        if key is not None:
            given = checked_key(key)
            sealed = None if given is None else self._secrets.seal(given, _about(row))
            row = replace(row, key=sealed, key_hint=hint_of(given))
        if headers is not None:
            row = replace(row, headers=self._sealed(row, checked_headers(headers)))
        if query is not None:
            row = replace(row, query=self._sealed(row, checked_query(query)))
        return row

    def _sealed(self, row: ConnectionRow, values: Mapping[str, str]) -> dict[str, str]:
        return {name: self._secrets.seal(value, f"{_about(row)}:{name}") for name, value in values.items()}

    def _opened(self, row: ConnectionRow, sealed: Mapping[str, str]) -> dict[str, str]:
        return {name: self._secrets.open(value, f"{_about(row)}:{name}") for name, value in sealed.items()}

    def _shown(self, row: ConnectionRow) -> Connection:
        return Connection(
            id=row.id,
            name=row.name,
            dialect=row.dialect,
            url=row.url,
            key_hint=row.key_hint,
            headers=tuple(row.headers),
            query=shown_query(self._opened(row, row.query)),
            created=from_number(row.created),
            version=row.version,
        )


def _about(row: ConnectionRow) -> str:
    return f"connection:{row.id}"


def _check_secrets_come_along(
    row: ConnectionRow,
    key: str | None,
    headers: Mapping[str, str] | None,
    query: Mapping[str, str] | None,
) -> None:
    left = [
        what
        for what, kept, given in (
            ("key", row.key, key),
            ("headers", row.headers, headers),
            ("query values", row.query, query),
        )
        if kept and given is None
    ]
    if left:
        raise Refused(
            "connection_key_needed",
            f"The new URL is of another host, which must not get the {' and '.join(left)} of the old one.",
            hint="Give them again together with the URL; empty ones remove them.",
        )


def _exists(name: str) -> Conflict:
    return Conflict(
        "connection_exists",
        f"There is a connection {name} already.",
        hint="Take another name, or change that one.",
    )

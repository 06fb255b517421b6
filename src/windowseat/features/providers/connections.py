"""The connections of users: added, listed, changed, removed and brought back; and opened to be used.

Keys, headers and query values are sealed at rest and come out in one place, `way`. Beside the rows stand
connections that are given: by the house, the environment, this machine. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from sqlalchemy.exc import IntegrityError

from windowseat.core.ask import User
from windowseat.core.errors import Conflict, Fault, NotFound, Refused
from windowseat.core.model import Dialect
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
from windowseat.features.providers.providers_data import known_provider, provider_of
from windowseat.features.providers.store import ConnectionRow, ConnectionStore, Said
from windowseat.features.providers.way import Given, Way
from windowseat.platform.clock import Clock
from windowseat.platform.ids import Ids
from windowseat.platform.moments import from_number, to_number
from windowseat.platform.secrets import Secrets


class Connections:
    """The connections of all users.

    `built_in` are names that everyone has and nobody can change. `given` tells which connections stand
    beside the rows of a user, by his id; a row of the same name stands over such a one.
    """

    def __init__(
        self,
        store: ConnectionStore,
        secrets: Secrets,
        clock: Clock,
        ids: Ids,
        *,
        built_in: Mapping[str, Dialect],
        given: Callable[[str], Mapping[str, Given]] = lambda _: {},
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._clock = clock
        self._ids = ids
        self._built_in = dict(built_in)
        self._given = given

    async def add(
        self,
        user: User,
        *,
        provider: str | None = None,
        name: str | None = None,
        dialect: str | None = None,
        url: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Connection:
        """Add a connection; a provider that is known by name fills in what is not said.

        Raises Refused `provider_unknown` `connection_name` `connection_name_reserved` `dialect_unknown`
        `connection_url` `connection_key` `connection_header` `connection_query`,
        Conflict `connection_exists`.
        """
        known = None if provider is None else known_provider(provider)
        if known is not None:
            name, dialect, url = name or known.name, dialect or known.dialect, url or known.url
        if known is not None and not url:
            raise Refused(
                "connection_url",
                f"{known.title} has a URL of its own for each customer.",
                hint=f"Give it, as in {known.url_example}.",
            )
        name = checked_name(name or "")
        row = ConnectionRow(
            id=self._ids.new(),
            user=user.id,
            name=name,
            dialect=checked_dialect(dialect or ""),
            url=checked_url(url or ""),
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
        shown = {name: each.shown for name, each in self._given(user.id).items()}
        shown |= {row.name: self._shown(row) for row in await self._store.all(user.id)}
        return (*self._everyones(), *(shown[name] for name in sorted(shown)))

    async def get(self, user: User, name: str) -> Connection:
        """One connection. Raises Refused `connection_unknown`."""
        for each in self._everyones():
            if each.name == name:
                return each
        row = await self._store.named(user.id, name)
        if row is not None:
            return self._shown(row)
        given = self._given(user.id).get(name)
        if given is None:
            raise await self._unknown(user, name)
        return given.shown

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
        was = row = await self._row(user, name)
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
            changed = await self._store.change(row, was)
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

    async def with_said(self, user: User, name: str, model_id: str) -> tuple[Connection, Said]:
        """A connection that is kept or given, and what was said of one of its models.

        Raises Refused `connection_unknown`.
        """
        row, said = await self._store.with_said(user.id, name, model_id)
        if row is not None:
            return self._shown(row), said
        given = self._given(user.id).get(name)
        if given is None:
            raise await self._unknown(user, name)
        return given.shown, said

    async def way(self, user: User, name: str) -> Way:
        """The connection, opened. Raises Refused `connection_unknown`, and what `Secrets.open` raises."""
        row = await self._store.named(user.id, name)
        if row is None:
            given = self._given(user.id).get(name)
            if given is None:
                raise await self._unknown(user, name)
            return given.way
        return Way(
            dialect=row.dialect,
            url=row.url,
            key=None if row.key is None else self._secrets.open(row.key, _about(row)),
            headers=self._opened(row, row.headers),
            query=self._opened(row, row.query),
        )

    async def key_fault(self) -> Fault | None:
        """At start: that the key file is lost or another one, with the connections that need their key again.

        None where all that is stored can be read, or nothing is.
        """
        locked = [row for row in await self._store.everyones() if self._is_locked(row)]
        if not locked:
            return None
        names = ", ".join(sorted({row.name for row in locked}))
        try:
            self._secrets.check("another")
        except Fault as fault:
            return Fault(fault.code, fault.detail, hint=f"{fault.hint} It concerns: {names}.")
        return None

    def _is_locked(self, row: ConnectionRow) -> bool:
        return not all(self._secrets.fits(sealed) for sealed in _sealed_in(row))

    def _everyones(self) -> Iterable[Connection]:
        for name, dialect in self._built_in.items():
            yield Connection(id=name, name=name, dialect=dialect, url="", by="house")

    async def _row(self, user: User, name: str) -> ConnectionRow:
        """One that its user may change. Raises Refused."""
        row = None if name in self._built_in else await self._store.named(user.id, name)
        if row is None:
            given = self._given(user.id).get(name)
            raise await self._unknown(user, name) if given is None else _is_given(given.shown)
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
        locked = self._is_locked(row)
        known = provider_of(row.url)
        return Connection(
            id=row.id,
            name=row.name,
            dialect=row.dialect,
            url=row.url,
            key_hint=row.key_hint,
            headers=tuple(row.headers),
            query=dict.fromkeys(row.query, "…") if locked else shown_query(self._opened(row, row.query)),
            created=from_number(row.created),
            needs_key=locked,
            provider=None if known is None else known.name,
            version=row.version,
        )


def _is_given(connection: Connection) -> Refused:
    where = "a program on this machine" if connection.variable is None else f"${connection.variable}"
    return Refused(
        "connection_given",
        f"The connection {connection.name} comes from {where} and is not kept here.",
        hint="Add a connection of the same name: it stands over this one.",
    )


def _sealed_in(row: ConnectionRow) -> Iterator[str]:
    if row.key is not None:
        yield row.key
    yield from row.headers.values()
    yield from row.query.values()


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

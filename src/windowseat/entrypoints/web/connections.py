"""Connections over HTTP. A key goes in and never comes out: what is shown of it is its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from windowseat.core.model import Dialect
from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.reading import read_value
from windowseat.entrypoints.web.route import Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.providers import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAsked:
    """A new connection. `url` is the base that the provider documents; a `provider` that is known by name
    fills in what is not said."""

    provider: str | None = None
    name: str | None = None
    dialect: str | None = None
    url: str | None = None
    key: str | None = None
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChange:
    """What of a connection changes; an empty key removes it. A URL of another host needs the key again."""

    name: str | None = None
    dialect: str | None = None
    url: str | None = None
    key: str | None = None
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionShown:
    """A connection: of its key the end, of its headers the names. `built_in` ones cannot be changed; `by`
    says where they are from: the house, the environment (its `variable`), a program that was found here.
    `needs_key`: what is stored of its secrets cannot be read any more. `provider` is one known by name."""

    id: str
    name: str
    dialect: Dialect
    url: str
    key_hint: str | None
    headers: tuple[str, ...]
    query: Mapping[str, str] | None
    created: datetime | None
    built_in: bool
    by: str
    variable: str | None
    needs_key: bool
    provider: str | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionsShown:
    """Connections by name, those that everyone has first."""

    connections: tuple[ConnectionShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRemoved:
    """The id by which a removed connection is brought back."""

    id: str


async def list_connections(request: Request) -> Response:
    """The connections by name, those that everyone has first."""
    return answer(await _all(request))


async def add_connection(request: Request) -> Response:
    """Add a connection; its key is kept encrypted."""
    asked = await read_value(request, ConnectionAsked)
    added = await services_of(request).providers.connections.add(
        user_of(request),
        provider=asked.provider,
        name=asked.name,
        dialect=asked.dialect,
        url=asked.url,
        key=asked.key,
        headers=asked.headers,
        query=asked.query,
    )
    return answer(shown(added), status=201)


async def change_connection(request: Request) -> Response:
    """Change a connection, named by its name."""
    change = await read_value(request, ConnectionChange)
    changed = await services_of(request).providers.connections.change(
        user_of(request),
        request.path_params["connection"],
        new_name=change.name,
        dialect=change.dialect,
        url=change.url,
        key=change.key,
        headers=change.headers,
        query=change.query,
    )
    return answer(shown(changed))


async def remove_connection(request: Request) -> Response:
    """Remove a connection, named by its name."""
    removed = await services_of(request).providers.connections.remove(
        user_of(request), request.path_params["connection"]
    )
    return answer(ConnectionRemoved(id=removed))


async def restore_connection(request: Request) -> Response:
    """Bring a removed connection back, by the id that its removal told."""
    connections = services_of(request).providers.connections
    await connections.restore(user_of(request), request.path_params["connection"])
    return answer(await _all(request))


def shown(connection: Connection) -> ConnectionShown:
    """The connection with every field there."""
    return ConnectionShown(**{name: getattr(connection, name) for name in ConnectionShown.__slots__})


async def _all(request: Request) -> ConnectionsShown:
    listed = await services_of(request).providers.connections.list(user_of(request))
    return ConnectionsShown(connections=tuple(shown(each) for each in listed))


ROUTES = (
    Route("GET", "/api/connections", list_connections, gives=ConnectionsShown),
    Route("POST", "/api/connections", add_connection, ConnectionAsked, ConnectionShown, 201),
    Route("PATCH", "/api/connections/{connection}", change_connection, ConnectionChange, ConnectionShown),
    Route("DELETE", "/api/connections/{connection}", remove_connection, gives=ConnectionRemoved),
    Route("POST", "/api/connections/{connection}/restore", restore_connection, gives=ConnectionsShown),
)

"""Providers over HTTP: which are known by name, which answer on this machine, and testing a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from windowseat.core.message import Usage
from windowseat.core.price import Money
from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.connections import ConnectionShown, shown
from windowseat.entrypoints.web.reading import read_value
from windowseat.entrypoints.web.route import Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.providers import PROVIDERS, KnownProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderShown:
    """A provider that is known by name. `url` is "" where each customer has one, as in `url_example`.
    `variables` usually hold its key; `local` ones run on this machine. `source` says who told, on day `read`.
    """

    name: str
    title: str
    dialect: str
    url: str
    url_example: str
    key_url: str
    variables: tuple[str, ...]
    local: bool
    source: str
    read: str
    tried_live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidersShown:
    """The providers that are known by name; any other one works by its URL and dialect."""

    providers: tuple[ProviderShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionsFound:
    """The connections to programs on this machine that answer now."""

    connections: tuple[ConnectionShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestAsked:
    """Which model to ask; null takes a small one of the connection's list."""

    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestShown:
    """What a test found: in words, with the one thing to do where it failed. `code` is stable."""

    ok: bool
    code: str
    says: str
    hint: str
    model: str | None
    seconds: float | None
    usage: Usage | None
    price: Money | None


async def list_providers(_request: Request) -> Response:
    """The providers that are known by name, and where to get a key of each."""
    return answer(ProvidersShown(providers=tuple(_shown(row) for row in PROVIDERS)))


async def find_connections(request: Request) -> Response:
    """Look which programs on this machine answer on their usual ports; takes half a second."""
    providers = services_of(request).providers
    await providers.find_local()
    listed = await providers.connections.list(user_of(request))
    return answer(ConnectionsFound(connections=tuple(shown(each) for each in listed if each.by == "found")))


async def test_connection(request: Request) -> Response:
    """Send one cheap real request through a connection, and say in words what came of it."""
    asked = await read_value(request, TestAsked)
    result: Any = await services_of(request).providers.test(
        user_of(request), request.path_params["connection"], asked.model
    )
    return answer(TestShown(**{name: getattr(result, name) for name in TestShown.__slots__}))


def _shown(row: KnownProvider) -> ProviderShown:
    return ProviderShown(
        name=row.name,
        title=row.title,
        dialect=row.dialect,
        url=row.url,
        url_example=row.url_example,
        key_url=row.key_url,
        variables=row.variables,
        local=row.port is not None,
        source=row.source,
        read=row.read.isoformat(),
        tried_live=row.tried_live,
    )


ROUTES = (
    Route("GET", "/api/providers", list_providers, gives=ProvidersShown),
    Route("POST", "/api/connections/find", find_connections, gives=ConnectionsFound),
    Route("POST", "/api/connections/{connection}/test", test_connection, TestAsked, TestShown),
)

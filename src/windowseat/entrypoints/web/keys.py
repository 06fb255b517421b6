"""Keys for programs: listed, made and revoked. The secret of one is told once, when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from windowseat.entrypoints.web.answers import answer, nothing
from windowseat.entrypoints.web.reading import read_value
from windowseat.entrypoints.web.route import Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.users import ApiKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAsked:
    """What a new key is for: `v1` opens `/v1` alone, `api` opens `/api` as well."""

    name: str
    scope: Literal["v1", "api"] = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMade:
    """A new key; `key` is the secret itself, shown this once."""

    id: str
    name: str
    scope: Literal["v1", "api"]
    created: datetime
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysShown:
    """Keys, the newest first."""

    keys: tuple[ApiKey, ...]


async def list_keys(request: Request) -> Response:
    """The keys, the newest first, without their secrets."""
    return answer(KeysShown(keys=await services_of(request).users.keys(user_of(request))))


async def make_key(request: Request) -> Response:
    """Make a key for a program."""
    asked = await read_value(request, KeyAsked)
    made = await services_of(request).users.new_key(user_of(request), asked.name, asked.scope)
    key = made.key
    return answer(
        KeyMade(id=key.id, name=key.name, scope=key.scope, created=key.created, key=made.secret),
        status=201,
    )


async def revoke_key(request: Request) -> Response:
    """Revoke a key; it opens nothing from now on."""
    await services_of(request).users.revoke_key(user_of(request), request.path_params["key"])
    return nothing()


ROUTES = (
    Route("GET", "/api/keys", list_keys, gives=KeysShown),
    Route("POST", "/api/keys", make_key, KeyAsked, KeyMade, 201),
    Route("DELETE", "/api/keys/{key}", revoke_key, status=204),
)

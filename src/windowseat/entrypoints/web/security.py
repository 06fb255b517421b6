"""The gate in front of every address: by which name, from where, and who asks. One ASGI middleware.

It is the one place where a `User` is put on a request. What that user may see is each service's check, as
every service takes the user first. Rules about names are in hosts.py, tokens are the users feature's.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from windowseat.core.ask import User
from windowseat.core.errors import Fault, NotAllowed, Refused
from windowseat.entrypoints.web.answers import internal_error, problem
from windowseat.entrypoints.web.hosts import Names, Proxies, same_origin
from windowseat.features.users import Users

COOKIE = "windowseat"
_ASKER = "windowseat.asker"
STRAIGHT = "windowseat.straight"
"""Where a request's scope holds the server's own `send`, for bodies that come in very many pieces."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOCKED = ("/api/", "/docs")
"""What needs a user; everything else looks the same to strangers, or is the page that lets them in."""

_ON_EVERY_ANSWER = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_UNLESS_SAID = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)

_log = logging.getLogger(__name__)


class Asker:
    """Who asks on one request, and whether that still holds."""

    __slots__ = ("cookie", "user", "_check")

    def __init__(self, user: User, cookie: str | None, check: Callable[[], Awaitable[User]]) -> None:
        self.user = user
        self.cookie = cookie
        self._check = check

    async def still_may(self) -> bool:
        """Whether the sign-in or key is still good: a stream asks this as long as it lasts."""
        try:
            return (await self._check()).id == self.user.id
        except NotAllowed:
            return False


def user_of(request: Request) -> User:
    """Who asks; only behind the gate."""
    return asker_of(request).user


def asker_of(request: Request) -> Asker:
    """Who asks, and how; only behind the gate."""
    asker = request.scope[_ASKER]
    assert isinstance(asker, Asker)
    return asker


def is_signed_in(request: Request) -> bool:
    """Whether somebody is known on an address that is open to all."""
    return _ASKER in request.scope


class Gate:
    """Lets a request through to `app`, or answers it with what is wrong."""

    def __init__(self, app: ASGIApp, users: Users, *, names: Names, proxies: Proxies, base_path: str) -> None:
        self._app = app
        self._users = users
        self._names = names
        self._proxies = proxies
        self._base_path = base_path
        self._owner: User | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; anything but HTTP is none of ours."""
        if scope["type"] != "http":
            return
        begun = False
        scope[STRAIGHT] = send

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = _completed(message.get("headers", ()))
                if message["status"] >= 400 and _is_endless(scope):
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            await self._through(scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - the last place where one can become an answer
            fault = error if isinstance(error, Fault) else internal_error()
            if fault is not error or begun:
                _log.exception("%s %s", scope["method"], scope["path"])
            if not begun:
                await problem(fault)(scope, receive, send_with_headers)

    async def _through(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        by_socket = came_by_socket(scope)
        if not by_socket:
            self._believe_proxy(scope, headers)
            self._check_name(scope)
            self._check_origin(scope, headers)
        _strip(scope, self._base_path)
        locked = scope["path"].startswith(_LOCKED)
        try:
            scope[_ASKER] = await self._asker(headers, by_socket)
        except NotAllowed:
            if locked:
                raise
        await self._app(scope, receive, send)

    async def _asker(self, headers: Headers, by_socket: bool) -> Asker:
        if by_socket:  # its folder opens to the owner's own programs alone
            return Asker(await self._the_owner(), None, self._the_owner)
        bearer = headers.get("authorization", "")
        if bearer[:7].lower() == "bearer ":
            key = bearer[7:].strip()

            async def by_key() -> User:
                return await self._users.user_of_key(key, "api")

            return Asker(await by_key(), None, by_key)
        cookie = cookie_of(headers)

        async def by_cookie() -> User:
            return await self._users.user_of(cookie)

        return Asker(await by_cookie(), cookie, by_cookie)

    async def _the_owner(self) -> User:
        if self._owner is None:
            self._owner = await self._users.owner()
        return self._owner

    def _believe_proxy(self, scope: Scope, headers: Headers) -> None:
        """What a listed proxy says of the browser stands in place of what we see of the proxy."""
        client = scope.get("client")
        if client is None or not self._proxies.trust(client[0]):
            return
        if forwarded_for := ",".join(headers.getlist("x-forwarded-for")):
            scope["client"] = (self._proxies.client_of(forwarded_for) or client[0], 0)
        if (scheme := _last(headers, "x-forwarded-proto")) in ("http", "https"):
            scope["scheme"] = scheme
        if host := _last(headers, "x-forwarded-host"):
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [*others, (b"host", host.encode("latin-1"))]

    def _check_name(self, scope: Scope) -> None:
        named = Headers(scope=scope).getlist("host")
        server = scope.get("server")
        if len(named) != 1 or not self._names.allow(named[0], server[0] if server else None):
            raise Refused(
                "host_not_allowed",
                f"This server is not known by the name “{(named or [''])[0][:100]}”.",
                hint="Use its address, or have its owner add the name to the setting `hosts`.",
                status=421,
            )

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Nothing is changed for another site's page."""
        if scope["method"] in _READS:
            return
        origin = headers.get("origin")
        if origin is not None:
            ours = same_origin(origin, scope["scheme"], Headers(scope=scope)["host"])
        else:
            ours = headers.get("sec-fetch-site", "none") in ("same-origin", "none")
        if not ours:
            raise NotAllowed(
                "cross_origin",
                "Another site's page asked for a change; it was refused.",
                hint="Programs send no Origin header and use a key (`windowseat key new NAME --api`).",
            )


def came_by_socket(scope: MutableMapping[str, Any]) -> bool:
    """Whether the request came by the home's socket: ASGI then gives a path and no port as the server."""
    server = scope.get("server")
    return server is not None and server[1] is None


def cookie_of(headers: Headers) -> str | None:
    """The value of our cookie, None where there is none."""
    for line in headers.getlist("cookie"):
        if value := cookie_parser(line).get(COOKIE):
            return value
    return None


def _strip(scope: Scope, base_path: str) -> None:
    """Inside, addresses begin at /, whether the proxy took the base path off or not."""
    path = scope["path"]
    if base_path and (path == base_path or path.startswith(base_path + "/")):
        scope["path"] = path[len(base_path) :] or "/"
        scope["raw_path"] = scope["path"].encode()


def _last(headers: Headers, name: str) -> str:
    """What the nearest proxy said: the last of several values."""
    return ",".join(headers.getlist(name)).rpartition(",")[2].strip()


def _is_endless(scope: Scope) -> bool:
    """Whether the body does not tell its size: refused, it would otherwise be read on and on."""
    return any(name == b"transfer-encoding" for name, _ in scope["headers"])


def _completed(headers: Any) -> list[tuple[bytes, bytes]]:
    listed = [*headers, *_ON_EVERY_ANSWER]
    said = {name.lower() for name, _ in listed}
    return [*listed, *(each for each in _UNLESS_SAID if each[0] not in said)]

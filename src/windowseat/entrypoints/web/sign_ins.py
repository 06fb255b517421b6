"""Browsers that may use this home, and links that let one in. The page that uses a link is page.py's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from windowseat.entrypoints.web.answers import answer, nothing
from windowseat.entrypoints.web.route import Route
from windowseat.entrypoints.web.security import asker_of, user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.users import SignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that signs one browser in, once. `url` is None while the server listens on no port."""

    path: str
    url: str | None
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInsShown:
    """Browsers that are signed in, the one seen last first; `here` marks the one that asks."""

    sign_ins: tuple[SignIn, ...]


async def list_sign_ins(request: Request) -> Response:
    """The browsers that are signed in, the one seen last first; `here` marks the one that asks."""
    asker = asker_of(request)
    sign_ins = await services_of(request).users.sign_ins(asker.user, asker.cookie)
    return answer(SignInsShown(sign_ins=sign_ins))


async def end_sign_in(request: Request) -> Response:
    """Sign a browser out; its streams end too."""
    await services_of(request).users.end_sign_in(user_of(request), request.path_params["sign_in"])
    return nothing()


async def make_sign_in_link(request: Request) -> Response:
    """A new one-time link for another browser, good for an hour."""
    services = services_of(request)
    link = await services.users.new_link(user_of(request))
    path = link_path(link.token)
    address = services.address()
    url = None if address is None else address + path
    return answer(Link(path=path, url=url, expires=link.expires), status=201)


def link_path(token: str) -> str:
    """The path of a link, to be put behind the server's address."""
    return f"/sign-in?{urlencode({'token': token})}"


ROUTES = (
    Route("GET", "/api/sign-ins", list_sign_ins, gives=SignInsShown),
    Route("DELETE", "/api/sign-ins/{sign_in}", end_sign_in, status=204),
    Route("POST", "/api/sign-ins/link", make_sign_in_link, gives=Link, status=201),
)

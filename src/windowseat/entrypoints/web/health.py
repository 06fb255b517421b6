"""Whether requests are answered: for whoever watches the server from outside."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from windowseat import __version__
from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.route import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """That this is answered says it all."""

    status: str
    version: str


async def check_health(_request: Request) -> Response:
    """Answer, with the version."""
    return answer(Health(status="ok", version=__version__))


ROUTES = (Route("GET", "/healthz", check_health, gives=Health),)

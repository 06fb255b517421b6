"""What the compatible API is handed of the house, in one value. app.py makes it. No behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from windowseat.core.ask import Turn, User
from windowseat.core.ports import Clock, Ledger
from windowseat.features.providers import ProviderService
from windowseat.features.users import Users
from windowseat.turns.turns import Turns


class Reader(Protocol):
    """An answer that is being given, and wants to know when the server stops."""

    def turn_started(self, turn: Turn) -> None:
        """A turn of its user started."""
        ...

    def list_changed(self, name: str, version: int) -> None:
        """A list of its user has a new version."""
        ...

    def end(self) -> None:
        """The server is about to stop."""
        ...


class News(Protocol):
    """Tells readers what happens in the house."""

    def add(self, user: str, reader: Reader) -> None:
        """Tell this reader from now on."""
        ...

    def discard(self, user: str, reader: Reader) -> None:
        """Tell it no longer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that answers a request. `forget` drops a turn in memory once it has settled."""

    users: Users
    turns: Turns
    providers: ProviderService
    ledger: Ledger
    clock: Clock
    new_id: Callable[[], str]
    news: News
    forget: Callable[[Turn], None]


def services_of(request: Request) -> Services:
    """The services that answer this request."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


async def user_of(request: Request) -> User:
    """Whose key it is. Raises NotAllowed `key_not_valid` (401)."""
    bearer = request.headers.get("authorization", "")
    key = bearer[7:].strip() if bearer[:7].lower() == "bearer " else ""
    return await services_of(request).users.user_of_key(key, "v1")

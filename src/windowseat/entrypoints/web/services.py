"""What the web is handed of the house: the services that its addresses speak for, in one value.

app.py makes it. No behaviour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

if TYPE_CHECKING:
    from windowseat.entrypoints.web.news import News
    from windowseat.features.fallbacks import FallbackLists
    from windowseat.features.files import Files
    from windowseat.features.providers import ProviderService
    from windowseat.features.spending import Spending
    from windowseat.features.threads import Threads
    from windowseat.features.tools import ToolRegistry
    from windowseat.features.users import Users
    from windowseat.platform.settings import Settings
    from windowseat.turns.turns import Turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that answers a request. `address` is where browsers find us, None while nothing listens."""

    settings: Settings
    users: Users
    threads: Threads
    turns: Turns
    files: Files
    providers: ProviderService
    tools: ToolRegistry
    spending: Spending
    fallbacks: FallbackLists
    news: News
    address: Callable[[], str | None]


def services_of(request: Request) -> Services:
    """The services that answer this request."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services

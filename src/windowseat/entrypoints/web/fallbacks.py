"""Over HTTP: which models take over when one cannot answer, for all threads or for one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response

from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.reading import read_value
from windowseat.entrypoints.web.route import Query, Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.fallbacks import FallbackList


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbacksShown:
    """Models in the order in which they take over, before the first word only and with a notice.

    None takes over that costs more than `most_per_mtok` US dollars for a million tokens of output, nor one
    whose price is not known where that is set.
    """

    models: tuple[str, ...]
    most_per_mtok: Decimal | None = None


async def get_fallbacks(request: Request) -> Response:
    """The list for all threads, or the one that was set for a thread."""
    return answer(await _shown(request))


async def set_fallbacks(request: Request) -> Response:
    """Set the list for all threads or for one, which then stands in its place; an empty one removes it."""
    asked = await read_value(request, FallbacksShown)
    services, user = services_of(request), user_of(request)
    thread = request.query_params.get("thread")
    if thread is not None:
        await services.threads.get(user, thread)
    given = FallbackList(models=asked.models, most_per_mtok=asked.most_per_mtok)
    await services.fallbacks.set(user, thread, given)
    return answer(await _shown(request))


async def _shown(request: Request) -> FallbacksShown:
    found = await services_of(request).fallbacks.get(user_of(request), request.query_params.get("thread"))
    return FallbacksShown(models=found.models, most_per_mtok=found.most_per_mtok)


_THREAD = Query(name="thread", meaning="The list of this thread.")

ROUTES = (
    Route("GET", "/api/fallbacks", get_fallbacks, gives=FallbacksShown, query=(_THREAD,)),
    Route("PUT", "/api/fallbacks", set_fallbacks, FallbacksShown, FallbacksShown, query=(_THREAD,)),
)

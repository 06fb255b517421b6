"""The ledger: what was asked of providers and what it took, row by row."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.reading import query_number
from windowseat.entrypoints.web.route import Query, Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.spending import Page

_MOST = 500


async def list_ledger(request: Request) -> Response:
    """Rows of the ledger, the newest first, of one thread or of all."""
    page = await services_of(request).spending.rows(
        user_of(request),
        thread=request.query_params.get("thread"),
        after=request.query_params.get("after"),
        limit=query_number(request, "limit", least=1, most=_MOST, default=100),
    )
    return answer({"rows": page.rows, "next": page.next})


ROUTES = (
    Route(
        "GET", "/api/ledger", list_ledger, gives=Page,
        query=(
            Query(name="thread", meaning="Only the requests of this thread."),
            Query(name="after", meaning="The `next` of the page before."),
            Query(name="limit", meaning="How many rows, 100 unless said.", kind="integer"),
        ),
    ),
)  # fmt: skip

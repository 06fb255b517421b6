"""The ledger over HTTP: what was asked of providers and what it cost, row by row, added up, and as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.reading import bad_query, query_number
from windowseat.entrypoints.web.route import Query, Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.spending import BY, Chosen, Page, Spent

_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SumsShown:
    """Sums in the order of their keys, by what was asked for."""

    sums: tuple[Spent, ...]


async def list_ledger(request: Request) -> Response:
    """Rows of the ledger, the newest first, of one thread or of all."""
    page = await services_of(request).spending.rows(
        user_of(request),
        thread=request.query_params.get("thread"),
        after=request.query_params.get("after"),
        limit=query_number(request, "limit", least=1, most=_MOST, default=100),
    )
    return answer({"rows": page.rows, "next": page.next})


async def sum_ledger(request: Request) -> Response:
    """What requests add up to, by message, thread, model, connection, purpose, day or month."""
    given = request.query_params.get("by", "month")
    by = next((each for each in BY if each == given), None)
    if by is None:
        raise bad_query(f"“by” has to be one of {', '.join(BY)}.")
    sums = await services_of(request).spending.sums(
        user_of(request), by, zone=request.query_params.get("zone", "UTC"), chosen=_chosen(request)
    )
    return answer(SumsShown(sums=sums))


async def export_ledger(request: Request) -> Response:
    """Rows of the ledger as CSV, the newest first."""
    return StreamingResponse(
        services_of(request).spending.export(user_of(request), _chosen(request)),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="ledger.csv"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _chosen(request: Request) -> Chosen:
    given = request.query_params
    return Chosen(
        thread=given.get("thread"),
        turn=given.get("turn"),
        model=given.get("model"),
        since=_moment(given.get("since"), "since"),
        until=_moment(given.get("until"), "until"),
    )


def _moment(given: str | None, name: str) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise bad_query(f"“{name}” has to be a time with its zone, such as 2026-11-01T00:00:00Z.")
    return moment


_CHOICE = (
    Query(name="thread", meaning="Only the requests of this thread."),
    Query(name="turn", meaning="Only the requests of this turn."),
    Query(name="model", meaning="Only the requests to this model."),
    Query(name="since", meaning="Only from this time on, such as 2026-11-01T00:00:00Z."),
    Query(name="until", meaning="Only before this time."),
)

ROUTES = (
    Route(
        "GET", "/api/ledger", list_ledger, gives=Page,
        query=(
            Query(name="thread", meaning="Only the requests of this thread."),
            Query(name="after", meaning="The `next` of the page before."),
            Query(name="limit", meaning="How many rows, 100 unless said.", kind="integer"),
        ),
    ),
    Route(
        "GET", "/api/ledger/sums", sum_ledger, gives=SumsShown,
        query=(
            Query(name="by", meaning=f"One of {', '.join(BY)}; month unless said."),
            Query(name="zone", meaning="The time zone of days and months, such as Europe/Berlin; else UTC."),
            *_CHOICE,
        ),
    ),
    Route("GET", "/api/ledger/export", export_ledger, gives="text/csv", query=_CHOICE),
)  # fmt: skip

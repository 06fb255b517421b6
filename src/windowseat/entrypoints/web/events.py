"""The one stream of a browser's tab: several turns, threads and lists at once.

Its query says all that it needs, with the number or version that the tab has of each, so that it is resumed
by asking again. Sending is event_stream.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from windowseat.core.ask import Turn
from windowseat.core.events import Event
from windowseat.entrypoints.web.event_stream import EventStream
from windowseat.entrypoints.web.reading import as_number, bad_query
from windowseat.entrypoints.web.route import Query, Route, Stream
from windowseat.entrypoints.web.security import asker_of
from windowseat.entrypoints.web.services import services_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A list has a newer version than yours: ask for what changed since."""

    list: str
    version: int
    type: Literal["changed"] = "changed"


LISTS = frozenset({"threads"})
_MOST = 100


async def follow_events(request: Request) -> Response:
    """Events of many turns, and `changed {list, version}` when a list has a newer version than yours.

    Every turn that runs or starts in a named thread is followed from its first event. Ids are `TURN:N`.
    """
    services, asker = services_of(request), asker_of(request)
    named = request.query_params.getlist
    if len(named("turn")) + len(named("thread")) > _MOST:
        raise bad_query(f"One stream follows {_MOST} turns and threads at the most.")
    follow: list[tuple[Turn, int]] = []
    for each in named("turn"):
        turn, number = _divided(each, "turn")
        follow.append((await services.turns.get(asker.user, turn), number))
    threads = named("thread")
    for thread in threads:
        await services.threads.get(asker.user, thread)
    lists = dict(_divided(each, "list") for each in named("list"))
    if unknown := lists.keys() - LISTS:
        raise bad_query(f"There is no list “{min(unknown)[:80]}”; there is: {', '.join(sorted(LISTS))}.")

    async def catch_up(stream: EventStream) -> None:
        """What happened between what the tab read and now."""
        for thread in threads:
            for turn in (await services.threads.get(asker.user, thread)).running:
                stream.turn_started(await services.turns.get(asker.user, turn))
        for name in lists:
            stream.list_changed(name, await services.threads.version(asker.user))

    return EventStream(
        services.turns,
        services.news,
        asker,
        follow=follow,
        threads=threads,
        lists=lists,
        catch_up=catch_up,
    )


def _divided(given: str, name: str) -> tuple[str, int]:
    before, _, after = given.rpartition(":")
    number = as_number(after)
    if not before or number is None:
        raise bad_query(f"“{name}” is written NAME:NUMBER, as in {name}=NAME:0.")
    return before, number


ROUTES = (
    Route(
        "GET", "/api/events", follow_events, gives=Stream(Event | Changed),
        query=(
            Query(name="turn", meaning="A turn and the last number that you have of it, `ID:N`.", many=True),
            Query(name="thread", meaning="A thread whose turns are followed when they start.", many=True),
            Query(name="list", meaning="A list and the version that you have, `threads:V`.", many=True),
        ),
    ),
)  # fmt: skip

"""Threads over HTTP: listed, read, changed, forked, hidden and brought back; and their drafts.

Thin: what a thread is and whose it is, is the threads feature's. Starting turns is turns.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from windowseat.core.errors import Refused
from windowseat.core.model import Options
from windowseat.core.parts import at_step, plain
from windowseat.core.thread import Thread, ThreadState, TitleBy
from windowseat.entrypoints.web.answers import answer, nothing
from windowseat.entrypoints.web.reading import query_number, read_json, read_value
from windowseat.entrypoints.web.route import Query, Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.threads import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadShown:
    """A thread as lists and pages show it. `running` are its turns that are not settled."""

    id: str
    title: str | None
    title_by: TitleBy
    tip: str | None
    project: str | None
    pinned: bool
    archived: bool
    temporary: bool
    model: str | None
    options: Mapping[str, Any] | None
    state: ThreadState
    unread: bool
    running: tuple[str, ...]
    created: datetime
    updated: datetime
    version: int
    forked_from: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadsShown:
    """Threads, the pinned and then the newest first. `version` is the list's, to ask `since` later; `gone`
    are those deleted since; `next` is the cursor of the page after, null on the last."""

    threads: tuple[ThreadShown, ...]
    version: int
    gone: tuple[str, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadChange:
    """What of a thread changes; what is left out stays, and null clears."""

    title: str | None = None
    tip: str | None = None
    project: str | None = None
    pinned: bool = False
    archived: bool = False
    unread: bool = False
    model: str | None = None
    options: Options | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkAsked:
    """The message at which the copied branch ends."""

    message: str


async def list_threads(request: Request) -> Response:
    """A hundred threads, more by cursor; with `since` what changed after that version, and what is gone."""
    threads, user = services_of(request).threads, user_of(request)
    if "since" in request.query_params:
        page = await threads.changed(user, query_number(request, "since"))
    else:
        archived = request.query_params.get("archived") == "true"
        page = await threads.list(user, after=request.query_params.get("after"), archived=archived)
    return answer(
        ThreadsShown(
            threads=tuple(shown(thread) for thread in page.threads),
            version=page.version,
            gone=page.gone,
            next=page.next,
        )
    )


async def get_thread(request: Request) -> Response:
    """One thread, without its messages."""
    return answer(shown(await services_of(request).threads.get(user_of(request), _thread(request))))


async def change_thread(request: Request) -> Response:
    """Change what is given: the title, the tip that is shown, the model, whether it is pinned …"""
    changes = await read_json(request)
    if not isinstance(changes, dict):
        raise Refused("bad_shape", "The change is no object.", hint="See /docs for the shape.")
    return answer(
        shown(await services_of(request).threads.patch(user_of(request), _thread(request), changes))
    )


async def delete_thread(request: Request) -> Response:
    """Hide the thread until it is restored, and stop what runs in it. A temporary one is gone for good."""
    services, user = services_of(request), user_of(request)
    for turn in await services.threads.delete(user, _thread(request)):
        await services.turns.cancel(user, turn)
    return nothing()


async def restore_thread(request: Request) -> Response:
    """Bring a deleted thread back."""
    return answer(shown(await services_of(request).threads.restore(user_of(request), _thread(request))))


async def fork_thread(request: Request) -> Response:
    """A new thread with copies of the branch that ends in the message; the old one stays as it is."""
    asked = await read_value(request, ForkAsked)
    forked = await services_of(request).threads.fork(user_of(request), _thread(request), asked.message)
    return answer(shown(forked), status=201)


async def get_draft(request: Request) -> Response:
    """What the user is writing in this thread and has not sent."""
    return answer(await services_of(request).threads.draft(user_of(request), _thread(request)))


async def put_draft(request: Request) -> Response:
    """Keep what the user is writing, in place of what was kept."""
    draft = await read_value(request, Draft)
    await services_of(request).threads.put_draft(user_of(request), _thread(request), _own(draft))
    return nothing()


def shown(thread: Thread) -> ThreadShown:
    """The thread with every field there, as clients rely on them."""
    return ThreadShown(**{name: getattr(thread, name) for name in ThreadShown.__slots__})


def _own(draft: Draft) -> Draft:
    """What a provider once sent is not taken from a client: it would go back there as if it were its own."""
    parts, *queued = (
        tuple(at_step(plain(part), None) for part in parts) for parts in (draft.parts, *draft.queued)
    )
    return Draft(text=draft.text, parts=parts, queued=tuple(queued))


def _thread(request: Request) -> str:
    thread: str = request.path_params["thread"]
    return thread


_ONE = "/api/threads/{thread}"

ROUTES = (
    Route(
        "GET", "/api/threads", list_threads, gives=ThreadsShown,
        query=(
            Query(name="after", meaning="The `next` of the page before."),
            Query(name="since", meaning="A version of the list: what changed after it.", kind="integer"),
            Query(name="archived", meaning="The archived ones instead.", kind="boolean"),
        ),
    ),
    Route("GET", _ONE, get_thread, gives=ThreadShown),
    Route("PATCH", _ONE, change_thread, ThreadChange, ThreadShown),
    Route("DELETE", _ONE, delete_thread, status=204),
    Route("POST", _ONE + "/restore", restore_thread, gives=ThreadShown),
    Route("POST", _ONE + "/fork", fork_thread, ForkAsked, ThreadShown, 201),
    Route("GET", _ONE + "/draft", get_draft, gives=Draft),
    Route("PUT", _ONE + "/draft", put_draft, Draft, status=204),
)  # fmt: skip

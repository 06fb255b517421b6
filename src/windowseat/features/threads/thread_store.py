"""The rows of threads, their lists and drafts. The SQL of both is here.

Whose a thread is, is checked in one place, `owned` of within.py, in the same transaction. What may be
changed, and to what, is service.py's; messages are message_store.py's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_, update

from windowseat.core.ask import User
from windowseat.core.thread import Thread
from windowseat.features.threads.rows import thread_of
from windowseat.features.threads.rules import no_message
from windowseat.features.threads.tables import (
    OnChange,
    drafts,
    list_versions,
    messages,
    threads,
    turns,
)
from windowseat.features.threads.within import owned, touch, use_files
from windowseat.platform.database import Database

T = TypeVar("T")

PAGE = 100

_COLUMNS = (
    threads.c.id,
    threads.c.title,
    threads.c.title_by,
    threads.c.tip,
    threads.c.project_id,
    threads.c.pinned,
    threads.c.archived,
    threads.c.forked_from,
    threads.c.model,
    threads.c.options,
    threads.c.unread,
    threads.c.created_at,
    threads.c.updated_at,
    threads.c.version,
    messages.c.stop_reason,
)
_SHOWN = select(*_COLUMNS).outerjoin(messages, messages.c.id == threads.c.tip)
_ONE = _SHOWN.where(threads.c.id == bindparam("thread"))
_ORDER = (threads.c.pinned, threads.c.updated_at, threads.c.id)
_FIRST_PAGE = (
    _SHOWN.where(
        threads.c.user_id == bindparam("user"),
        threads.c.archived == bindparam("archived"),
        threads.c.deleted_at.is_(None),
    )
    .order_by(*(column.desc() for column in _ORDER))
    .limit(PAGE + 1)
)
_NEXT_PAGE = _FIRST_PAGE.where(
    tuple_(*_ORDER) < tuple_(bindparam("pinned"), bindparam("updated"), bindparam("id"))
)
_RUNNING = (
    select(turns.c.thread_id, turns.c.id, turns.c.state)
    .where(turns.c.user_id == bindparam("user"), turns.c.state != "settled", turns.c.thread_id.is_not(None))
    .order_by(turns.c.created_at)
)
_VERSION = select(list_versions.c.version).where(
    list_versions.c.user_id == bindparam("user"), list_versions.c.list == "threads"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPage:
    """Threads, the pinned and then the newest first; `gone` are those that were deleted since.

    `version` is the list's; `next` the cursor of the page after this one, None where this is the last.
    """

    threads: tuple[Thread, ...]
    version: int
    gone: tuple[str, ...] = ()
    next: str | None = None


class ThreadStore:
    """Reads and writes those rows."""

    def __init__(self, database: Database, on_change: OnChange) -> None:
        self._database = database
        self._on_change = on_change

    async def page(self, user: User, after: tuple[int, int, str] | None, *, archived: bool) -> ThreadPage:
        """A hundred threads, those after the place `after` (pinned, updated, id) in their order."""
        values: dict[str, Any] = {"user": user.id, "archived": int(archived)}
        if after is not None:
            values |= dict(zip(("pinned", "updated", "id"), after, strict=True))

        def look(conn: Connection) -> ThreadPage:
            rows = conn.execute(_FIRST_PAGE if after is None else _NEXT_PAGE, values).all()
            shown = rows[:PAGE]
            running = _running(conn, user)
            last = shown[-1] if len(rows) > PAGE else None
            return ThreadPage(
                threads=tuple(thread_of(row, running.get(row.id, ())) for row in shown),
                version=_version(conn, user),
                next=f"{last.pinned}.{last.updated_at}.{last.id}" if last else None,
            )

        return await self._database.read(look)

    async def changed(self, user: User, since: int) -> ThreadPage:
        """The threads that changed after that version of the list, archived ones too; and those gone."""
        newer = (threads.c.user_id == user.id, threads.c.list_version > since)

        def look(conn: Connection) -> ThreadPage:
            rows = conn.execute(
                _SHOWN.where(*newer, threads.c.deleted_at.is_(None)).order_by(threads.c.list_version)
            )
            running = _running(conn, user)
            gone = conn.execute(select(threads.c.id).where(*newer, threads.c.deleted_at.is_not(None)))
            return ThreadPage(
                threads=tuple(thread_of(row, running.get(row.id, ())) for row in rows),
                version=_version(conn, user),
                gone=tuple(gone.scalars()),
            )

        return await self._database.read(look)

    async def version(self, user: User) -> int:
        """The version of the user's list of threads."""
        return await self._database.read(lambda conn: _version(conn, user))

    async def get(self, user: User, thread: str) -> Thread:
        """The thread. Raises NotFound `thread_not_found`."""

        def look(conn: Connection) -> Thread:
            owned(conn, user, thread)
            return shown(conn, user, thread)

        return await self._database.read(look)

    async def change(self, user: User, thread: str, values: Mapping[str, Any]) -> Thread:
        """Set columns; a tip must be a message of the thread. Raises NotFound `message_not_found` too."""

        def change(conn: Connection) -> int:
            owned(conn, user, thread)
            tip = values.get("tip")
            if tip is not None:
                here = (messages.c.id == tip, messages.c.thread_id == thread, messages.c.deleted_at.is_(None))
                if conn.execute(select(messages.c.id).where(*here)).first() is None:
                    raise no_message(tip)
            return touch(conn, user.id, thread, **values)

        return await self.and_show(user, thread, change)

    async def mark(self, user: User, thread: str, deleted_at: int | None) -> tuple[str, ...]:
        """Hide the thread, or with None bring it back; returns its turns that are not settled."""

        def mark(conn: Connection) -> tuple[int | None, tuple[str, ...]]:
            owned(conn, user, thread, deleted=True)
            unsettled = select(turns.c.id).where(turns.c.thread_id == thread, turns.c.state != "settled")
            left = tuple(conn.execute(unsettled).scalars())
            there = threads.c.deleted_at.is_(None)
            changes = select(threads.c.id).where(threads.c.id == thread, there if deleted_at else ~there)
            if conn.execute(changes).first() is None:
                return None, left
            return touch(conn, user.id, thread, deleted_at=deleted_at), left

        version, left = await self._database.write(mark, durable=True)
        if version is not None:
            self._on_change(user.id, "threads", version)
        return left

    async def draft(self, user: User, thread: str) -> str | None:
        """The draft's JSON, None where there is none."""

        def look(conn: Connection) -> str | None:
            owned(conn, user, thread)
            return conn.execute(select(drafts.c.data).where(drafts.c.thread_id == thread)).scalar()

        return await self._database.read(look)

    async def put_draft(self, user: User, thread: str, data: str | None, files: set[str], at: int) -> None:
        """Keep a draft in place of the one before, or with None none; its files stay."""

        def put(conn: Connection) -> None:
            owned(conn, user, thread)
            if data is None:
                conn.execute(delete(drafts).where(drafts.c.thread_id == thread))
                return
            use_files(conn, user, files)
            values = {"data": data, "updated_at": at}
            more = update(drafts).where(drafts.c.thread_id == thread)
            if not conn.execute(more.values(version=drafts.c.version + 1, **values)).rowcount:
                conn.execute(insert(drafts).values(thread_id=thread, user_id=user.id, version=1, **values))

        await self._database.write(put)

    async def and_show(self, user: User, thread: str, change: Callable[[Connection], int | None]) -> Thread:
        """Write, tell the list's new version that `change` returns (None where nothing changed), and return
        the thread as it is then."""

        def write(conn: Connection) -> tuple[int | None, Thread]:
            version = change(conn)
            return version, shown(conn, user, thread)

        version, now = await self._database.write(write, durable=True)
        if version is not None:
            self._on_change(user.id, "threads", version)
        return now


def shown(conn: Connection, user: User, thread: str) -> Thread:
    """A thread that was checked, as lists and pages show it."""
    row = conn.execute(_ONE, {"thread": thread}).one()
    return thread_of(row, _running(conn, user).get(thread, ()))


def _running(conn: Connection, user: User) -> dict[str, list[tuple[str, str]]]:
    """By thread: the user's turns that are not settled, the oldest first, with their states."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for thread, turn, state in conn.execute(_RUNNING, {"user": user.id}):
        found[thread].append((turn, state))
    return found


def _version(conn: Connection, user: User) -> int:
    return int(conn.execute(_VERSION, {"user": user.id}).scalar() or 0)

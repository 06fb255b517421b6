"""The rows of messages beside turns: read, written by hand, hidden and brought back. Their SQL is here.

Where a message may hang and where the tip goes is core/thread.py's and rules.py's; a turn's own messages are
written by begin.py and turn_store.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from windowseat.core.ask import User
from windowseat.core.events import Numbered
from windowseat.core.fold import fold
from windowseat.core.message import Message
from windowseat.core.thread import Thread, Tree
from windowseat.features.threads.journal_store import lines_of
from windowseat.features.threads.rows import message_of, thread_values
from windowseat.features.threads.rules import check_hidden, no_message, parent_gone
from windowseat.features.threads.tables import messages, threads
from windowseat.features.threads.thread_store import ThreadStore
from windowseat.features.threads.within import branch, check_files, owned, put_messages, raise_version, touch
from windowseat.platform.database import Database
from windowseat.platform.moments import from_number


class MessageStore:
    """Reads and writes those rows."""

    def __init__(self, database: Database, threads: ThreadStore) -> None:
        self._database = database
        self._threads = threads

    async def all(self, user: User, thread: str) -> tuple[Message, ...]:
        """The messages in the order in which they were added; those whose turn runs, as far as they are."""

        def look(conn: Connection) -> tuple[Message, ...]:
            owned(conn, user, thread)
            rows = conn.execute(_there(select(messages), thread).order_by(messages.c.position))
            return tuple(_as_far(conn, row) for row in rows)

        return await self._database.read(look)

    async def add(
        self, user: User, thread: str, message: Message, check: Callable[[Message, Tree], None], at: int
    ) -> Message:
        """Add a message that `check` lets in, and move the tip to it."""

        def add(conn: Connection) -> int:
            owned(conn, user, thread)
            check(message, _tree(conn, thread))
            check_files(conn, user, message.parts)
            put_messages(conn, user, [message])
            return touch(conn, user.id, thread, tip=message.id, updated_at=at, unread=0)

        await self._threads.and_show(user, thread, add)
        return message

    async def hide(self, user: User, thread: str, message: str, at: int) -> Thread:
        """Hide a message and all below it. Raises Conflict `turn_running` where one is being written."""

        def hide(conn: Connection) -> int:
            owned(conn, user, thread)
            tree = _tree(conn, thread)
            gone = tree.descendants(message)
            check_hidden(tree, gone)
            tip = conn.execute(select(threads.c.tip).where(threads.c.id == thread)).scalar_one()
            _mark(conn, gone, at)
            return touch(conn, user.id, thread, tip=tree.tip_without(message, tip), updated_at=at)

        return await self._threads.and_show(user, thread, hide)

    async def show(self, user: User, thread: str, message: str, at: int) -> Thread:
        """Bring back a message and what was hidden with it; the tip goes there.

        Raises Conflict `parent_deleted` where what it follows is hidden.
        """

        def show(conn: Connection) -> int | None:
            owned(conn, user, thread)
            every, hidden = _light(conn, thread)
            whole = Tree(every)
            parent = whole.get(message).parent
            if message not in hidden:
                return None
            if parent in hidden:
                raise parent_gone()
            together = [each for each in whole.descendants(message) if hidden.get(each) == hidden[message]]
            _mark(conn, together, None)
            tree = Tree(each for each in every if each.id not in hidden or each.id in together)
            return touch(conn, user.id, thread, tip=tree.newest_leaf(message), updated_at=at)

        return await self._threads.and_show(user, thread, show)

    async def set_feedback(self, user: User, thread: str, message: str, data: str | None) -> None:
        """Keep what the user thinks of a message, as JSON. Raises NotFound `message_not_found`."""

        def put(conn: Connection) -> int:
            owned(conn, user, thread)
            change = _there(update(messages), thread).where(messages.c.id == message)
            if not conn.execute(change.values(feedback=data, version=messages.c.version + 1)).rowcount:
                raise no_message(message)
            return touch(conn, user.id, thread)

        await self._threads.and_show(user, thread, put)

    async def feedback(self, user: User, thread: str) -> dict[str, str]:
        """By message: what the user thinks of it, as JSON."""

        def look(conn: Connection) -> dict[str, str]:
            owned(conn, user, thread)
            query = _there(select(messages.c.id, messages.c.feedback), thread)
            return {
                row.id: row.feedback for row in conn.execute(query.where(messages.c.feedback.is_not(None)))
            }

        return await self._database.read(look)

    async def path(self, user: User, thread: str, message: str) -> tuple[Message, ...]:
        """The branch that ends in the message. Raises NotFound `message_not_found`."""

        def look(conn: Connection) -> tuple[Message, ...]:
            owned(conn, user, thread)
            here = _there(select(messages.c.id), thread).where(messages.c.id == message)
            if conn.execute(here).first() is None:
                raise no_message(message)
            return branch(conn, message)

        return await self._database.read(look)

    async def add_thread(self, user: User, thread: Thread, copies: Sequence[Message]) -> Thread:
        """Add a thread that begins with these messages, its tip at the last of them."""

        def add(conn: Connection) -> int:
            version = raise_version(conn, user.id)
            conn.execute(insert(threads).values(**thread_values(thread, user, version)))
            put_messages(conn, user, list(copies))
            check_files(conn, user, [part for copy in copies for part in copy.parts])
            return version

        return await self._threads.and_show(user, thread.id, add)


def _there(query: Any, thread: str) -> Any:
    return query.where(messages.c.thread_id == thread, messages.c.deleted_at.is_(None))


def _as_far(conn: Connection, row: Row[Any]) -> Message:
    """A message; one whose turn runs as its journal has it."""
    if row.parts is not None:
        return message_of(row)
    lines = lines_of(conn, row.turn_id, 0)
    return fold(Numbered(n=line.n, at=line.at, event=line.event) for line in lines)


def _light(conn: Connection, thread: str) -> tuple[list[Message], dict[str, int]]:
    """The thread's messages without their parts, in order, and when those were hidden that are."""
    rows = conn.execute(
        select(
            messages.c.id,
            messages.c.parent_id,
            messages.c.role,
            messages.c.created_at,
            messages.c.deleted_at,
            messages.c.parts.is_(None).label("runs"),
        )
        .where(messages.c.thread_id == thread)
        .order_by(messages.c.position)
    ).all()
    light = [
        Message(
            id=row.id,
            thread=thread,
            parent=row.parent_id,
            role=row.role,
            parts=(),
            created=from_number(row.created_at),
            n=0 if row.runs else None,
        )
        for row in rows
    ]
    return light, {row.id: row.deleted_at for row in rows if row.deleted_at is not None}


def _tree(conn: Connection, thread: str) -> Tree:
    light, hidden = _light(conn, thread)
    return Tree(message for message in light if message.id not in hidden)


def _mark(conn: Connection, ids: Sequence[str], deleted_at: int | None) -> None:
    change = update(messages).where(messages.c.id == bindparam("of"))
    change = change.values(deleted_at=bindparam("at"), version=messages.c.version + 1)
    conn.execute(change, [{"of": each, "at": deleted_at} for each in ids])

"""What several stores do within a transaction: whose a thread is, a branch, added messages, files, versions.

Every function takes the connection of the transaction that it is part of. Statements are made once, as making
one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, literal, select, update

from windowseat.core.ask import User
from windowseat.core.message import Message
from windowseat.core.parts import Part
from windowseat.features.threads.rows import message_of, message_values
from windowseat.features.threads.rules import files_in, no_file, no_thread
from windowseat.features.threads.tables import files, list_versions, messages, threads

# SQLite allows 32,766 parameters in a statement, PostgreSQL 65,535.
_AT_ONCE = 500

_OWNED = select(threads.c.deleted_at).where(
    threads.c.id == bindparam("thread"), threads.c.user_id == bindparam("user")
)
_RAISE = (
    update(list_versions)
    .where(list_versions.c.user_id == bindparam("user"), list_versions.c.list == bindparam("name"))
    .values(version=list_versions.c.version + 1)
    .returning(list_versions.c.version)
)
_TOUCH = update(threads).where(threads.c.id == bindparam("thread")).values(version=threads.c.version + 1)
_NEWEST = select(func.max(messages.c.position)).where(messages.c.thread_id == bindparam("thread"))
_ADD = insert(messages)


def owned(conn: Connection, user: User, thread: str, *, deleted: bool = False) -> None:
    """The one place that asks whose a thread is. Raises NotFound `thread_not_found`.

    `deleted`: one that is hidden counts as well.
    """
    row = conn.execute(_OWNED, {"thread": thread, "user": user.id}).first()
    if row is None or (row.deleted_at is not None and not deleted):
        raise no_thread(thread)


def raise_version(conn: Connection, user: str, name: str = "threads") -> int:
    """Raise the version of a user's list, and return it."""
    raised = conn.execute(_RAISE, {"user": user, "name": name}).scalar()
    if raised is None:
        raised = 1
        conn.execute(insert(list_versions), {"user_id": user, "list": name, "version": raised})
    return int(raised)


def touch(conn: Connection, user: str, thread: str, **values: Any) -> int:
    """Change a thread, and raise its version and its list's, which is returned."""
    version = raise_version(conn, user)
    conn.execute(_TOUCH, {"thread": thread, "list_version": version, **values})
    return version


def put_messages(conn: Connection, user: User, added: Sequence[Message]) -> None:
    """Add messages of one thread, after those that it has."""
    newest = conn.execute(_NEWEST, {"thread": added[0].thread or None}).scalar() or 0
    conn.execute(_ADD, [message_values(each, user.id, newest + 1 + i) for i, each in enumerate(added)])


def use_files(conn: Connection, user: User, ids: Iterable[str]) -> set[str]:
    """A message names these files, so they stay. Returns those that are the user's."""
    wanted = sorted(ids)
    found: set[str] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        mine = and_(
            files.c.user_id == user.id,
            files.c.id.in_(wanted[start : start + _AT_ONCE]),
            files.c.deleted_at.is_(None),
        )
        found.update(conn.execute(select(files.c.id).where(mine)).scalars())
        conn.execute(update(files).where(mine, files.c.used == 0).values(used=1))
    return found


def check_files(conn: Connection, user: User, parts: Sequence[Part]) -> None:
    """The files that the parts name stay. Raises NotFound `file_not_found` unless all are the user's."""
    found = use_files(conn, user, files_in(parts))
    if missing := files_in(parts, displays=False) - found:
        raise no_file(min(missing))


def _way_up() -> Any:
    """The messages from the one named `tip` up to the root, in the order of a path."""
    up = select(messages.c.id, messages.c.parent_id, literal(0).label("above"))
    way = up.where(messages.c.id == bindparam("tip")).cte("way", recursive=True)
    parent = messages.alias("parent")
    way = way.union_all(
        select(parent.c.id, parent.c.parent_id, way.c.above + 1).join(way, parent.c.id == way.c.parent_id)
    )
    return select(messages).join(way, messages.c.id == way.c.id).order_by(way.c.above.desc())


_BRANCH = _way_up()


def branch(conn: Connection, tip: str | None) -> tuple[Message, ...]:
    """The messages from the root to `tip`, hidden or not."""
    return tuple(message_of(row) for row in conn.execute(_BRANCH, {"tip": tip}))

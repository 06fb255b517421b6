"""How a turn begins in the database: one transaction, all of it or nothing. Its SQL is here.

The rules are those of rules.py; the rest of a turn's life is turn_store.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, and_, func, insert, literal, select, update

from windowseat.core.ask import Ask, Turn, User
from windowseat.core.errors import Conflict
from windowseat.core.message import Message
from windowseat.core.model import Model
from windowseat.core.parts import Part
from windowseat.core.ports import Begun, Line
from windowseat.features.threads import packing
from windowseat.features.threads.rows import (
    chosen_of,
    message_of,
    message_values,
    text,
    turn_of,
    turn_values,
)
from windowseat.features.threads.rules import (
    check_ask,
    check_same,
    files_in,
    make_turn,
    no_file,
    no_message,
    no_thread,
    place,
    written,
)
from windowseat.features.threads.tables import files, journal, messages, raise_version, threads, touch, turns
from windowseat.platform.moments import to_number


@dataclass(frozen=True, slots=True)
class Begin:
    """One beginning; `run` is what the database's writer calls."""

    ask: Ask
    model: Model
    first: Callable[[Turn], Line]
    digest: bytes
    owner: int
    new_id: Callable[[], str]

    def run(self, conn: Connection) -> tuple[Begun, int | None]:
        """The turn, and the new version of the user's list of threads where it changed."""
        ask = self.ask
        there = conn.execute(select(turns).where(turns.c.id == ask.id)).first()
        if there is not None:
            check_same(there.ask_digest, self.digest)
            return Begun(turn=turn_of(there, ask.user), fresh=False), None
        check_ask(ask)
        thread = _thread_of(conn, ask)
        where = place(ask, _parent(conn, ask, thread))
        check_files(conn, ask.user, [*ask.parts, *(part for each in ask.path for part in each.parts)])
        if ask.new is not None:
            thread = ask.new.id or self.new_id()
        turn = make_turn(ask, self.model, where, thread=thread, owner=self.owner, new_id=self.new_id)
        line = self.first(turn)
        question, answer = written(turn, ask.parts, line.at)
        if thread is None and question is not None:
            turn = replace(turn, path=(*turn.path, question))
            question = None
        version = _put_thread(conn, ask, turn, to_number(line.at)) if thread is not None else None
        put_messages(conn, ask.user, [message for message in (question, answer) if message is not None])
        conn.execute(insert(turns).values(**turn_values(turn, self.digest, to_number(line.at))))
        _put_line(conn, turn, line)
        return Begun(turn=turn, fresh=True), version


def put_messages(conn: Connection, user: User, added: list[Message]) -> None:
    """Within a write: add messages of one thread, after those that it has."""
    newest = select(func.max(messages.c.position)).where(messages.c.thread_id == (added[0].thread or None))
    position = conn.execute(newest).scalar() or 0
    rows = [message_values(message, user.id, position + 1 + i) for i, message in enumerate(added)]
    conn.execute(insert(messages), rows)


def branch(conn: Connection, tip: str | None) -> tuple[Message, ...]:
    """Within a read: the messages from the root to `tip`."""
    up = select(messages.c.id, messages.c.parent_id, literal(0).label("above"))
    way = up.where(messages.c.id == tip).cte("way", recursive=True)
    parent = messages.alias("parent")
    way = way.union_all(
        select(parent.c.id, parent.c.parent_id, way.c.above + 1).join(way, parent.c.id == way.c.parent_id)
    )
    query = select(messages).join(way, messages.c.id == way.c.id).order_by(way.c.above.desc())
    return tuple(message_of(row) for row in conn.execute(query))


def use_files(conn: Connection, user: User, ids: Iterable[str]) -> set[str]:
    """Within a write: a message names these files, so they stay. Returns those that are the user's."""
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


# SQLite allows 32,766 parameters in a statement, PostgreSQL 65,535.
_AT_ONCE = 500


def check_files(conn: Connection, user: User, parts: Iterable[Part]) -> None:
    """Within a write: the files that the parts name stay; `file_not_found` unless all are the user's."""
    parts = tuple(parts)
    found = use_files(conn, user, files_in(parts))
    if missing := files_in(parts, displays=False) - found:
        raise no_file(min(missing))


def _thread_of(conn: Connection, ask: Ask) -> str | None:
    """The thread that the ask names, checked; None where it names none."""
    if ask.new is not None and ask.new.id is not None:
        used = select(threads.c.id).where(threads.c.id == ask.new.id)
        if conn.execute(used).first() is not None:
            raise Conflict(
                "thread_id_used", "There is a thread with this id.", hint="Make a new id, or leave it out."
            )
    if ask.thread is not None:
        mine = (threads.c.id == ask.thread, threads.c.user_id == ask.user.id, threads.c.deleted_at.is_(None))
        if conn.execute(select(threads.c.id).where(*mine)).first() is None:
            raise no_thread(ask.thread)
    return ask.thread


def _parent(conn: Connection, ask: Ask, thread: str | None) -> Message | None:
    if ask.parent is None:
        return None
    row = conn.execute(
        select(messages).where(
            messages.c.id == ask.parent,
            messages.c.thread_id == thread,
            messages.c.user_id == ask.user.id,
            messages.c.deleted_at.is_(None),
        )
    ).first()
    if row is None:
        raise no_message(ask.parent)
    return message_of(row)


def _put_thread(conn: Connection, ask: Ask, turn: Turn, at: int) -> int:
    """The thread with its tip at the answer; its model and options are those of its newest turn."""
    assert turn.thread is not None
    options = chosen_of(ask.options)
    values: dict[str, Any] = {
        "tip": turn.message,
        "model": turn.model,
        "options": text(options) if options else None,
        "unread": 0,
        "updated_at": at,
    }
    if ask.new is None:
        return touch(conn, ask.user.id, turn.thread, **values)
    version = raise_version(conn, ask.user.id)
    conn.execute(
        insert(threads).values(
            id=turn.thread,
            user_id=ask.user.id,
            title_by="none",
            project_id=ask.new.project,
            pinned=0,
            archived=0,
            temporary=0,
            created_at=at,
            version=1,
            list_version=version,
            **values,
        )
    )
    return version


def _put_line(conn: Connection, turn: Turn, line: Line) -> None:
    values = {"turn_id": turn.id, "first_n": line.n, "last_n": line.n, "at": to_number(line.at)}
    conn.execute(insert(journal).values(**values, data=packing.to_bytes([line])))

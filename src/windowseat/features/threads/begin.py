"""How a turn begins in the database: one transaction, all of it or nothing. Its SQL is here.

The rules are those of rules.py; the rest of a turn's life is turn_store.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from windowseat.core.ask import Ask, Turn
from windowseat.core.message import Message
from windowseat.core.model import Model
from windowseat.core.ports import Begun, Line
from windowseat.core.thread import Thread
from windowseat.features.threads import packing
from windowseat.features.threads.rows import chosen_of, message_of, text, thread_values, turn_of, turn_values
from windowseat.features.threads.rules import (
    check_ask,
    check_same,
    make_turn,
    no_message,
    parts_of,
    place,
    thread_id_used,
    written,
)
from windowseat.features.threads.tables import journal, messages, threads, turns
from windowseat.features.threads.within import check_files, owned, put_messages, raise_version, touch
from windowseat.platform.moments import to_number

_THERE = select(turns).where(turns.c.id == bindparam("turn"))
_PARENT = select(messages).where(
    messages.c.id == bindparam("parent"),
    messages.c.thread_id == bindparam("thread"),
    messages.c.deleted_at.is_(None),
)
_ADD_THREAD, _ADD_TURN, _ADD_LINE = insert(threads), insert(turns), insert(journal)


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
        there = conn.execute(_THERE, {"turn": ask.id}).first()
        if there is not None:
            check_same(there.ask_digest, self.digest)
            return Begun(turn=turn_of(there, ask.user), fresh=False), None
        check_ask(ask)
        thread = _thread_of(conn, ask)
        where = place(ask, _parent(conn, ask, thread))
        check_files(conn, ask.user, parts_of(ask))
        if ask.new is not None:
            thread = ask.new.id or self.new_id()
        turn = make_turn(ask, self.model, where, thread=thread, owner=self.owner, new_id=self.new_id)
        line = self.first(turn)
        question, answer = written(turn, ask.parts, line.at)
        if thread is None and question is not None:
            turn = replace(turn, path=(*turn.path, question))
            question = None
        version = _put_thread(conn, ask, turn, line) if thread is not None else None
        put_messages(conn, ask.user, [message for message in (question, answer) if message is not None])
        conn.execute(_ADD_TURN, turn_values(turn, self.digest, to_number(line.at)))
        conn.execute(_ADD_LINE, _line_values(turn, line))
        return Begun(turn=turn, fresh=True), version


def _thread_of(conn: Connection, ask: Ask) -> str | None:
    """The thread that the ask names, checked; None where it names none."""
    if ask.new is not None and ask.new.id is not None:
        used = select(threads.c.id).where(threads.c.id == ask.new.id)
        if conn.execute(used).first() is not None:
            raise thread_id_used()
    if ask.thread is not None:
        owned(conn, ask.user, ask.thread)
    return ask.thread


def _parent(conn: Connection, ask: Ask, thread: str | None) -> Message | None:
    if ask.parent is None:
        return None
    row = conn.execute(_PARENT, {"parent": ask.parent, "thread": thread}).first()
    if row is None:
        raise no_message(ask.parent)
    return message_of(row)


def _put_thread(conn: Connection, ask: Ask, turn: Turn, line: Line) -> int:
    """The thread with its tip at the answer; its model and options are those of its newest turn."""
    assert turn.thread is not None
    if ask.new is None:
        options = chosen_of(ask.options)
        return touch(
            conn,
            ask.user.id,
            turn.thread,
            tip=turn.message,
            model=turn.model,
            options=text(options) if options else None,
            unread=0,
            updated_at=to_number(line.at),
        )
    version = raise_version(conn, ask.user.id)
    new = Thread(
        id=turn.thread,
        created=line.at,
        updated=line.at,
        tip=turn.message,
        project=ask.new.project,
        model=turn.model,
        options=chosen_of(ask.options),
    )
    conn.execute(_ADD_THREAD, thread_values(new, ask.user, version))
    return version


def _line_values(turn: Turn, line: Line) -> dict[str, Any]:
    at, data = to_number(line.at), packing.to_bytes([line])
    return {"turn_id": turn.id, "first_n": line.n, "last_n": line.n, "at": at, "data": data}

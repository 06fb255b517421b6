"""The journal in the database: appends, reads, and what of it stays. All SQL of the journal is here.

It implements the port `JournalStore`. How lines look in their column is packing.py's; when they are
written is the journal's (turns/journal.py); settling a turn is turn_store.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    Row,
    String,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from windowseat.core.events import ApprovalAsked, ApprovalGiven
from windowseat.core.ports import Entry, Line
from windowseat.features.threads import packing
from windowseat.features.threads.rows import message_of
from windowseat.features.threads.rules import taken
from windowseat.features.threads.tables import (
    OnChange,
    journal,
    messages,
    settled_journals,
    turns,
)
from windowseat.features.threads.within import touch
from windowseat.platform.database import Database
from windowseat.platform.moments import to_number

Changed = tuple[str, int]
"""A user whose list of threads changed, and its new version."""


class DatabaseJournal:
    """The lines of turns in the database. Belongs to one event loop."""

    def __init__(self, database: Database, on_change: OnChange) -> None:
        self._database = database
        self._on_change = on_change
        self._append = database.statement(_APPEND, "turn", "first", "last", "moment", "bytes", "by")

    async def commit(self, entries: Sequence[Entry], *, durable: bool) -> None:
        """Keep all the lines or none, and with them whether a turn waits for somebody.

        Raises Conflict `turn_taken` when a turn is over or another owner has it.
        """
        rows = [
            (
                entry.turn,
                entry.lines[0].n,
                entry.lines[-1].n,
                to_number(entry.lines[-1].at),
                packing.to_bytes(entry.lines),
                entry.owner,
            )
            for entry in entries
        ]
        decisions = {entry.turn: change for entry in entries if (change := _undecided(entry.lines))}

        def keep(conn: Connection) -> list[Changed]:
            if self._append.run_many(conn, rows) != len(rows):
                raise taken(_not_ours(conn, entries))
            return [changed for turn, by in decisions.items() if (changed := _decide(conn, turn, by))]

        for user, version in await self._database.write(keep, durable=durable):
            self._on_change(user, "threads", version)

    async def read(self, turn: str, after: int) -> Sequence[Line]:
        """The lines after number `after` in order.

        Of a turn that was thinned out: what is left, with a snapshot in place of what is gone.
        """
        return await self._database.read(lambda conn: lines_of(conn, turn, after))

    async def thin(self, before: datetime, *, at_once: int = 50) -> int:
        """Leave only edges, notices and seams of turns that settled before then; returns how many it met.

        Call it until it returns 0: it takes `at_once` turns at a time, so that it holds up no writer.
        """
        query = (
            select(settled_journals.c.turn_id, settled_journals.c.data)
            .where(settled_journals.c.form == "packed", settled_journals.c.settled_at < to_number(before))
            .limit(at_once)
        )

        def thinned(conn: Connection) -> list[dict[str, Any]]:
            return [{"turn": row.turn_id, "bytes": packing.thin(row.data)} for row in conn.execute(query)]

        rows = await self._database.read(thinned)
        if rows:
            change = (
                update(settled_journals)
                .where(settled_journals.c.turn_id == bindparam("turn"))
                .values(form="thin", data=bindparam("bytes"))
            )
            await self._database.write(lambda conn: conn.execute(change, rows).rowcount)
        return len(rows)


def _bound(name: str, kind: Any) -> Any:
    return bindparam(name, type_=kind)


_NEWEST = (
    select(journal.c.last_n)
    .where(journal.c.turn_id == bindparam("turn"))
    .order_by(journal.c.first_n.desc())
    .limit(1)
)
# A row is added only to a turn that is its owner's and runs, and only right behind the newest line: so no
# number is given twice, and none is left out. The lock on the turn's row is for databases with several
# writers; it holds off whoever takes the turn over.
_APPEND = insert(journal).from_select(
    ["turn_id", "first_n", "last_n", "at", "data"],
    select(
        turns.c.id,
        _bound("first", Integer),
        _bound("last", Integer),
        _bound("moment", BigInteger),
        _bound("bytes", LargeBinary),
    )
    .where(
        turns.c.id == _bound("turn", String),
        turns.c.owner == _bound("by", BigInteger),
        turns.c.state != "settled",
        _NEWEST.scalar_subquery() == _bound("first", Integer) - 1,
    )
    .with_for_update(read=True),
)


_ROWS = (
    select(journal.c.data, journal.c.last_n)
    .where(journal.c.turn_id == bindparam("turn"), journal.c.last_n > bindparam("after"))
    .order_by(journal.c.first_n)
)
_CLEAR = delete(journal).where(journal.c.turn_id == bindparam("turn"))
_PUT = insert(settled_journals)
_SETTLED = select(settled_journals).where(settled_journals.c.turn_id == bindparam("turn"))
_MESSAGE = (
    select(messages).join(turns, turns.c.message_id == messages.c.id).where(turns.c.id == bindparam("turn"))
)


def lines_of(conn: Connection, turn: str, after: int) -> Sequence[Line]:
    """Within a read: the lines after number `after`; see `DatabaseJournal.read`."""
    settled = _settled(conn, turn)
    if settled is None:
        rows = conn.execute(_ROWS, {"turn": turn, "after": after})
        return [line for data, _ in rows for line in packing.from_bytes(data, after)]
    if after >= settled.last_n:
        return ()
    if settled.form == "packed":
        return list(packing.unpack(settled.data, after))
    message = message_of(conn.execute(_MESSAGE, {"turn": turn}).one())
    return packing.with_snapshot(packing.from_thin(settled.data), message, after)


def rows_to_pack(conn: Connection, turn: str) -> tuple[list[bytes], int]:
    """Within a read: all rows of a turn that is about to settle, and its newest number."""
    rows = conn.execute(_ROWS, {"turn": turn, "after": 0}).all()
    return [row.data for row in rows], rows[-1].last_n if rows else 0


def put_packed(conn: Connection, turn: str, data: bytes, last: Line, expected: int) -> bool:
    """Within a write: one packed row in place of a turn's lines; False where there are newer ones by now."""
    if conn.execute(_NEWEST, {"turn": turn}).scalar() != expected:
        return False
    conn.execute(_CLEAR, {"turn": turn})
    values = {"turn_id": turn, "last_n": last.n, "settled_at": to_number(last.at), "form": "packed"}
    conn.execute(_PUT, {**values, "data": data})
    return True


def _settled(conn: Connection, turn: str) -> Row[Any] | None:
    return conn.execute(_SETTLED, {"turn": turn}).first()


def _undecided(lines: Sequence[Line]) -> int:
    """By how much these lines change the number of calls that wait for somebody."""
    return sum(
        1 if isinstance(line.event, ApprovalAsked) else -1
        for line in lines
        if isinstance(line.event, ApprovalAsked | ApprovalGiven)
    )


def _decide(conn: Connection, turn: str, by: int) -> Changed | None:
    row = conn.execute(
        select(turns.c.user_id, turns.c.thread_id, turns.c.state, turns.c.undecided).where(turns.c.id == turn)
    ).one()
    undecided = max(row.undecided + by, 0)
    state = "waiting" if undecided else "running"
    conn.execute(update(turns).where(turns.c.id == turn).values(undecided=undecided, state=state))
    if state == row.state or row.thread_id is None:
        return None
    return row.user_id, touch(conn, row.user_id, row.thread_id)


def _not_ours(conn: Connection, entries: Sequence[Entry]) -> str:
    for entry in entries:
        ours = select(turns.c.id).where(
            turns.c.id == entry.turn, turns.c.owner == entry.owner, turns.c.state != "settled"
        )
        if conn.execute(ours).first() is None:
            return entry.turn
    return entries[0].turn

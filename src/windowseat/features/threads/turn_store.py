"""Turns in the database: they begin, settle, and are taken over. All SQL of turns is here.

It implements the port `TurnStore`. What an ask may begin is rules.py's, the lines of a turn are
journal_store.py's, its requests request_store.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, insert, select, update

from windowseat.core.ask import Ask, Turn, User
from windowseat.core.message import Message
from windowseat.core.model import Model
from windowseat.core.ports import Begun, Left, Line
from windowseat.core.request import Request
from windowseat.features.threads import packing
from windowseat.features.threads.begin import Begin
from windowseat.features.threads.journal_store import put_packed, rows_to_pack
from windowseat.features.threads.request_store import RequestStore
from windowseat.features.threads.rows import settled_values, turn_of
from windowseat.features.threads.rules import digest_of, files_in, no_turn, taken
from windowseat.features.threads.tables import OnChange, journal, messages, owners, turns
from windowseat.features.threads.within import branch, touch, use_files
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.moments import from_number, to_number

_CHANGE = update(turns).where(
    turns.c.id == bindparam("turn"), turns.c.owner == bindparam("by"), turns.c.state != "settled"
)
_ANSWER = update(messages).where(messages.c.id == bindparam("message")).values(version=messages.c.version + 1)
_GET = select(turns).where(turns.c.id == bindparam("turn"), turns.c.user_id == bindparam("user"))


class DatabaseTurns:
    """The turns of one database, as one process run sees them. Made by `open`; belongs to one event loop."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, on_change: OnChange, *, owner: int
    ) -> None:
        self.owner = owner
        self._database = database
        self._ids = ids
        self._on_change = on_change
        self._requests = RequestStore(database, clock, ids)

    @classmethod
    async def open(
        cls, database: Database, clock: Clock, ids: Ids, on_change: OnChange, *, process: str
    ) -> DatabaseTurns:
        """Give this run of the process a number of its own; `process` says in words which it is."""
        row = insert(owners).values(process=process, started_at=to_number(clock.now()))
        number = await database.write(
            lambda conn: conn.execute(row.returning(owners.c.number)).scalar_one(), durable=True
        )
        return cls(database, clock, ids, on_change, owner=number)

    # -- the port -----------------------------------------------------------------------------------

    async def begin(self, ask: Ask, model: Model, first: Callable[[Turn], Line]) -> Begun:
        """Commit the thread if it is new, the user's message, the answer's row, the turn and line 1.

        The same ask again is the same turn. Raises Conflict `turn_id_used` `turn_running`
        `thread_id_used`, NotFound `thread_not_found` `message_not_found` `file_not_found`,
        and what `rules.check_ask` and `rules.place` raise.
        """
        if ask.new is not None and ask.new.temporary:
            raise ValueError("a temporary thread is kept in memory, never in the database")
        begin = Begin(ask, model, first, digest_of(ask), self.owner, self._ids.new)
        begun, version = await self._database.write(begin.run, durable=True)
        if version is not None:
            self._on_change(ask.user.id, "threads", version)
        return begun

    async def get(self, user: User, turn: str) -> Turn:
        """The turn of this user. Raises NotFound `turn_not_found`."""
        row = await self._database.read(
            lambda conn: conn.execute(_GET, {"turn": turn, "user": user.id}).first()
        )
        if row is None:
            raise no_turn(turn)
        return turn_of(row, user)

    async def path(self, turn: Turn) -> tuple[Message, ...]:
        """The messages that the answer follows, root first, its own user message last."""
        if turn.thread is None:
            return turn.path
        tip = turn.user_message or turn.parent
        return await self._database.read(lambda conn: branch(conn, tip))

    async def keep_request(self, turn: Turn, step: int, request: Request) -> str:
        """Keep a request's pieces, before it is sent; returns the name that `step_started` carries."""
        return await self._requests.keep(turn, step, request)

    async def kept_request(self, turn: Turn, name: str) -> Request:
        """A request that was kept. Raises NotFound `request_not_found`."""
        return await self._requests.get(turn, name)

    async def settle(self, turn: Turn, message: Message, line: Line) -> None:
        """Commit the answer as it will stay together with the last line, durably; the lines are packed.

        Raises Conflict `turn_taken` where the turn is over or another owner has it.
        """

        def pack(conn: Connection) -> tuple[bytes, int]:
            rows, newest = rows_to_pack(conn, turn.id)
            return packing.pack([*rows, packing.to_bytes([line])]), newest

        packed, newest = await self._database.read(pack)

        def settle(conn: Connection) -> int | None:
            ours = {"turn": turn.id, "by": turn.owner}
            over = {"stop_reason": message.stop_reason, "settled_at": to_number(line.at), "state": "settled"}
            if conn.execute(_CHANGE, {**ours, **over}).rowcount != 1:
                raise taken(turn.id)
            if not put_packed(conn, turn.id, packed, line, newest):
                raise taken(turn.id)
            conn.execute(_ANSWER, {"message": turn.message, **settled_values(message)})
            use_files(conn, turn.user, files_in(message.parts))
            if turn.thread is None:
                return None
            return touch(conn, turn.user.id, turn.thread, unread=1, updated_at=to_number(line.at))

        version = await self._database.write(settle, durable=True)
        self._requests.forget(turn.id)
        if version is not None:
            self._on_change(turn.user.id, "threads", version)

    async def left(self) -> Sequence[Left]:
        """The turns of earlier owners that have not settled, the oldest first."""
        newest = (
            select(journal.c.at)
            .where(journal.c.turn_id == turns.c.id)
            .order_by(journal.c.first_n.desc())
            .limit(1)
        )
        query = (
            select(turns, newest.scalar_subquery().label("newest"))
            .where(turns.c.state != "settled", turns.c.owner != self.owner)
            .order_by(turns.c.created_at)
        )
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        return [Left(turn=turn_of(r), newest=from_number(r.newest), resumed=r.resumed) for r in rows]

    async def take_over(self, turn: Turn, *, counts: bool) -> Turn:
        """Make this process the turn's owner; `counts` adds to how often it was resumed.

        Raises Conflict `turn_taken` where somebody was quicker, or it is over.
        """
        change = _CHANGE.values(owner=self.owner, resumed=turns.c.resumed + int(counts))
        ours = {"turn": turn.id, "by": turn.owner}
        if await self._database.write(lambda conn: conn.execute(change, ours).rowcount, durable=True) != 1:
            raise taken(turn.id)
        return replace(turn, owner=self.owner)

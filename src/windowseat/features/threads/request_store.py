"""The exact requests, kept in linear space. All SQL of requests is here.

A piece's bytes are stored once for a thread, by digest, and counted. A request names an earlier one of its
branch (`base`), how many of its pieces it keeps (`kept`), and has rows for the rest only. What a piece is,
and when a request is kept, is others' business (core/request.py, turns/gather.py).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Select, and_, bindparam, case, insert, literal, select, update

from windowseat.core.ask import Turn
from windowseat.core.model import Dialect
from windowseat.core.request import Piece, Request
from windowseat.features.threads.rules import no_request
from windowseat.features.threads.tables import messages, pieces, request_pieces, requests
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.moments import to_number

_REMEMBERED = 256
_HOPS = 8
_ALL = 2**31 - 1

Key = tuple[str, bytes | None, str | None]
"""A piece as it is compared: its segment, the digest of its bytes, or its file."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a kept request is made of, and which request has the row of each piece."""

    keys: tuple[Key, ...] = ()
    rows: tuple[str, ...] = ()


class RequestStore:
    """Keeps and rebuilds requests. Belongs to one event loop."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._newest: OrderedDict[str, _Kept] = OrderedDict()
        self._count = database.statement(_COUNT, "of_digest", "of_thread")
        self._add = database.statement(insert(pieces), "digest", "thread_id", "uses", "data")
        self._add_row = database.statement(
            insert(request_pieces), "request", "position", "piece_digest", "segment", "file"
        )

    async def keep(self, turn: Turn, step: int, request: Request) -> str:
        """Keep the request of a step and return its name."""
        remembered = self._newest.get(turn.id)
        keys = tuple(_key(piece) for piece in request.pieces)
        name = self._ids.new()
        row: dict[str, Any] = {
            "name": name,
            "turn_id": turn.id,
            "step": step,
            "thread_id": turn.thread,
            "dialect": request.dialect,
            "connection": request.connection,
            "model": request.model,
            "stream": int(request.stream),
            "at": to_number(self._clock.now()),
        }

        def write(conn: Connection) -> _Kept:
            before = remembered or _before(conn, turn)
            kept = _shared(before.keys, keys)
            # The base is the request that has the row of the last piece that is kept: so chains stay short.
            conn.execute(_ADD, {**row, "base": before.rows[kept - 1] if kept else None, "kept": kept})
            self._write_pieces(conn, turn.thread or "", request.pieces[kept:], keys[kept:])
            self._add_row.run_many(
                conn,
                [
                    (name, position, digest, segment, file)
                    for position, (segment, digest, file) in enumerate(keys[kept:], kept)
                ],
            )
            return _Kept(keys, (*before.rows[:kept], *(name for _ in keys[kept:])))

        self._newest[turn.id] = await self._database.write(write)
        self._newest.move_to_end(turn.id)
        if len(self._newest) > _REMEMBERED:
            self._newest.popitem(last=False)
        return name

    async def get(self, turn: Turn, name: str) -> Request:
        """The request exactly as it was kept. Raises NotFound `request_not_found`."""

        def look(conn: Connection) -> Request:
            there = (requests.c.name == name, requests.c.turn_id == turn.id)
            row = conn.execute(select(requests).where(*there)).first()
            if row is None:
                raise no_request(name)
            found = conn.execute(_WITH_DATA, {"name": name, "thread": row.thread_id or ""})
            return Request(
                dialect=cast(Dialect, row.dialect),
                connection=row.connection,
                model=row.model,
                stream=bool(row.stream),
                pieces=tuple(
                    Piece(segment=segment, data=data or b"", file=file) for segment, file, data in found
                ),
            )

        return await self._database.read(look)

    def forget(self, turn: str) -> None:
        """The turn is over: nothing of it needs to be remembered."""
        self._newest.pop(turn, None)

    def _write_pieces(
        self, conn: Connection, thread: str, added: Sequence[Piece], keys: Sequence[Key]
    ) -> None:
        for piece, (_, digest, _) in zip(added, keys, strict=True):
            if digest is not None and not self._count.run(conn, digest, thread).rowcount:
                self._add.run(conn, digest, thread, 1, piece.data)


_ADD = insert(requests)
# Names sort by the time they were made (platform/ids.py).
_NEWEST = (
    select(requests.c.name)
    .where(requests.c.turn_id == bindparam("turn"))
    .order_by(requests.c.name.desc())
    .limit(1)
)
_ABOVE = select(messages.c.parent_id, messages.c.turn_id).where(messages.c.id == bindparam("message"))
_COUNT = (
    update(pieces)
    .where(pieces.c.digest == bindparam("of_digest"), pieces.c.thread_id == bindparam("of_thread"))
    .values(uses=pieces.c.uses + 1)
)


def _key(piece: Piece) -> Key:
    digest = hashlib.sha256(piece.data).digest() if piece.file is None else None
    return piece.segment, digest, piece.file


def _shared(before: Sequence[Key], now: Sequence[Key]) -> int:
    """How many pieces both begin with."""
    for index, (old, new) in enumerate(zip(before, now, strict=False)):
        if old != new:
            return index
    return min(len(before), len(now))


def _before(conn: Connection, turn: Turn) -> _Kept:
    """The newest request of this turn; where it has none, of the turn of the answer that it follows."""
    name = _newest_of(conn, turn.id)
    message = turn.parent
    for _ in range(_HOPS):
        if name is not None or message is None:
            break
        row = conn.execute(_ABOVE, {"message": message}).first()
        if row is None:
            break
        name = _newest_of(conn, row.turn_id) if row.turn_id else None
        message = row.parent_id
    if name is None:
        return _Kept()
    rows = conn.execute(_ROWS, {"name": name}).all()
    return _Kept(
        tuple((row.segment, row.piece_digest, row.file) for row in rows), tuple(r.request for r in rows)
    )


def _newest_of(conn: Connection, turn: str) -> str | None:
    return conn.execute(_NEWEST, {"turn": turn}).scalar()


def _chain() -> Any:
    """The request and those it builds on, each with how many of its pieces count (`take`)."""
    first = select(requests.c.base, requests.c.name, requests.c.kept, literal(_ALL).label("take"))
    chain = first.where(requests.c.name == bindparam("name")).cte("chain", recursive=True)
    fewer = case((chain.c.take < chain.c.kept, chain.c.take), else_=chain.c.kept)
    base = requests.alias("base_request")
    return chain.union_all(
        select(base.c.base, base.c.name, base.c.kept, fewer).join(chain, base.c.name == chain.c.base)
    )


def _rows_of() -> Select[Any]:
    chain = _chain()
    return (
        select(
            request_pieces.c.request,
            request_pieces.c.segment,
            request_pieces.c.piece_digest,
            request_pieces.c.file,
        )
        .join(chain, request_pieces.c.request == chain.c.name)
        .where(request_pieces.c.position < chain.c.take)
        .order_by(request_pieces.c.position)
    )


def _with_data() -> Select[Any]:
    chain = _chain()
    same = and_(pieces.c.digest == request_pieces.c.piece_digest, pieces.c.thread_id == bindparam("thread"))
    return (
        select(request_pieces.c.segment, request_pieces.c.file, pieces.c.data)
        .join(chain, request_pieces.c.request == chain.c.name)
        .outerjoin(pieces, same)
        .where(request_pieces.c.position < chain.c.take)
        .order_by(request_pieces.c.position)
    )


_ROWS, _WITH_DATA = _rows_of(), _with_data()

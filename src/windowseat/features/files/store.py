"""The rows of files and of the bytes they share. All SQL of this feature is here.

A file is one user's row; a blob is bytes, by digest, that any number of rows share. `uses` counts those
rows. Times are microseconds since 1970 (platform/moments.py). The bytes themselves are in blobs.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from windowseat.platform.database import Database

_metadata = MetaData()

blobs = Table(
    "blobs",
    _metadata,
    Column("digest", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
files = Table(
    "files",
    _metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("media_type", String, nullable=False),
    Column("name", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used", Integer, nullable=False),
    Column("thread_id", String),
    Column("deleted_at", BigInteger),
    Column("version", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One user's file. `size` in bytes; `thread` where a tool of that thread made it."""

    file: str
    media_type: str
    size: int
    name: str
    digest: str
    thread: str | None = None


_ROW = (
    files.c.id.label("file"),
    files.c.media_type,
    files.c.size,
    files.c.name,
    files.c.digest,
    files.c.thread_id.label("thread"),
)
# Made once: every step of a turn asks it, and making it costs more than running it.
_ANY = select(files.c.id).where(files.c.user_id == bindparam("user"), files.c.deleted_at.is_(None)).limit(1)
# SQLite allows 32,766 parameters in a statement, PostgreSQL 65,535; a list is asked for in such pieces.
_AT_ONCE = 500


class FileStore:
    """Reads and writes those rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, row: FileRow, user: str, *, used: bool, at: int) -> None:
        """Add the row and count one more use of its bytes."""

        def add(conn: Connection) -> None:
            more = update(blobs).where(blobs.c.digest == row.digest).values(uses=blobs.c.uses + 1)
            if not conn.execute(more).rowcount:
                conn.execute(insert(blobs).values(digest=row.digest, size=row.size, uses=1, created_at=at))
            conn.execute(
                insert(files).values(
                    id=row.file,
                    user_id=user,
                    digest=row.digest,
                    media_type=row.media_type,
                    name=row.name,
                    size=row.size,
                    created_at=at,
                    used=int(used),
                    thread_id=row.thread,
                    version=1,
                )
            )

        await self._database.write(add, durable=True)

    async def rows(self, ids: Sequence[str], user: str | None) -> dict[str, FileRow]:
        """The rows by id, only this user's where one is named."""

        def read(conn: Connection) -> dict[str, FileRow]:
            found: dict[str, FileRow] = {}
            for piece in _pieces(ids):
                query = select(*_ROW).where(files.c.id.in_(piece), files.c.deleted_at.is_(None))
                if user is not None:
                    query = query.where(files.c.user_id == user)
                found.update((row.file, FileRow(**row)) for row in conn.execute(query).mappings())
            return found

        return await self._database.read(read)

    async def made_in(self, user: str, thread: str) -> tuple[FileRow, ...]:
        """The files that tools of this thread made, the oldest first."""
        query = (
            select(*_ROW)
            .where(files.c.user_id == user, files.c.thread_id == thread, files.c.deleted_at.is_(None))
            .order_by(files.c.id)
        )
        return await self._database.read(
            lambda conn: tuple(FileRow(**row) for row in conn.execute(query).mappings())
        )

    async def has_any(self, user: str) -> bool:
        """Whether the user has any file at all."""
        return await self._database.read(lambda conn: conn.execute(_ANY, {"user": user}).first() is not None)

    async def mark_used(self, user: str, ids: Sequence[str]) -> set[str]:
        """These files stay. Returns the ids that are the user's."""

        def mark(conn: Connection) -> set[str]:
            found: set[str] = set()
            for piece in _pieces(ids):
                mine = (files.c.user_id == user, files.c.id.in_(piece), files.c.deleted_at.is_(None))
                found.update(conn.execute(select(files.c.id).where(*mine)).scalars())
                conn.execute(update(files).where(*mine, files.c.used == 0).values(used=1))
            return found

        return await self._database.write(mark, durable=True)

    async def remove_unused(self, before: int) -> list[str]:
        """Remove rows that nothing used, put in before then, and the blobs that no row uses any more.

        Returns the digests of those blobs, whose bytes may go now.
        """

        def remove(conn: Connection) -> list[str]:
            unused = (files.c.used == 0, files.c.created_at < before)
            per_digest = select(files.c.digest, func.count()).where(*unused).group_by(files.c.digest)
            for digest, count in conn.execute(per_digest).all():
                conn.execute(update(blobs).where(blobs.c.digest == digest).values(uses=blobs.c.uses - count))
            conn.execute(delete(files).where(*unused))
            gone = list(conn.execute(select(blobs.c.digest).where(blobs.c.uses <= 0)).scalars())
            conn.execute(delete(blobs).where(blobs.c.uses <= 0))
            return gone

        return await self._database.write(remove, durable=True)

    async def known(self, digests: Sequence[str]) -> set[str]:
        """Those of the digests that have a blob row."""

        def read(conn: Connection) -> set[str]:
            found: set[str] = set()
            for piece in _pieces(digests):
                found.update(conn.execute(select(blobs.c.digest).where(blobs.c.digest.in_(piece))).scalars())
            return found

        return await self._database.read(read)


def _pieces(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))

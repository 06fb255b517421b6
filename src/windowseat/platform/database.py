"""The database: SQLAlchemy Core in threads, one writer and a few readers.

What it promises: a write is one transaction, all or nothing; writes happen in the order in which they
were asked for; a read sees one state of the whole database and cannot write; after any error what was
there is intact and the next call works. Errors of the database become `StoreFault`, once, here.
It knows no table and no feature. SQL that only SQLite knows is in sqlite.py.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql.expression import Executable

from windowseat.core.errors import Fault, StoreFault
from windowseat.platform import sqlite
from windowseat.platform.statement import Statement
from windowseat.platform.worker_threads import WorkerThreads

T = TypeVar("T")

_CHANGE_SCHEMA_PATIENCE_SECONDS = 300.0


class Database:
    """One database. Made by `Database.open`; every method may be called from any task of one event loop.

    >>> titles = await database.read(lambda conn: conn.execute(select(threads.c.title)).scalars().all())
    >>> await database.write(lambda conn: conn.execute(insert(threads), rows), durable=True)

    `fn` runs in a thread of ours with a connection that is in a transaction: it neither commits nor rolls
    back, and hands out values, never rows that still read. IntegrityError and whatever `fn` itself raises
    pass through unchanged, after the rollback.

    A write whose awaiting task is cancelled has either not begun and never will, or runs to its end.
    """

    def __init__(self, path: Path, *, readers: int, busy_seconds: float) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._writing = _engine(path, "BEGIN IMMEDIATE", busy_seconds=busy_seconds, read_only=False)
        self._reading = _engine(path, "BEGIN", busy_seconds=busy_seconds, read_only=True)
        self._writer_thread = WorkerThreads(1, "database-writer")
        self._reader_threads = WorkerThreads(readers, "database-reader")
        self._writer: Connection | None = None
        self._writer_is_durable = False
        self._idle_readers: list[Connection] = []
        self._closed = False

    @classmethod
    def open(cls, place: Path | str, *, readers: int = 3, busy_seconds: float = 5.0) -> Database:
        """Open the file (made when missing), or the database of a URL: `sqlite:////path/to/file`.

        Raises StoreFault: `store_too_old` `store_read_only` `store_damaged` `store_busy` `disk_full`
        `store_failed`, or `store_unknown` for a URL of another kind. Blocks for a few milliseconds.
        """
        sqlite.check_library()
        database = cls(_path_of(place), readers=readers, busy_seconds=busy_seconds)
        try:
            with _translated(database.path):
                database._writer = database._writing.connect()
                if not sqlite.is_writable(database.path):
                    raise sqlite.read_only(database.path)
        except BaseException:
            database._close_now()
            raise
        return database

    @property
    def dialect(self) -> str:
        """`sqlite`; the name that SQLAlchemy has for it."""
        return self._writing.dialect.name

    def statement(self, statement: Executable, *names: str) -> Statement:
        """Compile a Core statement once, for a path that runs it very often; see statement.py."""
        return Statement.compile(statement, names, self._writing.dialect)

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on one snapshot of the database; a write within it fails."""
        return await self._in(self._reader_threads, lambda: self._read_now(fn))

    async def write(self, fn: Callable[[Connection], T], *, durable: bool = False) -> T:
        """Run `fn` in one transaction. `durable`: it is on the disk when this returns, so that it also
        outlives a loss of power; without, it outlives the end of the process, however that comes."""
        return await self._in(self._writer_thread, lambda: self._write_now(fn, durable))

    async def change_schema(self, fn: Callable[[Connection], T]) -> T:
        """A durable write for migrations: references are checked once at its end, so that tables can be
        rebuilt (sqlite.org/lang_altertable.html, "other kinds of changes"), and it waits minutes for a
        process that is at the same."""
        return await self._in(self._writer_thread, lambda: self._change_schema_now(fn))

    async def check(self) -> list[str]:
        """What is wrong with the file, as sentences; [] when it is sound. Reads all of it."""

        def look(conn: Connection) -> list[str]:
            return sqlite.find_damage(_raw(conn)) + sqlite.broken_references(_raw(conn))

        return await self.read(look)

    async def copy_to(self, target: Path) -> None:
        """A checked copy of all that is committed, as one file; `target` appears whole or not at all."""
        await self._in(self._reader_threads, lambda: self.copy_now(target))

    def copy_now(self, target: Path) -> None:
        """The same, within a thread that may block; it may be called inside of a write."""
        with _translated(self.path):
            sqlite.copy_file(self.path, target, busy_seconds=self._busy_seconds)

    async def close(self) -> None:
        """End when what was asked for is done; the log is brought into the file. Twice does nothing."""
        await asyncio.to_thread(self._close_now)

    async def _in(self, threads: WorkerThreads, call: Callable[[], T]) -> T:
        if self._closed:
            raise StoreFault("store_closed", "The database is closed.", hint="Start the server again.")
        return await threads.run(call)

    def _read_now(self, fn: Callable[[Connection], T]) -> T:
        with _translated(self.path):
            conn = self._take_reader()
            try:
                with conn.begin() as transaction:
                    value = fn(conn)
                    transaction.rollback()
            except (DBAPIError, sqlite3.Error):
                conn.close()
                raise
            except BaseException:
                self._idle_readers.append(conn)
                raise
            self._idle_readers.append(conn)
            return value

    def _take_reader(self) -> Connection:
        try:
            return self._idle_readers.pop()
        except IndexError:
            return self._reading.connect()

    def _write_now(self, fn: Callable[[Connection], T], durable: bool) -> T:
        with _translated(self.path):
            conn = self._writer or self._writing.connect()
            try:
                self._writer = conn
                if durable is not self._writer_is_durable:
                    sqlite.set_durable(_raw(conn), durable)
                    self._writer_is_durable = durable
                with conn.begin():
                    return fn(conn)
            except IntegrityError:
                raise
            except (DBAPIError, sqlite3.Error):
                self._drop_writer()
                raise

    def _change_schema_now(self, fn: Callable[[Connection], T]) -> T:
        def checked(conn: Connection) -> T:
            value = fn(conn)
            broken = sqlite.broken_references(_raw(conn))
            if broken:
                raise StoreFault(
                    "store_failed", broken[0], hint="Restore a copy from backups/, and report it."
                )
            if not _raw(conn).in_transaction:
                raise RuntimeError("A change of the schema ended its own transaction.")
            return value

        # A connection of its own, as these three are set outside of a transaction and end with it.
        self._drop_writer()
        with _translated(self.path):
            self._writer = self._writing.connect()
            sqlite.set_patience(_raw(self._writer), _CHANGE_SCHEMA_PATIENCE_SECONDS)
            sqlite.enforce_foreign_keys(_raw(self._writer), False)
        try:
            return self._write_now(checked, durable=True)
        finally:
            self._drop_writer()

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._writer_is_durable = None, False

    def _close_now(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._reader_threads.close()
        self._writer_thread.close()
        for conn in self._idle_readers:
            conn.close()
        self._idle_readers.clear()
        if self._writer is not None:
            # Where this fails, the log stays beside the file and the next open reads it: nothing is lost.
            with suppress(sqlite3.Error):
                sqlite.checkpoint(_raw(self._writer))
        self._drop_writer()


def _path_of(place: Path | str) -> Path:
    if isinstance(place, Path):
        return place
    if place.startswith("sqlite:///") and len(place) > len("sqlite:///"):
        return Path(place.removeprefix("sqlite:///"))
    kind = place.partition(":")[0] if "://" in place else "file"
    raise StoreFault(
        "store_unknown",
        f"A database of the kind {kind!r} is not supported.",
        hint="Name a file as sqlite:////path/to/windowseat.db, or leave the setting out.",
    )


def _engine(path: Path, begin: str, *, busy_seconds: float, read_only: bool) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite.open_file(path, busy_seconds=busy_seconds, read_only=read_only),
        poolclass=NullPool,
        # An error shows the statement, never the values: they are what people write.
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def begin_transaction(conn: Connection) -> None:
        # The driver is told to begin nothing (isolation_level=None): its own rule begins no transaction
        # before DDL, and a deferred one before a write, which can fail as busy half-way.
        _raw(conn).execute(begin)

    return engine


def _raw(conn: Connection) -> sqlite3.Connection:
    raw = conn.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


class _translated:
    """Errors of SQLite, bare or wrapped by SQLAlchemy, leave as StoreFault; a clash of rows as it is."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (IntegrityError, Fault)):
            return
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.Error):
            raise sqlite.fault_of(cause, self._path) from error

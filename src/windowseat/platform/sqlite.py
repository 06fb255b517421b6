"""What is special about SQLite: opening a file, its pragmas, its errors, a copy, a check.

No thread, no transaction and no table of ours is here (database.py has those); nothing outside of
this file speaks SQL that only SQLite knows. A second database gets a file like this one.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from windowseat.core.errors import StoreFault

FLOOR = (3, 40, 0)
_WAL_KEPT_BYTES = 64 * 1024 * 1024


def check_library(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
    """Raise `store_too_old` where Python's SQLite is older than 3.40 or has no FTS5."""
    connection = sqlite3.connect(":memory:")
    try:
        modules = {str(row[0]) for row in connection.execute("SELECT name FROM pragma_module_list")}
    except sqlite3.Error:
        modules = set()
    finally:
        connection.close()
    check_abilities(version, modules)


def check_abilities(version: tuple[int, ...], modules: set[str]) -> None:
    """The rule behind `check_library`, apart from the library that happens to be here."""
    if version >= FLOOR and "fts5" in modules:
        return
    found = ".".join(str(number) for number in version)
    lack = "" if "fts5" in modules else " without FTS5"
    raise StoreFault(
        "store_too_old",
        f"This Python comes with SQLite {found}{lack}; 3.40 or newer with FTS5 is needed.",
        hint="Use another build of Python 3.11 or newer, for instance from python.org or from uv.",
    )


def open_file(path: Path, *, busy_seconds: float, read_only: bool = False) -> sqlite3.Connection:
    """A connection in WAL that begins no transaction by itself; the file is made (0600) when missing.

    `read_only` refuses writes of this connection, whatever the file's rights are.
    """
    with _system_translated(path):
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(connection, busy_seconds)
        connection.execute("PRAGMA synchronous = NORMAL")
        # On macOS a plain fsync stops at the drive's cache (sqlite.org/pragma.html#pragma_fullfsync).
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, busy_seconds: float) -> None:
    # SQLite does not call its busy handler while it changes the journal mode (sqlite.org/wal.html, "busy"),
    # so two processes that make the file at once must be patient here.
    until, mode = time.monotonic() + busy_seconds, ""
    while not mode:
        try:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode != "wal":
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise StoreFault(
            "store_failed",
            "The database cannot use a write-ahead log in this folder.",
            hint="Keep the home on a local disk, not on a network share.",
        )


def is_writable(path: Path) -> bool:
    """Whether the file and its folder can be written; asks the file system, takes no lock."""
    return os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def set_durable(connection: sqlite3.Connection, durable: bool) -> None:
    """Whether the next commits reach the disk (FULL) before they return. Outside of a transaction only.

    In WAL a FULL commit also carries every NORMAL commit before it to the disk, as the log is one file.
    """
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")


def enforce_foreign_keys(connection: sqlite3.Connection, on: bool) -> None:
    """Outside of a transaction only; SQLite ignores it within one."""
    connection.execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")


def set_patience(connection: sqlite3.Connection, seconds: float) -> None:
    """How long a statement waits for another process's transaction."""
    connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


def broken_references(connection: sqlite3.Connection) -> list[str]:
    """Rows that point to a row that is not there, as sentences; at most 20."""
    rows = connection.execute("PRAGMA foreign_key_check").fetchmany(20)
    return [f"A row of {table} points to a row of {parent} that is missing." for table, _, parent, _ in rows]


def find_damage(connection: sqlite3.Connection, *, quick: bool = False) -> list[str]:
    """What SQLite's own check finds, as sentences; [] for a sound file. Reads the whole file."""
    check = "quick_check" if quick else "integrity_check"
    lines = [str(row[0]) for row in connection.execute(f"PRAGMA {check}(20)")]
    return [] if lines == ["ok"] else lines


def checkpoint(connection: sqlite3.Connection) -> None:
    """Bring the log into the file and empty it, unless another process is reading."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def copy_file(source: Path, target: Path, *, busy_seconds: float) -> None:
    """A checked copy of what is committed, in one file of its own; `target` appears whole or not at all.

    Others may read and write meanwhile. Row ids are kept, which VACUUM INTO does not promise.
    """
    with _system_translated(target):
        partial = target.with_name(target.name + ".part")
        partial.unlink(missing_ok=True)
        try:
            os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            _copy(source, partial, busy_seconds)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        sync_folder(target.parent)


def _copy(source: Path, target: Path, busy_seconds: float) -> None:
    reader = sqlite3.connect(source, timeout=busy_seconds)
    writer = sqlite3.connect(target, isolation_level=None)
    try:
        reader.backup(writer)
        writer.execute("PRAGMA journal_mode = DELETE").fetchall()
        damage = find_damage(writer, quick=True)
    finally:
        writer.close()
        reader.close()
    if damage:
        raise damaged(f"The check of a copy found: {damage[0]}")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the bytes of its files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fault_of(error: sqlite3.Error, path: Path) -> StoreFault:
    """The one place where SQLite's errors become ours. The values of a statement are never shown."""
    code = _primary(error)
    extended = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_FULL or extended in (
        # Over a quota or a limit on file size the system says EDQUOT or EFBIG, for SQLite an I/O error.
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_TRUNCATE,
    ):
        return disk_full(str(error), path)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM) and not is_writable(
        path
    ):
        return read_only(path)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(f"The database file is damaged: {error}.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreFault(
            "store_busy",
            "Another process holds the database for too long; nothing of this change was kept.",
            hint="Try again; if it stays so, find out which other program has the file open.",
        )
    name = getattr(error, "sqlite_errorname", "no code")
    return StoreFault(
        "store_failed",
        f"The database answered with an error: {error} ({name}). Nothing of this change was kept.",
        hint=f"Look into the log; `windowseat check` reads the whole of {path.name}.",
    )


@contextmanager
def _system_translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise disk_full(reason, path) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise read_only(path) from error
        raise StoreFault(
            "store_failed", f"{path}: {reason}.", hint="See whether its folder is there."
        ) from error


def disk_full(reason: str, path: Path) -> StoreFault:
    return StoreFault(
        "disk_full",
        f"The database could not grow: {reason}. Nothing of this change was kept; what was there is intact.",
        hint=f"Make room on the disk of {path.parent}, or raise its quota.",
    )


def read_only(path: Path) -> StoreFault:
    return StoreFault(
        "store_read_only",
        f"{path} cannot be written by this user.",
        hint=f"Give the user of this process the right to write {path.name} and its folder.",
    )


def damaged(detail: str) -> StoreFault:
    return StoreFault(
        "store_damaged",
        detail,
        hint="Stop the server, keep a copy of the file, then run `windowseat check`; "
        "the folder backups/ of the home holds older copies.",
    )


def _primary(error: sqlite3.Error) -> int:
    # sqlite.org/rescode.html: the low byte of an extended code is its primary code.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF

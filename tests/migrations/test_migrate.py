"""The runner of migrations: all or nothing under kill -9, a copy first, a newer file refused."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from windowseat.core.errors import StoreFault
from windowseat.migrations import Migration, current_version, find_migrations, migrate
from windowseat.platform.database import Database


def first(conn: Connection) -> None:
    conn.execute(text("CREATE TABLE thread (id INTEGER PRIMARY KEY, title TEXT)"))
    conn.execute(
        text(
            "CREATE TABLE message (id INTEGER PRIMARY KEY, "
            "thread INTEGER REFERENCES thread ON DELETE CASCADE)"
        )
    )


def second(conn: Connection) -> None:
    """Rebuilds a table that others refer to, as SQLite's manual says to."""
    conn.execute(
        text("CREATE TABLE new (id INTEGER PRIMARY KEY, title TEXT NOT NULL, pinned INTEGER NOT NULL)")
    )
    conn.execute(text("INSERT INTO new SELECT id, coalesce(title, ''), 0 FROM thread"))
    conn.execute(text("DROP TABLE thread"))
    conn.execute(text("ALTER TABLE new RENAME TO thread"))


ONE = Migration(number=1, name="first", up=first)
TWO = Migration(number=2, name="second", up=second)


async def filled(path: Path) -> Database:
    """A database at version 1 with rows in it."""
    database = Database.open(path)
    await migrate(database, path.parent / "backups", [ONE])
    await database.write(lambda conn: conn.execute(text("INSERT INTO thread VALUES (1, 'kept'), (2, NULL)")))
    await database.write(lambda conn: conn.execute(text("INSERT INTO message VALUES (1, 1), (2, 1), (3, 2)")))
    return database


@pytest.fixture(autouse=True)
def backups(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


async def version(database: Database) -> int:
    return await database.read(current_version)


def tables(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
    connection.close()
    return [name for (name,) in names]


async def test_an_empty_database_goes_to_the_newest_version_and_needs_no_copy(
    tmp_path: Path, backups: Path
) -> None:
    database = Database.open(tmp_path / "new.db")
    done = await migrate(database, backups, [ONE, TWO])
    assert (done.before, done.after, done.copy) == (0, 2, None)
    again = await migrate(database, backups, [ONE, TWO])
    assert (again.before, again.after, again.copy) == (2, 2, None)
    assert list(backups.iterdir()) == []
    rows = await database.read(
        lambda conn: conn.execute(text("SELECT version, name FROM schema_version")).all()
    )
    assert rows == [(1, "first"), (2, "second")]
    await database.close()


async def test_rebuilding_a_table_keeps_its_rows_and_those_that_refer_to_it(
    tmp_path: Path, backups: Path
) -> None:
    database = await filled(tmp_path / "test.db")
    await migrate(database, backups, [ONE, TWO])
    assert await database.read(lambda conn: conn.execute(text("SELECT * FROM thread")).all()) == [
        (1, "kept", 0),
        (2, "", 0),
    ]
    assert (
        await database.read(lambda conn: conn.execute(text("SELECT count(*) FROM message")).scalar_one()) == 3
    )
    assert await database.write(lambda conn: conn.exec_driver_sql("PRAGMA foreign_keys").scalar_one()) == 1
    await database.close()


async def test_a_copy_of_what_was_there_is_kept_before(tmp_path: Path, backups: Path) -> None:
    database = await filled(tmp_path / "test.db")
    (backups / "version-0001-20260101T000000Z.db.part").write_bytes(b"left by a process that was killed")
    three = Migration(number=3, name="third", up=lambda conn: None)
    done = await migrate(database, backups, [ONE, TWO, three])
    assert done.copy is not None
    assert list(backups.iterdir()) == [done.copy]
    assert done.copy.name.startswith("version-0001-20")
    copied = Database.open(done.copy)
    assert await version(copied) == 1
    assert await copied.read(lambda conn: conn.execute(text("SELECT * FROM thread")).all()) == [
        (1, "kept"),
        (2, None),
    ]
    await copied.close()
    await database.close()


async def test_without_a_copy_nothing_is_changed(tmp_path: Path, backups: Path) -> None:
    database = await filled(tmp_path / "test.db")
    with pytest.raises(StoreFault):
        await migrate(database, tmp_path / "missing", [ONE, TWO])
    assert await version(database) == 1
    await database.close()
    assert tables(tmp_path / "test.db") == ["message", "schema_version", "thread"]


async def test_a_step_that_fails_is_taken_back_whole_and_the_steps_before_stay(
    tmp_path: Path, backups: Path
) -> None:
    def broken(conn: Connection) -> None:
        second(conn)
        conn.execute(text("CREATE TABLE extra (n INTEGER)"))
        raise LookupError("half-way")

    database = await filled(tmp_path / "test.db")
    with pytest.raises(LookupError):
        await migrate(database, backups, [ONE, Migration(number=2, name="broken", up=broken)])
    assert await version(database) == 1
    assert await database.read(
        lambda conn: conn.execute(text("SELECT title FROM thread")).scalars().all()
    ) == ["kept", None]
    assert (await migrate(database, backups, [ONE, TWO])).after == 2
    await database.close()


async def test_a_step_that_leaves_broken_references_is_taken_back(tmp_path: Path, backups: Path) -> None:
    def lose(conn: Connection) -> None:
        conn.execute(text("DELETE FROM thread WHERE id = 1"))

    database = await filled(tmp_path / "test.db")
    with pytest.raises(StoreFault, match="thread that is missing"):
        await migrate(database, backups, [ONE, Migration(number=2, name="lose", up=lose)])
    assert (
        await database.read(lambda conn: conn.execute(text("SELECT count(*) FROM thread")).scalar_one()) == 2
    )
    await database.close()


async def test_a_step_that_ends_its_own_transaction_is_a_mistake_that_is_told(
    tmp_path: Path, backups: Path
) -> None:
    def script(conn: Connection) -> None:
        raw = conn.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.executescript("CREATE TABLE extra (n INTEGER);")

    database = Database.open(tmp_path / "test.db")
    with pytest.raises(RuntimeError, match="its own transaction"):
        await migrate(database, backups, [Migration(number=1, name="script", up=script)])
    await database.close()


async def test_a_newer_file_is_refused_and_left_as_it_is(tmp_path: Path, backups: Path) -> None:
    database = await filled(tmp_path / "test.db")
    await migrate(database, backups, [ONE, TWO])
    with pytest.raises(StoreFault) as fault:
        await migrate(database, backups, [ONE])
    assert fault.value.code == "store_too_new"
    assert "version 2" in fault.value.detail
    assert str(backups) in fault.value.hint
    assert await version(database) == 2
    await database.close()


async def test_a_file_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path, backups: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE photograph (n INTEGER)")
    other.close()
    database = Database.open(tmp_path / "other.db")
    with pytest.raises(StoreFault) as fault:
        await migrate(database, backups, [ONE])
    assert fault.value.code == "store_foreign"
    await database.close()
    assert tables(tmp_path / "other.db") == ["photograph"]


PACKAGE = {
    "__init__.py": "",
    "m0001_first.py": """
from sqlalchemy import text
def up(conn):
    conn.execute(text("CREATE TABLE thread (id INTEGER PRIMARY KEY, title TEXT)"))
    for n in range(50):
        conn.execute(text("INSERT INTO thread VALUES (:n, 'title')"), {"n": n})
""",
    "m0002_second.py": """
from sqlalchemy import text
def up(conn):
    conn.execute(text("CREATE TABLE new (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
    conn.execute(text("INSERT INTO new SELECT id, title FROM thread"))
    conn.execute(text("DROP TABLE thread"))
    conn.execute(text("ALTER TABLE new RENAME TO thread"))
    conn.execute(text("CREATE INDEX by_title ON thread (title)"))
    conn.execute(text("CREATE TABLE message (id INTEGER PRIMARY KEY)"))
""",
    "notes.py": "raise RuntimeError('not a migration, not imported')",
}

# Kills itself in the midst of the N-th statement's work: the handler is called every 20 operations of SQLite.
MIGRATE_AND_DIE = """
import asyncio, os, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import steps
from sqlalchemy import event
from sqlalchemy.engine import Engine
from windowseat.migrations import find_migrations, migrate
from windowseat.platform.database import Database

left = int(sys.argv[3])
def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0

@event.listens_for(Engine, "connect")
def connected(raw, record):
    raw.set_progress_handler(step, 20)

async def main():
    database = Database.open(Path(sys.argv[2]))
    await migrate(database, Path(sys.argv[2]).parent / "backups", find_migrations(steps))
    await database.close()
    print(int(sys.argv[3]) - left)

asyncio.run(main())
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "steps"
    folder.mkdir()
    for name, content in PACKAGE.items():
        (folder / name).write_text(content)
    return tmp_path


def run_migrations(package: Path, path: Path, die_after: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MIGRATE_AND_DIE, str(package), str(path), str(die_after)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_migrations_are_found_in_order_by_their_names(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(package)
    steps = import_module("steps")
    assert [(step.number, step.name) for step in find_migrations(steps)] == [(1, "first"), (2, "second")]
    (package / "steps" / "m0004_fourth.py").write_text("def up(conn): pass")
    with pytest.raises(ValueError, match=r"\[1, 2, 4\]"):
        find_migrations(steps)
    for name in [name for name in sys.modules if name.partition(".")[0] == "steps"]:
        del sys.modules[name]


def test_kill_9_at_random_points_leaves_each_step_whole_or_not_begun(package: Path, tmp_path: Path) -> None:
    whole = run_migrations(package, tmp_path / "whole.db")
    points = int(whole.stdout)
    assert points > 30
    tables_at = {
        0: [],
        1: ["schema_version", "thread"],
        2: ["message", "schema_version", "thread"],
    }
    for number, point in enumerate(random.sample(range(1, points), 8)):
        path = tmp_path / f"killed-{number}.db"
        killed = run_migrations(package, path, point)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        connection = sqlite3.connect(path)
        names = tables(path)
        found = connection.execute("SELECT max(version) FROM schema_version").fetchone()[0] if names else 0
        connection.close()
        assert names == tables_at[found], f"killed at {point} of {points}"
        assert run_migrations(package, path).returncode == 0
        assert tables(path) == tables_at[2]
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT count(*) FROM thread").fetchone() == (50,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()


async def test_processes_that_migrate_at_once_do_it_once(package: Path, tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    command = [sys.executable, "-c", MIGRATE_AND_DIE, str(package), str(path), "0"]
    children = [await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [await child.wait() for child in children] == [0, 0, 0]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT version FROM schema_version").fetchall() == [(1,), (2,)]
    assert connection.execute("SELECT count(*) FROM thread").fetchone() == (50,)
    connection.close()
    assert not list((tmp_path / "backups").glob("*.part*"))

"""The database keeps its promises: one writer, snapshots, all or nothing, and an order that holds."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    insert,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError

from windowseat.core.errors import StoreFault
from windowseat.platform import sqlite
from windowseat.platform.database import Database

note = Table("note", MetaData(), Column("n", Integer, primary_key=True), Column("body", LargeBinary))


def count(conn: Connection) -> int:
    return int(conn.execute(text("SELECT count(*) FROM note")).scalar_one())


def pragma(conn: Connection, name: str) -> object:
    return conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()


async def test_a_write_is_read_back_and_the_file_is_private(database: Database) -> None:
    await database.write(lambda conn: conn.execute(insert(note), [{"n": 1, "body": b"one"}]))
    rows = await database.read(lambda conn: conn.execute(select(note.c.n, note.c.body)).all())
    assert rows == [(1, b"one")]
    assert database.dialect == "sqlite"
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600


async def test_an_error_within_a_write_takes_back_all_of_it(database: Database) -> None:
    def fail(conn: Connection) -> None:
        conn.execute(insert(note).values(n=1))
        conn.execute(text("CREATE TABLE half (n INTEGER)"))
        raise LookupError("no")

    with pytest.raises(LookupError):
        await database.write(fail)
    assert await database.read(count) == 0
    names = await database.read(
        lambda conn: conn.execute(text("SELECT name FROM sqlite_master")).scalars().all()
    )
    assert names == ["note"]


async def test_a_clash_of_rows_stays_an_integrity_error_and_shows_no_values(database: Database) -> None:
    await database.write(lambda conn: conn.execute(insert(note).values(n=1, body=b"private words")))
    with pytest.raises(IntegrityError) as clash:
        await database.write(lambda conn: conn.execute(insert(note).values(n=1, body=b"private words")))
    assert "private words" not in str(clash.value)
    assert await database.read(count) == 1


async def test_a_mistake_in_a_statement_is_store_failed_and_the_next_call_works(database: Database) -> None:
    for run in (database.read, database.write):
        with pytest.raises(StoreFault) as fault:
            await run(lambda conn: conn.execute(text("SELECT * FROM nowhere")))
        assert fault.value.code == "store_failed"
        assert "nowhere" in fault.value.detail
    assert await database.write(count) == await database.read(count) == 0


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(StoreFault, match="readonly"):
        await database.read(lambda conn: conn.execute(insert(note).values(n=1)))
    assert await database.read(count) == 0


async def test_a_read_sees_one_state_while_a_write_commits(database: Database) -> None:
    looked, written = threading.Event(), threading.Event()

    def look_twice(conn: Connection) -> tuple[int, int]:
        first = count(conn)
        looked.set()
        assert written.wait(10)
        return first, count(conn)

    reading = asyncio.create_task(database.read(look_twice))
    await asyncio.to_thread(looked.wait, 10)
    await database.write(lambda conn: conn.execute(insert(note).values(n=1)))
    written.set()
    assert await reading == (0, 0)
    assert await database.read(count) == 1


async def test_writes_happen_in_the_order_in_which_they_were_asked_for(database: Database) -> None:
    append = database.statement(insert(note), "n", "body")
    seen: list[int] = []

    async def ask(number: int) -> None:
        def write(conn: Connection) -> None:
            append.run(conn, number, b"")
            seen.append(number)

        await database.write(write)

    await asyncio.gather(*(ask(number) for number in range(200)))
    assert seen == list(range(200))


async def test_many_readers_and_writers_at_once_lose_nothing(database: Database) -> None:
    async def write(number: int) -> None:
        await database.write(lambda conn: conn.execute(insert(note).values(n=number)))

    async def read() -> int:
        return await database.read(count)

    results = await asyncio.gather(*(task for n in range(200) for task in (write(n), read(), read())))
    assert await database.read(count) == 200
    assert all(value is None or 0 <= value <= 200 for value in results)


async def test_a_durable_write_is_full_and_the_next_one_is_not(database: Database) -> None:
    def level(conn: Connection) -> object:
        return pragma(conn, "synchronous")

    assert await database.write(level) == 1
    assert await database.write(level, durable=True) == 2
    assert await database.write(level) == 1
    assert await database.write(
        lambda conn: (pragma(conn, "foreign_keys"), pragma(conn, "journal_mode"))
    ) == (1, "wal")


async def test_a_cancelled_write_that_has_not_begun_never_happens(database: Database) -> None:
    free = threading.Event()
    first = asyncio.create_task(database.write(lambda conn: free.wait(10)))
    second = asyncio.create_task(database.write(lambda conn: conn.execute(insert(note).values(n=2))))
    await asyncio.sleep(0.05)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    free.set()
    assert await first
    assert await database.read(count) == 0


async def test_close_brings_the_log_into_the_file_and_refuses_what_comes_after(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/closed.db")
    await database.write(lambda conn: conn.execute(text("CREATE TABLE kept (n INTEGER)")))
    await database.close()
    await database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["closed.db"]
    with pytest.raises(StoreFault) as fault:
        await database.read(count)
    assert fault.value.code == "store_closed"


async def test_a_statement_binds_names_in_any_order_beside_its_constants(database: Database) -> None:
    append = database.statement(insert(note), "body", "n")
    raise_it = database.statement(
        note.update().where(note.c.n == bindparam("which")).values(n=note.c.n + 10), "which"
    )
    look = database.statement(select(note.c.body).where(note.c.n == bindparam("which")), "which")

    def write(conn: Connection) -> tuple[int, int, int]:
        many = append.run_many(conn, [(b"a", 1), (b"b", 2)])
        return many, raise_it.run(conn, 1).rowcount, raise_it.run(conn, 99).rowcount

    assert await database.write(write) == (2, 1, 0)
    assert await database.read(lambda conn: look.run(conn, 11).fetchall()) == [(b"a",)]
    assert await database.write(lambda conn: append.run_many(conn, [])) == 0


async def test_a_statement_refuses_wrong_names_and_keeps_integrity_errors(database: Database) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        database.statement(select(note).where(note.c.n == bindparam("which")), "which", "nonsense")
    with pytest.raises(ValueError, match="which"):
        database.statement(select(note).where(note.c.n == bindparam("which")))
    append = database.statement(insert(note), "n")
    with pytest.raises(IntegrityError):
        await database.write(lambda conn: append.run_many(conn, [(1,), (1,)]))
    assert await database.read(count) == 0


async def test_a_committed_write_outlives_kill_9(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import text
from windowseat.platform.database import Database
async def main():
    database = Database.open(Path(sys.argv[1]))
    await database.write(lambda conn: conn.execute(text("CREATE TABLE note (n INTEGER PRIMARY KEY)")))
    for n in range(10**9):
        await database.write(lambda conn: conn.execute(text("INSERT INTO note VALUES (:n)"), {"n": n}))
        print(n, flush=True)
asyncio.run(main())
"""
    path = tmp_path / "killed.db"
    command = [sys.executable, "-c", program, str(path)]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    for _ in range(50):
        await child.stdout.readline()
    child.kill()
    told = [
        50,
        *(int(line) + 1 for line in (await child.stdout.read()).splitlines(True) if line[-1:] == b"\n"),
    ][-1]
    await child.wait()
    database = Database.open(path)
    assert await database.read(count) >= told
    assert await database.check() == []
    await database.close()


async def test_two_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import text
from windowseat.platform.database import Database
async def main():
    database = Database.open(Path(sys.argv[1]))
    await database.write(lambda conn: conn.execute(text("CREATE TABLE IF NOT EXISTS note (n INTEGER)")))
    for _ in range(20):
        await database.write(lambda conn: conn.execute(text("INSERT INTO note VALUES (1)")))
    await database.close()
asyncio.run(main())
"""
    path = tmp_path / "shared.db"
    command = [sys.executable, "-c", program, str(path)]
    children = [await asyncio.create_subprocess_exec(*command) for _ in range(3)]
    assert [await child.wait() for child in children] == [0, 0, 0]
    database = Database.open(path)
    assert await database.read(count) == 60
    await database.close()


async def test_a_copy_is_whole_private_and_one_file(database: Database, tmp_path: Path) -> None:
    await database.write(lambda conn: conn.execute(insert(note).values(n=1, body=b"x")))
    (tmp_path / "copies").mkdir()
    target = tmp_path / "copies" / "copy.db"
    await database.copy_to(target)
    assert [path.name for path in target.parent.iterdir()] == ["copy.db"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    copied = sqlite3.connect(target)
    assert copied.execute("SELECT n, body FROM note").fetchall() == [(1, b"x")]
    copied.close()


def test_an_old_sqlite_or_one_without_fts5_is_refused() -> None:
    sqlite.check_library()
    sqlite.check_abilities((3, 40, 0), {"fts5"})
    for version, modules, words in [
        ((3, 39, 4), {"fts5"}, "3.39.4;"),
        ((3, 45, 0), {"rtree"}, "without FTS5"),
    ]:
        with pytest.raises(StoreFault, match=words) as fault:
            sqlite.check_abilities(version, modules)
        assert fault.value.code == "store_too_old"


def test_a_url_of_another_kind_is_refused_without_showing_its_password() -> None:
    with pytest.raises(StoreFault) as fault:
        Database.open("postgresql://me:secret@example.org/windowseat")
    assert fault.value.code == "store_unknown"
    assert "secret" not in str(fault.value)

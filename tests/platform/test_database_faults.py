"""A full disk, a file that cannot be written, a damaged page, a lock held elsewhere: each ends in a
clear error, what was there is intact, and the next call works. The faults are real ones."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, insert, text

from windowseat.core.errors import StoreFault
from windowseat.platform.database import Database

BIG = b"x" * 400_000
note = Table("note", MetaData(), Column("n", Integer, primary_key=True), Column("body", LargeBinary))


def count(conn: Connection) -> int:
    return int(conn.execute(text("SELECT count(*) FROM note")).scalar_one())


async def test_a_full_file_is_told_and_the_next_small_write_works(database: Database) -> None:
    await database.write(lambda conn: conn.execute(insert(note).values(n=1)))

    def fill(conn: Connection) -> None:
        conn.exec_driver_sql("PRAGMA max_page_count = 20")
        conn.execute(insert(note).values(n=2, body=BIG))

    with pytest.raises(StoreFault) as fault:
        await database.write(fill)
    assert fault.value.code == "disk_full"
    assert str(database.path.parent) in fault.value.hint
    await database.write(lambda conn: conn.execute(insert(note).values(n=3)))
    assert await database.read(count) == 2
    assert await database.check() == []


async def test_a_limit_on_file_size_is_a_full_disk(database: Database) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(StoreFault) as fault:
            await database.write(lambda conn: conn.execute(insert(note).values(n=1, body=BIG)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert fault.value.code == "disk_full"
    await database.write(lambda conn: conn.execute(insert(note).values(n=1, body=BIG)), durable=True)
    assert await database.read(count) == 1


ON_A_SMALL_DISK = """
import asyncio, subprocess, sys
from pathlib import Path
from sqlalchemy import text
from windowseat.core.errors import StoreFault
from windowseat.platform.database import Database

INSERT = text("INSERT INTO note (body) VALUES (zeroblob(9000))")

async def main(folder):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    ballast = folder / "ballast"
    ballast.write_bytes(b"b" * 300_000)
    database = Database.open(folder / "small.db")
    create = text("CREATE TABLE note (n INTEGER PRIMARY KEY, body BLOB)")
    await database.write(lambda conn: conn.execute(create))
    codes, kept = [], 0
    for durable in (False, True, False):
        try:
            for _ in range(1000):
                await database.write(lambda conn: conn.execute(INSERT), durable=durable)
                kept += 1
        except StoreFault as fault:
            codes.append(fault.code)
    try:
        await database.copy_to(folder / "copy.db")
    except StoreFault as fault:
        codes.append(fault.code)
    ballast.unlink()
    await database.write(lambda conn: conn.execute(INSERT), durable=True)
    count = await database.read(lambda conn: conn.execute(text("SELECT count(*) FROM note")).scalar_one())
    left = sorted(path.name for path in folder.iterdir() if "copy" in path.name)
    print(codes, count - kept, kept > 20, await database.check(), left)
    await database.close()

asyncio.run(main(Path(sys.argv[1])))
"""


def test_on_a_disk_that_is_really_full_nothing_is_lost_and_room_helps(tmp_path: Path) -> None:
    own_mounts = ["unshare", "-m"]
    if (
        os.geteuid() != 0
        or shutil.which("unshare") is None
        or subprocess.run([*own_mounts, "true"], check=False).returncode
    ):
        pytest.skip("mounting a small disk needs root and unshare (util-linux)")
    command = [*own_mounts, sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "['disk_full', 'disk_full', 'disk_full', 'disk_full'] 1 True [] []\n", done.stderr


WITHOUT_RIGHTS = """
import asyncio, sys
from pathlib import Path
from windowseat.core.errors import StoreFault
from windowseat.platform.database import Database
try:
    database = Database.open(Path(sys.argv[1]))
except StoreFault as fault:
    print(fault.code, sys.argv[1] in fault.detail)
else:
    asyncio.run(database.close())
    print("opened")
"""


def run_bound_by_rights(path: Path) -> str:
    command = [sys.executable, "-c", WITHOUT_RIGHTS, str(path)]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root is not bound by a file's rights, and setpriv (util-linux) is not here")
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o400, 0o700), (0o600, 0o500), (0o000, 0o700)])
def test_a_file_or_folder_that_cannot_be_written_is_told(
    tmp_path: Path, file_mode: int, folder_mode: int
) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    path = folder / "windowseat.db"
    assert run_bound_by_rights(path) == "opened\n"
    before = path.read_bytes()
    path.chmod(file_mode)
    folder.chmod(folder_mode)
    try:
        assert run_bound_by_rights(path) == "store_read_only True\n"
    finally:
        folder.chmod(0o700)
    path.chmod(0o600)
    assert path.read_bytes() == before
    assert run_bound_by_rights(path) == "opened\n"


def test_a_folder_where_no_file_can_be_made_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    assert run_bound_by_rights(folder / "windowseat.db") == "store_read_only True\n"
    with pytest.raises(StoreFault) as fault:
        Database.open(tmp_path / "missing" / "windowseat.db")
    assert fault.value.code == "store_failed"


async def test_a_damaged_page_is_told_and_the_rest_can_still_be_read(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    database = Database.open(path)
    await database.write(lambda conn: conn.execute(text("CREATE TABLE kept (n INTEGER)")))
    await database.write(lambda conn: conn.execute(text("INSERT INTO kept VALUES (7)")))
    await database.write(
        lambda conn: conn.execute(text("CREATE TABLE note (n INTEGER PRIMARY KEY, body BLOB)"))
    )
    await database.write(lambda conn: conn.execute(insert(note), [{"n": n, "body": BIG} for n in range(3)]))
    page = await database.read(
        lambda conn: conn.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'note'")).scalar_one()
    )
    await database.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(content)

    database = Database.open(path)
    for run in (database.read, database.write):
        with pytest.raises(StoreFault) as fault:
            await run(lambda conn: conn.execute(text("SELECT body FROM note")).all())
        assert fault.value.code == "store_damaged"
        assert "backups" in fault.value.hint
        assert await run(lambda conn: conn.execute(text("SELECT n FROM kept")).scalar_one()) == 7
    assert await database.check() != []
    with pytest.raises(StoreFault) as fault:
        await database.copy_to(tmp_path / "copy.db")
    assert fault.value.code == "store_damaged"
    assert not (tmp_path / "copy.db").exists()
    await database.close()


def test_a_file_that_is_no_database_is_damaged_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear reader, " * 500)
    with pytest.raises(StoreFault) as fault:
        Database.open(path)
    assert fault.value.code == "store_damaged"
    assert path.read_bytes() == b"Dear reader, " * 500


async def test_a_lock_held_elsewhere_is_store_busy_and_then_free(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "test.db", busy_seconds=0.1)
    await database.write(
        lambda conn: conn.execute(text("CREATE TABLE note (n INTEGER PRIMARY KEY, body BLOB)"))
    )
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFault) as fault:
        await database.write(lambda conn: conn.execute(insert(note).values(n=1)))
    assert fault.value.code == "store_busy"
    assert await database.read(count) == 0
    waiting = asyncio.create_task(database.write(lambda conn: conn.execute(insert(note).values(n=1))))
    await asyncio.sleep(0.02)
    other.execute("ROLLBACK")
    await waiting
    other.close()
    assert await database.read(count) == 1
    await database.close()

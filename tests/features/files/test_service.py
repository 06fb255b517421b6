"""Files: kept once per content, seen by their user only, gone when nobody wants them, never half there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from windowseat.core.ask import User
from windowseat.core.errors import NotFound, Refused
from windowseat.features.files import Files
from windowseat.features.files.service import MOST_TEXT
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.testing.clock import StoppedClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def service(database: Database, folder: Path, clock: StoppedClock, ids: Ids) -> Files:
    return Files(database, folder, clock, ids, most_bytes=1_000_000)


def kept(folder: Path) -> list[str]:
    """The names of all files in the folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


async def uses(database: Database) -> list[tuple[int, int]]:
    """Size and number of uses of every blob."""
    rows = await database.read(lambda conn: conn.execute(text("SELECT size, uses FROM blobs")).all())
    return [(row.size, row.uses) for row in rows]


async def test_bytes_come_back_as_they_were_put_in(service: Files, folder: Path, user: User) -> None:
    row = await service.put(user, b"hello", "note.txt", "text/plain")
    digest = hashlib.sha256(b"hello").hexdigest()
    assert (row.media_type, row.size, row.name, row.digest) == ("text/plain", 5, "note.txt", digest)
    assert await service.read(user, row.file) == b"hello"
    assert (folder / digest[:2] / digest[2:4] / digest).read_bytes() == b"hello"
    assert await service.base64(row.file) == base64.b64encode(b"hello")
    assert (await service.open(user, row.file))[1].read_bytes() == b"hello"


async def test_a_stream_is_kept_like_bytes(service: Files, folder: Path, user: User) -> None:
    data = os.urandom(700_000)
    row = await service.put(user, pieces(data[:1], b"", data[1:400_000], data[400_000:]), "x.bin")
    assert await service.read(user, row.file) == data
    assert kept(folder) == [row.digest]


async def test_the_same_bytes_are_kept_once_for_all_and_each_user_has_a_file(
    service: Files, database: Database, folder: Path, user: User, other: User
) -> None:
    one, two, three = await asyncio.gather(
        service.put(user, b"same", "a.txt"),
        service.put(user, b"same", "b.txt"),
        service.put(other, b"same", "c.txt"),
    )
    assert len({one.file, two.file, three.file}) == 3
    assert kept(folder) == [one.digest]
    assert await uses(database) == [(4, 3)]


async def test_nobody_sees_somebody_elses_file(service: Files, user: User, other: User) -> None:
    row = await service.put(user, b"private", "a.txt")
    for call in (service.get, service.open, service.read, service.text):
        with pytest.raises(NotFound) as fault:
            await call(other, row.file)
        assert fault.value.code == "file_not_found"
    assert await service.facts([row.file], other) == {}
    with pytest.raises(NotFound):
        await service.mark_used(other, [row.file])
    assert await service.has_any(user)
    assert not await service.has_any(other)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_file_over_the_cap_is_refused_while_it_comes_and_leaves_nothing(
    service: Files, database: Database, folder: Path, user: User, streamed: bool
) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 100_000
            yield bytes(100_000)

    with pytest.raises(Refused) as fault:
        await service.put(user, endless() if streamed else bytes(1_000_001), "big")
    assert (fault.value.code, fault.value.status) == ("file_too_large", 413)
    assert taken <= 2_000_000
    assert kept(folder) == []
    assert await uses(database) == []


async def test_a_stream_that_breaks_off_leaves_nothing(service: Files, folder: Path, user: User) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield bytes(10)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await service.put(user, breaking(), "x")
    assert kept(folder) == []


async def test_a_put_that_is_cancelled_leaves_nothing(service: Files, folder: Path, user: User) -> None:
    async def hanging() -> AsyncIterator[bytes]:
        yield bytes(10)
        await asyncio.Event().wait()

    putting = asyncio.create_task(service.put(user, hanging(), "x"))
    while not kept(folder):
        await asyncio.sleep(0.001)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert kept(folder) == []


def test_a_disk_without_room_is_told_plainly_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the system refuses in the same way."""
    program = """
import asyncio, resource, sys
from pathlib import Path
from windowseat.core.ask import User
from windowseat.core.errors import StoreFault
from windowseat.features.files import Files
from windowseat.migrations import migrate
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids

async def main(home):
    database = Database.open(home / "windowseat.db")
    await migrate(database, home / "backups")
    files = Files(database, home / "files", Clock(), Ids(), most_bytes=10**9)
    user = User(id="u")
    before = await files.put(user, b"before", "before.txt")
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, resource.RLIM_INFINITY))
    try:
        await files.put(user, bytes(2**21), "big")
    except StoreFault as fault:
        print(fault.code)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print((await files.read(user, before.file)).decode())
    print(sum(path.is_file() for path in (home / "files").rglob("*")))
    await database.close()

asyncio.run(main(Path(sys.argv[1])))
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.stdout.split(), ran.stderr) == (["disk_full", "before", "1"], "")


async def test_what_nobody_used_is_gone_after_a_day_and_what_a_message_names_stays(
    service: Files, database: Database, folder: Path, user: User, clock: StoppedClock
) -> None:
    unused = await service.put(user, b"unused", "a.txt")
    used = await service.put(user, b"used", "b.txt")
    made = await service.put(user, b"made", "c.txt", used=True)
    await service.mark_used(user, [used.file])
    clock.move(timedelta(hours=23))
    assert await service.sweep() == 0
    clock.move(timedelta(hours=2))
    assert await service.sweep() == 1
    assert kept(folder) == sorted([used.digest, made.digest])
    with pytest.raises(NotFound):
        await service.get(user, unused.file)
    assert await service.read(user, used.file) == b"used"
    assert len(await uses(database)) == 2


async def test_bytes_that_another_row_shares_outlive_an_unused_one(
    service: Files, database: Database, user: User, other: User, clock: StoppedClock
) -> None:
    await service.put(user, b"same", "a.txt")
    theirs = await service.put(other, b"same", "b.txt", used=True)
    clock.move(timedelta(days=2))
    assert await service.sweep() == 0
    assert await uses(database) == [(4, 1)]
    assert await service.read(other, theirs.file) == b"same"


async def test_bytes_that_a_crash_left_without_a_row_are_swept_and_those_on_their_way_stay(
    service: Files, folder: Path, user: User, clock: StoppedClock
) -> None:
    row = await service.put(user, b"here", "a.txt", used=True)
    stray, coming = folder / "ab" / "cd" / ("ab" * 32), folder / "coming" / "x"
    stray.parent.mkdir(parents=True)
    old = clock.now().timestamp() - 2 * 86_400
    for path in (stray, coming):
        path.write_bytes(b"left")
        os.utime(path, (old, old))
    new = folder / "coming" / "y"
    new.write_bytes(b"coming")
    os.utime(new, (clock.now().timestamp(),) * 2)
    assert await service.sweep() == 2
    assert kept(folder) == sorted(["y", row.digest])


async def test_marking_files_of_which_one_is_not_there_is_refused(service: Files, user: User) -> None:
    row = await service.put(user, b"here", "a.txt")
    with pytest.raises(NotFound, match="nowhere"):
        await service.mark_used(user, [row.file, "nowhere"])


async def test_the_facts_of_a_document_hold_its_words_and_a_long_one_is_cut(
    service: Files, user: User
) -> None:
    short = await service.put(user, b"two\r\nlines", "a.md")
    long = await service.put(user, b"x" * (MOST_TEXT + 10), "b.txt")
    picture = await service.put(user, b"\x89PNG\r\n\x1a\n", "c.png")
    facts = await service.facts([short.file, long.file, picture.file, "gone"])
    assert set(facts) == {short.file, long.file, picture.file}
    assert facts[short.file].text == "two\nlines"
    assert facts[picture.file].text is None
    words = facts[long.file].text
    assert words is not None
    assert words.startswith("x" * MOST_TEXT + "\n[Cut here")
    assert await service.text(user, long.file) == "x" * (MOST_TEXT + 10)


async def test_more_files_than_a_statement_takes_parameters_are_read(service: Files, user: User) -> None:
    row = await service.put(user, b"here", "a.txt")
    ids = [f"id-{number}" for number in range(40_000)]
    assert set(await service.facts([*ids, row.file])) == {row.file}


async def test_files_of_a_threads_tools_are_found(service: Files, user: User, other: User) -> None:
    row = await service.put(user, b"result", "r.txt", thread="t", used=True)
    await service.put(user, b"upload", "u.txt")
    assert [each.file for each in await service.made_in(user, "t")] == [row.file]
    assert await service.made_in(other, "t") == ()


async def test_bytes_that_somebody_deleted_are_missed_plainly(
    service: Files, folder: Path, user: User
) -> None:
    row = await service.put(user, b"here", "a.txt")
    (folder / row.digest[:2] / row.digest[2:4] / row.digest).unlink()
    with pytest.raises(NotFound) as fault:
        await service.read(user, row.file)
    assert fault.value.code == "file_bytes_missing"

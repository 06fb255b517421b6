"""The two keepings that every test here runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.contract.kept import Kept, TickingClock

from windowseat.core.ask import User
from windowseat.core.errors import NotFound
from windowseat.features.threads import DatabaseJournal, DatabaseTurns, MemoryTurns, Threads
from windowseat.migrations import migrate
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database as the migrations make it."""
    backups = tmp_path / "backups"
    backups.mkdir()
    opened = Database.open(tmp_path / "windowseat.db")
    await migrate(opened, backups)
    yield opened
    await opened.close()


@pytest.fixture(params=["database", "memory"])
async def kept(request: pytest.FixtureRequest, database: Database) -> Kept:
    """A keeping with two users, and the threads that both keepings share."""
    clock, ids = TickingClock(), Ids()
    user, other = User(id=ids.new(), name="one"), User(id=ids.new(), name="other")
    changes: list[tuple[str, str, int]] = []
    files: set[tuple[str, str]] = set()

    async def check_files(user: User, wanted: set[str]) -> None:
        if missing := [file for file in wanted if (user.id, file) not in files]:
            raise NotFound("file_not_found", f"There is no file {missing}.", hint="Put it in again.")

    async def add_file(user: User, file: str) -> None:
        files.add((user.id, file))
        row = text(
            "INSERT INTO files (id, user_id, digest, media_type, name, size, created_at, used, version) "
            "VALUES (:file, :user, 'd', 'text/plain', 'n', 1, 1, 0, 1)"
        )
        await database.write(lambda conn: conn.execute(row, {"file": file, "user": user.id}).rowcount)

    def on_change(*change: object) -> None:
        changes.append(change)  # type: ignore[arg-type]

    memory = MemoryTurns(ids.new, check_files)
    threads = Threads(database, memory, clock, ids, on_change=on_change, check_files=check_files)
    turns, journal = memory, memory
    if request.param == "database":
        turns = await DatabaseTurns.open(database, clock, ids, on_change, process="a test")
        journal = DatabaseJournal(database, on_change)
    return Kept(request.param, turns, journal, threads, clock, user, other, add_file, changes, ids)

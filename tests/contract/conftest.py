"""The two keepings that every test here runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract.kept import Kept, make_kept

from windowseat.migrations import migrate
from windowseat.platform.database import Database


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
    return await make_kept(database, request.param)

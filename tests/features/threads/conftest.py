"""Threads in a real database, as the migrations make it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract.kept import Kept, make_kept

from windowseat.migrations import migrate
from windowseat.platform.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with all tables and no row."""
    backups = tmp_path / "backups"
    backups.mkdir()
    opened = Database.open(tmp_path / "windowseat.db")
    await migrate(opened, backups)
    yield opened
    await opened.close()


@pytest.fixture
async def kept(database: Database) -> Kept:
    """The turns and threads of that database."""
    return await make_kept(database, "database")

"""What the tests of the features share: a migrated database, two users, a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from windowseat.core.ask import User
from windowseat.features.users.store import users
from windowseat.migrations import migrate
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.moments import to_number
from windowseat.testing.clock import StoppedClock


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def ids() -> Ids:
    return Ids()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with all tables and no row."""
    opened = Database.open(tmp_path / "windowseat.db")
    await migrate(opened, tmp_path / "backups")
    yield opened
    await opened.close()


async def _add(database: Database, user: User, clock: Clock) -> User:
    values = {"id": user.id, "name": user.name, "created_at": to_number(clock.now()), "version": 1}
    await database.write(lambda conn: conn.execute(insert(users).values(**values)))
    return user


@pytest.fixture
async def user(database: Database, clock: StoppedClock) -> User:
    """Somebody who is there already."""
    return await _add(database, User(id="00000000-0000-7000-8000-000000000001", name="first"), clock)


@pytest.fixture
async def other(database: Database, user: User, clock: StoppedClock) -> User:
    """Somebody else, who must see nothing of the first."""
    return await _add(database, User(id="00000000-0000-7000-8000-000000000002", name="second"), clock)

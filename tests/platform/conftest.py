"""What the tests of the platform share: a database in the test's own folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import text

from windowseat.platform.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database.open(tmp_path / "test.db")
    await opened.write(
        lambda conn: conn.execute(text("CREATE TABLE note (n INTEGER PRIMARY KEY, body BLOB)"))
    )
    yield opened
    await opened.close()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket, which tmp_path may not be."""
    with TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        yield Path(folder)

"""The very first start is killed anywhere, also while it makes the tables, and is then made anew."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from tests.crash.test_crash import SEED

from windowseat.testing.serving import ServerProcess

TABLES_WITHIN = 0.06
"""Seconds over which the kills are spread once the database's file is there; its tables take less to make."""


def kill_first_starts(tmp_path: Path, kills: int) -> None:
    chance = random.Random(SEED)
    sys.stdout.write(f"CRASH_SEED={SEED}\n")
    reached: set[str] = set()
    for number in range(kills):
        server = ServerProcess(
            home=tmp_path / f"home-{number}", settings={"default_model": "nowhere/none", "port": 0}
        )
        try:
            server.start()
            while not (server.home / "windowseat.db").exists():
                time.sleep(0.0005)
            time.sleep((number + chance.random()) / kills * TABLES_WITHIN)
            server.kill()
            reached.add(how_far(server.home))
            server.start()
            server.wait_until_ready()
            assert server.client.get("/api/threads")["threads"] == []
            connection = {"name": "local-llm", "dialect": "openai-chat", "url": "http://127.0.0.1:9/v1"}
            server.client.send("POST", "/api/connections", connection)
            assert server.stop() == 0
            assert how_far(server.home) == "tables"
        finally:
            server.end()
    sys.stdout.write(f"{kills} first starts were killed, and left: {', '.join(sorted(reached))}\n")


def how_far(home: Path) -> str:
    """What a start left behind: a database without tables, or one with all of them."""
    with sqlite3.connect(home / "windowseat.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        versions = database.execute("SELECT version FROM schema_version").fetchall() if names else []
    database.close()
    assert bool(versions) == ("turns" in names), "tables without their version"
    return "tables" if names else "an empty database"


def test_a_first_start_that_is_killed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    kill_first_starts(tmp_path, 2)


@pytest.mark.long
def test_twenty_first_starts_that_are_killed_leave_nothing_in_the_way(tmp_path: Path) -> None:
    kill_first_starts(tmp_path, 20)

"""A disk that is full, slow or broken under a real server: a clear error, what was there intact, and on.

The full disk is a small file system in memory, for which the tests have to run as root on Linux; the broken
one is a limit on how large a file may become; the slow one is another program that holds the database.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.load.conftest import Serve, served

from windowseat.core.errors import Fault
from windowseat.platform.home import Home
from windowseat.testing.behaviours import word
from windowseat.testing.following import Door, Follower, events_in
from windowseat.testing.serving import NotReady, ServerProcess

SIZE = "16m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that holds 16 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root on Linux")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, but: int, name: str = "") -> Path:
    """A file that leaves so many bytes free."""
    filler = disk / f"filler{name}"
    free = shutil.disk_usage(disk).free
    filler.write_bytes(b"\0" * max(0, free - but))
    return filler


def start_turn(server: ServerProcess, words: int = 50, rate: int = 0, **more: Any) -> dict[str, Any]:
    model = f"scripted/paced-{rate}tps-{words}tok-0ttft"
    body = {"id": str(uuid.uuid4()), "new": {}, "model": model, "parts": [{"type": "text", "text": "Go."}]}
    begun: dict[str, Any] = server.client.send("POST", "/api/turns", {**body, **more})
    return begun


def resume(server: ServerProcess, turn: str) -> None:
    """Resume, and where the disk has only just come back do as the hint says: try again."""
    for _ in range(50):
        try:
            server.client.send("POST", f"/api/turns/{turn}/resume")
        except Fault as fault:
            if fault.code != "store_busy":
                raise
            time.sleep(0.1)
        else:
            return
    raise AssertionError("it cannot be resumed")


def answered(server: ServerProcess, turn: str) -> list[dict[str, Any]]:
    return list(server.client.follow(turn))


def answer_of(server: ServerProcess, begun: dict[str, Any]) -> dict[str, Any]:
    messages = server.client.get(f"/api/threads/{begun['thread']}/messages")["messages"]
    answer: dict[str, Any] = messages[-1]
    return answer


def check_sound(home: Path) -> None:
    with sqlite3.connect(f"file:{home / 'windowseat.db'}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


def test_a_full_disk_is_said_and_nothing_that_was_there_is_lost(
    small_disk: Path, paced_provider: str
) -> None:
    with served(small_disk / "home", paced_provider, {}) as server:
        before = start_turn(server)
        answered(server, before["turn"])
        kept = answer_of(server, before)
        fill(small_disk, but=400_000)
        long = start_turn(server, words=200_000)
        shown: list[dict[str, Any]] = []
        with pytest.raises(Fault) as told:
            shown.extend(server.client.follow(long["turn"]))
        assert told.value.code == "disk_full"
        assert told.value.hint

        assert answer_of(server, before) == kept
        assert server.client.get(f"/api/turns/{long['turn']}")["state"] == "interrupted"
        fill(small_disk, but=0, name="more")
        with pytest.raises(Fault) as refused:
            start_turn(server)
        assert (refused.value.code, refused.value.status) == ("disk_full", 503)

        for each in small_disk.glob("filler*"):
            each.unlink()
        after = start_turn(server)
        assert answered(server, after["turn"])[-1]["stop_reason"] == "end"
        server.client.send("POST", f"/api/turns/{long['turn']}/cancel")
        events = answered(server, long["turn"])
        assert events[: len(shown)] == shown
        assert events[-1]["type"] == "turn_settled"
        assert answer_of(server, before) == kept
        assert server.stop() == 0
        check_sound(server.home)


def test_a_start_on_a_full_disk_says_so_and_the_next_one_is_fine(
    small_disk: Path, paced_provider: str
) -> None:
    with served(small_disk / "home", paced_provider, {}) as server:
        before = start_turn(server)
        answered(server, before["turn"])
        kept = answer_of(server, before)
        running = start_turn(server, words=500, rate=200)
        time.sleep(0.3)
        server.kill()
        filler = fill(small_disk, but=0)
        server.start()
        try:
            server.wait_until_ready()
        except NotReady:
            assert server.process is not None
            assert server.process.returncode == 3
            assert "full" in server.printed()
            assert "Traceback" not in server.printed()
        else:
            server.kill()
        filler.unlink()
        server.start()
        server.wait_until_ready()
        assert answer_of(server, before) == kept
        assert answered(server, running["turn"])[-1]["stop_reason"] == "end"
        assert server.stop() == 0
        check_sound(server.home)


def test_a_file_that_may_not_grow_is_said_and_what_was_there_stays(
    tmp_path: Path, paced_provider: str
) -> None:
    """Where writing fails with another error than a full disk: a quota, a limit, a broken disk."""
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit, which limits a file's size, is not there")
    with served(tmp_path / "home", paced_provider, {}) as server:
        before = start_turn(server)
        answered(server, before["turn"])
        kept = answer_of(server, before)
        subprocess.run(["prlimit", f"--pid={server.pid}", f"--fsize={2 * 1024 * 1024}"], check=True)
        long = start_turn(server, words=300_000)
        with pytest.raises(Fault) as told:
            answered(server, long["turn"])
        assert told.value.code.startswith(("disk", "store"))
        assert told.value.hint
        assert answer_of(server, before) == kept
        server.kill()
        server.start()
        server.wait_until_ready()
        assert answer_of(server, before) == kept
        server.client.send("POST", f"/api/turns/{long['turn']}/cancel")
        assert answered(server, long["turn"])[-1]["type"] == "turn_settled"
        check_sound(server.home)


@pytest.mark.parametrize("seconds", [2.0, pytest.param(7.0, marks=pytest.mark.long)])
async def test_a_disk_that_stands_still_for_seconds_loses_no_word(
    serve: Serve, paced_provider: str, seconds: float
) -> None:
    """Another program holds the database; for over five seconds, and the turn says so and can be resumed."""
    server = serve(paced_provider)
    begun = await asyncio.to_thread(start_turn, server, 600, 200)
    path = f"/api/turns/{begun['turn']}/events"
    follower = Follower(Door(path=Home(server.home).socket_path()), path)
    following = asyncio.create_task(follower.follow(60))
    await asyncio.sleep(0.5)
    with sqlite3.connect(server.home / "windowseat.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(seconds)
        other.execute("ROLLBACK")
    other.close()
    await following
    if not follower.settled:
        assert events_in(bytes(follower.seen))[-1]["type"] == "problem"
        await asyncio.to_thread(resume, server, begun["turn"])
    events = await asyncio.to_thread(answered, server, begun["turn"])
    shown = [event for event in events_in(bytes(follower.seen)) if event["type"] != "problem"]
    assert events[: len(shown)] == shown
    assert events[-1]["stop_reason"] == "end"
    said = "".join(event["text"] for event in events if event["type"] == "part_delta")
    if seconds < 5:
        assert said == "".join(map(word, range(600)))
    assert said.startswith("".join(map(word, range(30))))

"""Providers that go wrong in every way, behind a real server: each answer ends in a clear event, in time.

What came before stays, memory stays bounded, and meanwhile and afterwards the server answers everyone else.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.load.conftest import served
from tests.load.hostile import REPLIES, SAID

from windowseat.platform.home import Home
from windowseat.testing.following import Door, Follower, events_in
from windowseat.testing.serving import ServerProcess

SILENCE = 1.0
"""Seconds that the server lets a provider be silent in these tests."""
SOON = 5.0
"""Seconds within which everything ends that needs no waiting, on a busy machine."""
STANDSTILL = 10.0
"""Seconds for which nobody else was answered; a busy machine takes some, a server that hangs takes more."""
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Expected:
    """How an answer ends: the fault ("" for none), the seconds it may take, memory that it may add."""

    fault: str = ""
    within: float = SOON
    megabytes: int = 40
    code: str = "error"
    says: str = ""
    keeps: bool = True


ENDS: dict[str, Expected] = {
    "fine": Expected(),
    "half-character": Expected("provider_unreadable"),
    "half-character-then-cut": Expected("provider_unreadable"),
    "broken-json": Expected("provider_unreadable"),
    "deep-json": Expected("provider_unreadable"),
    "no-json": Expected("provider_unreadable"),
    "json-of-another-kind": Expected("provider_unreadable"),
    "long-line": Expected("provider_line_too_long", megabytes=80),
    # 32 million characters are the bound of an answer, and a message of JSON holds them a few times over.
    "endless-text": Expected("provider_too_long", within=60, megabytes=800, says="did not end"),
    "endless-arguments": Expected("provider_too_long", within=60, megabytes=800, says="did not end"),
    "endless-pings": Expected("provider_too_long", within=60),
    "web-page": Expected("provider_wrong_type", says="web page", keeps=False),
    "image": Expected("provider_wrong_type", keeps=False),
    "gzip-bomb": Expected("provider_too_long", keeps=False),
    "gzip-bomb-of-json": Expected("provider_too_long", keeps=False),
    "no-gzip": Expected("provider_wrong_type", keeps=False),
    "slow-down-for-a-second": Expected(within=1 + SOON),
    "slow-down": Expected("provider_rate_limit", within=6 + SOON, code="limit", keeps=False),
    "slow-down-for-an-hour": Expected("provider_rate_limit", code="limit", keeps=False),
    "broken": Expected("provider_error", says="500", keeps=False),
    "overloaded": Expected("provider_overloaded", says="503", keeps=False),
    "wrong-key": Expected("provider_key_refused", says="key", keeps=False),
    "silent": Expected("provider_silent", within=SILENCE + SOON, says="sent nothing", keeps=False),
    "hangs": Expected("provider_silent", within=SILENCE + SOON, says="sent nothing"),
    "cut": Expected("provider_cut"),
    "never-says-the-end": Expected("provider_cut"),
}
STOPPED = "endless-words"
"""So many small words that only a person's stop ends them soon."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    command = [sys.executable, "-m", "tests.load.hostile"]
    root = Path(__file__).resolve().parents[2]
    settings = {"silence_timeout": SILENCE, "connect_timeout": 1.0}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as provider:
        assert provider.stdout is not None
        try:
            home = tmp_path_factory.mktemp("hostile") / "home"
            with served(home, provider.stdout.readline().strip(), settings) as server:
                yield server
        finally:
            provider.kill()


@pytest.fixture
def door(server: ServerProcess) -> Door:
    return Door(path=Home(server.home).socket_path())


async def ask(door: Door, model: str) -> tuple[str, Follower]:
    turn = str(uuid.uuid4())
    body = {"id": turn, "new": {}, "model": f"scripted/{model}", "parts": [{"type": "text", "text": "Go."}]}
    status, begun = await door.ask("POST", "/api/turns", body)
    assert status == 202, begun
    return turn, Follower(door, f"/api/turns/{turn}/events")


@pytest.fixture
async def everyone_else(door: Door) -> AsyncIterator[list[float]]:
    """Asks for the threads again and again, as a page does; how long each time took, in seconds."""
    took: list[float] = []

    async def look() -> None:
        while True:
            before = time.monotonic()
            status, _ = await door.ask("GET", "/api/threads")
            took.append(time.monotonic() - before)
            assert status == 200
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    yield took
    assert not looking.done() or looking.exception() is None
    looking.cancel()


def test_every_way_to_go_wrong_has_its_end() -> None:
    assert set(REPLIES) == {*ENDS, STOPPED}


LONG = {"endless-arguments", "endless-pings"}


@pytest.mark.parametrize(
    "model", [pytest.param(model, marks=[pytest.mark.long] if model in LONG else []) for model in ENDS]
)
async def test_an_answer_ends_in_a_clear_event_in_time(
    server: ServerProcess, door: Door, everyone_else: list[float], model: str
) -> None:
    expected = ENDS[model]
    server.forget_peak()
    memory = server.memory()
    _, follower = await ask(door, model)
    begun = time.monotonic()
    assert await follower.follow(expected.within) == 200, "it did not end in time"
    took = time.monotonic() - begun
    events = events_in(bytes(follower.seen))
    _ends_as(events, expected)
    if expected.keeps:
        assert said_in(events).startswith(SAID)
    peak = (server.peak_memory() - memory) / MEGABYTE
    sys.stdout.write(f"{model}: {took:.2f} s, {peak:.0f} MB, others waited {max(everyone_else):.2f} s\n")
    assert peak < expected.megabytes
    await _goes_on(door)
    assert max(everyone_else) < STANDSTILL, "others had to wait"


async def test_words_without_end_are_stopped_at_once_by_a_person(
    server: ServerProcess, door: Door, everyone_else: list[float]
) -> None:
    memory = server.memory()
    turn, follower = await ask(door, STOPPED)
    await follower.follow(3.0)
    begun = time.monotonic()
    assert (await door.ask("POST", f"/api/turns/{turn}/cancel"))[0] == 204
    assert await follower.follow(SOON) in (200, 204)
    events = events_in(bytes(follower.seen))
    assert (events[-1]["type"], events[-1]["stop_reason"]) == ("turn_settled", "cancelled")
    took, peak = time.monotonic() - begun, (server.peak_memory() - memory) / MEGABYTE
    sys.stdout.write(f"{STOPPED}: {took:.2f} s, {peak:.0f} MB, others waited {max(everyone_else):.2f} s\n")
    assert peak < 200
    assert max(everyone_else) < STANDSTILL, "others had to wait"
    await _goes_on(door)


async def _goes_on(door: Door) -> None:
    """Somebody else's question is answered."""
    _, follower = await ask(door, "fine")
    assert await follower.follow(SOON) == 200
    assert said_in(events_in(bytes(follower.seen))) == SAID


def _ends_as(events: list[dict[str, Any]], expected: Expected) -> None:
    assert [event["n"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "turn_settled"
    notices = [event for event in events if event["type"] == "notice"]
    if not expected.fault:
        assert (events[-1]["stop_reason"], notices) == ("end", [])
        return
    (notice,) = notices
    assert events[-1]["stop_reason"] == "error"
    assert (notice["fault"], notice["code"]) == (expected.fault, expected.code)
    assert expected.says in notice["text"]
    assert len(notice["text"]) > 20


def said_in(events: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in events if event["type"] == "part_delta")

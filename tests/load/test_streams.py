"""Many answers at once on one server: followers that are slow, leave or come back get all of it in order."""

from __future__ import annotations

import asyncio
import random
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.load.conftest import Serve

from windowseat.testing.behaviours import word
from windowseat.testing.following import Door, Follower, events_in
from windowseat.testing.serving import ServerProcess

KINDS = ("steady", "slow", "leaving", "late", "browser")
SEED = 20261125


def key_of(server: ServerProcess) -> str:
    made = server.client.send("POST", "/api/keys", {"name": "load", "scope": "api"})
    return str(made["key"])


def said_in(events: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in events if event["type"] == "part_delta")


async def one_stream(
    door: Door, kind: str, model: str, chance: random.Random
) -> tuple[str, list[dict[str, Any]]]:
    """Ask, and follow in this way to the end; the thread and the events."""
    turn = str(uuid.uuid4())
    await asyncio.sleep(chance.uniform(0, 1.0))
    body = {"id": turn, "new": {}, "model": model, "parts": [{"type": "text", "text": "Go."}]}
    status, begun = await door.ask("POST", "/api/turns", body)
    assert status == 202, begun
    path = f"/api/turns/{turn}/events"
    match kind:
        case "steady":
            follower = Follower(door, path)
            assert await follower.follow() == 200
        case "slow":
            follower = Follower(door, path, slowness=0.05)
            assert await follower.follow() == 200
        case "leaving":
            follower = Follower(door, path)
            while not follower.settled:
                assert await follower.follow(chance.uniform(0.05, 1.0)) in (200, 204, None)
                await asyncio.sleep(chance.uniform(0, 0.3))
        case "late":
            await asyncio.sleep(chance.uniform(0.5, 3.0))
            follower = Follower(door, path)
            assert await follower.follow() == 200
        case "browser":
            over = asyncio.Event()
            follower = Follower(
                door,
                "/api/events",
                prefix=f"{turn}:",
                on_event=lambda event: over.set() if event["type"] == "turn_settled" else None,
            )
            following = asyncio.create_task(follower.follow())
            await over.wait()
            following.cancel()
            await asyncio.wait([following])
    return begun["thread"], events_in(bytes(follower.seen))


async def many_streams(server: ServerProcess, streams: int, model: str, words: int, within: float) -> None:
    chance = random.Random(SEED)
    port = int(server.printed().split("http://127.0.0.1:")[1].split()[0])
    door = Door(port=port, key=key_of(server))
    kinds = [KINDS[i % len(KINDS)] for i in range(streams)]
    async with asyncio.timeout(within):
        followed = await asyncio.gather(
            *(one_stream(door, kind, model, random.Random(chance.random())) for kind in kinds)
        )
    said = "".join(map(word, range(words)))
    for kind, (_, events) in zip(kinds, followed, strict=True):
        assert [event["n"] for event in events] == list(range(1, len(events) + 1)), kind
        assert said_in(events) == said, kind
        assert (events[-1]["type"], events[-1]["stop_reason"]) == ("turn_settled", "end"), kind
    for thread, _ in followed:
        shown = server.client.get(f"/api/threads/{thread}/messages")["messages"][-1]
        assert shown["parts"][0]["text"] == said
        assert server.client.get(f"/api/threads/{thread}")["state"] == "idle"
    rows = server.client.get("/api/ledger?limit=500")["rows"]
    assert sum(row["usage"]["output_tokens"] == words for row in rows) == streams
    sys.stdout.write(f"{streams} streams of {words} words: {server.memory() / 1e6:.0f} MB\n")
    assert server.stop() == 0
    assert "ERROR" not in server.printed()
    assert "Traceback" not in server.printed()


async def test_fifty_streams_at_once_come_whole_and_in_order(serve: Serve, paced_provider: str) -> None:
    await many_streams(serve(paced_provider), 50, "scripted/paced-20tps-60tok-50ttft", 60, 30)


@pytest.mark.long
async def test_two_hundred_streams_at_once_come_whole_and_in_order(serve: Serve, paced_provider: str) -> None:
    await many_streams(serve(paced_provider), 200, "scripted/paced-20tps-600tok-50ttft", 600, 120)


async def test_a_follower_that_never_reads_holds_up_nobody(serve: Serve, paced_provider: str) -> None:
    """Its connection fills up and stays so; the answer goes on, and whoever reads gets all of it."""
    server = serve(paced_provider)
    door = Door(path=Path(server.client._path))
    turn = str(uuid.uuid4())
    model = "scripted/paced-0tps-60000tok-0ttft"
    body = {"id": turn, "new": {}, "model": model, "parts": [{"type": "text", "text": "Go."}]}
    assert (await door.ask("POST", "/api/turns", body))[0] == 202
    deaf = []
    for _ in range(10):
        _, writer = await door.open(buffer=4096)
        writer.write(door.request("GET", f"/api/turns/{turn}/events"))
        deaf.append(writer)
    follower = Follower(door, f"/api/turns/{turn}/events")
    assert await follower.follow(30) == 200
    said = "".join(
        event["text"] for event in events_in(bytes(follower.seen)) if event["type"] == "part_delta"
    )
    assert said == "".join(map(word, range(60000)))
    for writer in deaf:
        writer.transport.abort()
    assert server.stop() == 0

"""The one stream of a tab: turns, threads and lists together; and streams that end when they should."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest
from tests.entrypoints.web.conftest import read_events, types

from windowseat.core.errors import StoreFault
from windowseat.entrypoints.web import event_stream
from windowseat.features.threads import DatabaseJournal
from windowseat.testing.replies import answer, hang, pause, text
from windowseat.testing.world import Running


async def until(condition, seconds=5.0):
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def readers(running: Running) -> int:
    return sum(map(len, running.house.news._readers.values()))


async def test_one_stream_follows_turns_that_run_turns_that_start_and_the_list(running: Running):
    first = await running.start("first")
    await read_events(running.browser, f"/api/turns/{first['turn']}/events")
    slow = await running.start("go", model="test/paced-100tps-40tok")
    version = (await running.browser.get("/api/threads")).json()["version"]
    path = f"/api/events?turn={slow['turn']}:2&thread={first['thread']}&list=threads:{version}"
    reading = asyncio.create_task(read_until_settled(running.browser, path, turns=2))
    await until(lambda: readers(running) == 1)
    second = await running.start("second", thread=first["thread"], parent=first["message"])
    events = await reading
    for turn, begin in ((slow["turn"], 3), (second["turn"], 1)):
        numbers = [id.split(":")[1] for id, _ in events if id.startswith(turn)]
        assert numbers == [str(begin + index) for index in range(len(numbers))]
    changes = [event for _, event in events if event["type"] == "changed"]
    assert changes
    assert all(change["list"] == "threads" and change["version"] > version for change in changes)
    assert [change["version"] for change in changes] == sorted({change["version"] for change in changes})


async def read_until_settled(client, path, *, turns):
    found = []
    id = ""
    async with client.stream("GET", path, timeout=20) as answered:
        assert answered.status_code == 200, await answered.aread()
        async for line in answered.aiter_lines():
            if line.startswith("id: "):
                id = line[4:]
            elif line.startswith("data: "):
                event = json.loads(line[6:])
                found.append((id if event["type"] != "changed" else "", event))
                turns -= event["type"] == "turn_settled"
                if turns == 0:
                    return found
    return found


async def test_a_turn_that_began_between_reading_and_following_is_not_missed(running: Running, provider):
    provider.script([answer(text("here"), hang())])
    begun = await running.start("go")
    events = await read_events(
        running.browser, f"/api/events?thread={begun['thread']}&list=threads:0", until="part_delta"
    )
    turn = [id for id, event in events if event["type"] == "turn_started"]
    assert turn == [f"{begun['turn']}:1"]
    assert any(event["type"] == "changed" for _, event in events)


async def test_a_stream_of_a_list_alone_tells_a_change_of_it(running: Running):
    begun = await running.start("first")
    await read_events(running.browser, f"/api/turns/{begun['turn']}/events")
    version = (await running.browser.get("/api/threads")).json()["version"]
    reading = asyncio.create_task(read_events(running.browser, f"/api/events?list=threads:{version}", most=1))
    await until(lambda: readers(running) == 1)
    await running.browser.patch(f"/api/threads/{begun['thread']}", json={"title": "Blue"})
    assert [event for _, event in await reading] == [
        {"type": "changed", "list": "threads", "version": version + 1}
    ]


@pytest.mark.parametrize("query", ["turn=x", "turn=x:y", "list=threads", "list=nothing:1", "list=threads:-1"])
async def test_a_query_that_says_nothing_is_refused(running: Running, query):
    refused = await running.browser.get(f"/api/events?{query}")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_query")


async def test_a_reader_that_goes_away_leaves_nothing_behind(running: Running, provider):
    provider.script([answer(text("here"), hang())])
    begun = await running.start("go")
    path = f"/api/turns/{begun['turn']}/events"
    await read_events(running.browser, path, until="part_delta")
    await read_events(running.browser, f"/api/events?turn={begun['turn']}:0", until="part_delta")
    await until(lambda: readers(running) == 0)
    await until(lambda: not [t for t in asyncio.all_tasks() if t.get_name() == "a reader of events"])
    assert (await running.browser.get(f"/api/turns/{begun['turn']}")).json()["state"] == "running"


async def test_a_quiet_stream_says_that_it_is_still_there(running: Running, provider, monkeypatch):
    monkeypatch.setattr(event_stream, "QUIET", 0.05)
    provider.script([answer(text("here"), hang())])
    begun = await running.start("go")
    comments = 0
    async with running.browser.stream("GET", f"/api/turns/{begun['turn']}/events", timeout=10) as answered:
        async for line in answered.aiter_lines():
            comments += line.startswith(":")
            if comments == 3:
                return


async def test_a_stream_ends_with_the_sign_in_it_began_with(running: Running, provider, monkeypatch):
    monkeypatch.setattr(event_stream, "QUIET", 0.05)
    provider.script([answer(text("here"), hang())])
    begun = await running.start("go")
    reading = asyncio.create_task(read_events(running.browser, f"/api/turns/{begun['turn']}/events"))
    await until(lambda: readers(running) == 1)
    here = (await running.browser.get("/api/sign-ins")).json()["sign_ins"][0]
    assert here["here"] is True
    assert (await running.program.delete(f"/api/sign-ins/{here['id']}")).status_code == 204
    assert "turn_started" in types(await reading)
    assert (await running.browser.get("/api/threads")).status_code == 401


async def test_two_hundred_followers_each_get_every_event_once(running: Running):
    begun = await running.start("go", model="test/paced-100tps-80tok")
    limits = httpx2.Limits(max_connections=None)
    cookies = dict(running.browser.cookies)
    async with httpx2.AsyncClient(base_url=running.address, cookies=cookies, limits=limits) as client:

        async def follow(after: int) -> list[int]:
            """Leave and come back once in between."""
            path = f"/api/turns/{begun['turn']}/events"
            first = await read_events(client, f"{path}?after={after}", most=2)
            rest = await read_events(client, f"{path}?after={first[-1][0]}")
            return [event["n"] for _, event in first + rest]

        all_seen = await asyncio.gather(*(follow(index % 3) for index in range(200)))
    last = max(seen[-1] for seen in all_seen)
    assert all(seen == list(range(index % 3 + 1, last + 1)) for index, seen in enumerate(all_seen))


async def test_a_stream_goes_through_proxies_as_it_comes_and_is_kept_by_none(running: Running):
    begun = await running.start("hello")
    async with running.browser.stream("GET", f"/api/turns/{begun['turn']}/events") as answered:
        told = answered.headers
    assert told["content-type"].startswith("text/event-stream")
    assert (told["cache-control"], told["x-accel-buffering"]) == ("no-store", "no")


async def test_a_turn_that_cannot_be_written_any_more_ends_its_streams_with_the_reason(
    running: Running, provider, monkeypatch
):
    async def full(_journal, _entries, *, durable):
        raise StoreFault("disk_full", "There is no room.", hint="Make room.")

    provider.script([answer(text("here"), pause(0.5), text(" and there"), hang())])
    begun = await running.start("go")
    path = f"/api/turns/{begun['turn']}/events"
    await read_events(running.browser, path, until="part_delta")
    monkeypatch.setattr(DatabaseJournal, "commit", full)
    events = await read_events(running.browser, path)
    assert (events[-1][1]["code"], events[-1][1]["hint"]) == ("disk_full", "Make room.")


async def test_a_stream_that_begins_while_the_server_stops_ends_at_once(running: Running, provider):
    provider.script([answer(text("here"), hang())])
    begun = await running.start("go")
    running.house.news.end()
    assert await read_events(running.browser, f"/api/turns/{begun['turn']}/events") == []

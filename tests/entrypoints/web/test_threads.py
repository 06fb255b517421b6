"""Threads and messages over HTTP: lists by cursor and by version, changes, and what comes back."""

from __future__ import annotations

import pytest
from tests.entrypoints.web.conftest import read_events

from windowseat.testing.replies import answer, hang, text
from windowseat.testing.world import Running


@pytest.fixture
async def begun(running: Running):
    begun = await running.start("hello")
    await read_events(running.browser, f"/api/turns/{begun['turn']}/events")
    return begun


async def test_a_list_tells_what_changed_since_its_version(running: Running, begun):
    first = (await running.browser.get("/api/threads")).json()
    assert [thread["id"] for thread in first["threads"]] == [begun["thread"]]
    since = f"/api/threads?since={first['version']}"
    assert (await running.browser.get(since)).json()["threads"] == []
    path = f"/api/threads/{begun['thread']}"
    changed = (await running.browser.patch(path, json={"title": "Sky", "pinned": True})).json()
    assert (changed["title"], changed["title_by"], changed["pinned"]) == ("Sky", "user", True)
    assert (await running.browser.get(since)).json()["threads"] == [changed]
    assert (await running.browser.delete(path)).status_code == 204
    assert (await running.browser.get(since)).json()["gone"] == [begun["thread"]]
    assert (await running.browser.get(path)).status_code == 404
    restored = (await running.browser.post(path + "/restore")).json()
    assert restored["title"] == "Sky"
    assert len((await running.browser.get(path + "/messages")).json()["messages"]) == 2


async def test_a_thread_has_every_field_also_where_nothing_is_known(running: Running, begun):
    thread = (await running.browser.get(f"/api/threads/{begun['thread']}")).json()
    for name in ("title", "project", "options", "forked_from"):
        assert thread[name] is None
    assert thread["model"] == "test/echo"


async def test_more_than_a_hundred_threads_come_by_cursor(running: Running, begun):
    for _ in range(103):
        await running.house.threads.fork(running.house.owner, begun["thread"], begun["message"])
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await running.browser.get("/api/threads", params={"after": cursor} if cursor else {})).json()
        seen += [thread["id"] for thread in page["threads"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 104


async def test_deleting_a_thread_stops_what_runs_in_it(running: Running, provider):
    provider.script([answer(text("on and on"), hang())])
    begun = await running.start("go")
    await read_events(running.browser, f"/api/turns/{begun['turn']}/events", until="part_delta")
    assert (await running.browser.delete(f"/api/threads/{begun['thread']}")).status_code == 204
    events = await read_events(running.browser, f"/api/turns/{begun['turn']}/events")
    assert events[-1][1]["stop_reason"] == "cancelled"


async def test_a_fork_has_the_branch_and_the_old_thread_stays(running: Running, begun):
    path = f"/api/threads/{begun['thread']}"
    forked = await running.browser.post(path + "/fork", json={"message": begun["user_message"]})
    assert (forked.status_code, forked.json()["forked_from"]) == (201, begun["thread"])
    copies = (await running.browser.get(f"/api/threads/{forked.json()['id']}/messages")).json()["messages"]
    assert [copy["role"] for copy in copies] == ["user"]
    assert len((await running.browser.get(path + "/messages")).json()["messages"]) == 2


async def test_a_draft_is_kept_and_taken_back(running: Running, begun):
    path = f"/api/threads/{begun['thread']}/draft"
    assert (await running.browser.get(path)).json() == {"text": "", "parts": [], "queued": []}
    draft = {"text": "half a", "parts": [], "queued": [[{"type": "text", "text": "later"}]]}
    assert (await running.browser.put(path, json=draft)).status_code == 204
    assert (await running.browser.get(path)).json() == draft
    await running.browser.put(path, json={})
    assert (await running.browser.get(path)).json()["text"] == ""


async def test_an_answer_edited_by_hand_is_a_sibling_and_the_tip(running: Running, begun):
    path = f"/api/threads/{begun['thread']}"
    written = await running.browser.post(
        path + "/messages",
        json={
            "parent": begun["user_message"],
            "role": "assistant",
            "parts": [{"type": "text", "text": "better"}],
            "edited_from": begun["message"],
        },
    )
    assert written.status_code == 201
    assert (await running.browser.get(path)).json()["tip"] == written.json()["id"]
    hidden = (await running.browser.delete(f"{path}/messages/{written.json()['id']}")).json()
    assert hidden["tip"] == begun["message"]
    back = (await running.browser.post(f"{path}/messages/{written.json()['id']}/restore")).json()
    assert back["tip"] == written.json()["id"]


async def test_feedback_is_kept_by_message(running: Running, begun):
    path = f"/api/threads/{begun['thread']}/messages"
    assert (
        await running.browser.put(f"{path}/{begun['message']}/feedback", json={"good": True})
    ).status_code == 204
    assert (await running.browser.get(path)).json()["feedback"] == {begun["message"]: {"good": True}}
    await running.browser.put(f"{path}/{begun['message']}/feedback", content=b"null")
    assert (await running.browser.get(path)).json()["feedback"] == {}


async def test_a_message_that_runs_is_listed_as_far_as_it_is(running: Running, provider):
    provider.script([answer(text("so far", whole=True), hang())])
    begun = await running.start("go")
    await read_events(running.browser, f"/api/turns/{begun['turn']}/events", until="part_delta")
    listed = (await running.browser.get(f"/api/threads/{begun['thread']}/messages")).json()["messages"]
    assert listed[1]["parts"][0]["text"] == "so far"
    rest = await running.browser.post(f"/api/turns/{begun['turn']}/cancel")
    assert rest.status_code == 204
    events = await read_events(running.browser, f"/api/turns/{begun['turn']}/events?after={listed[1]['n']}")
    assert events[0][1]["n"] == listed[1]["n"] + 1

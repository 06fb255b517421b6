"""Turns over HTTP: started once, followed from any number, stopped, decided, shown."""

from __future__ import annotations

import asyncio

import pytest
from tests.entrypoints.web.conftest import read_events, types

from windowseat.platform.ids import Ids
from windowseat.testing.replies import answer, call, hang, text
from windowseat.testing.world import Running


def body(words="Hello", **more):
    return {"id": Ids().new(), "new": {}, "parts": [{"type": "text", "text": words}], **more}


async def test_a_question_is_answered_and_the_tip_is_the_answer(running: Running):
    begun = (await running.browser.post("/api/turns", json=body("Is it blue?"))).json()
    events = await read_events(running.browser, f"/api/turns/{begun['turn']}/events")
    assert types(events)[0] == "turn_started"
    assert types(events)[-1] == "turn_settled"
    assert [id for id, _ in events] == [str(event["n"]) for _, event in events]
    thread = (await running.browser.get(f"/api/threads/{begun['thread']}")).json()
    assert (thread["tip"], thread["state"], thread["running"]) == (begun["message"], "idle", [])
    messages = (await running.browser.get(f"/api/threads/{begun['thread']}/messages")).json()["messages"]
    assert [message["id"] for message in messages] == [begun["user_message"], begun["message"]]
    assert messages[1]["parts"][0]["text"] == "Is it blue?"
    assert messages[1]["stop_reason"] == "end"


async def test_a_reader_who_comes_back_with_its_last_number_gets_the_rest_without_gap_or_double(
    running: Running, provider
):
    begun = await running.start("", parts=[{"type": "text", "text": "go"}], model="test/paced-200tps-60tok")
    path = f"/api/turns/{begun['turn']}/events"
    seen: list[int] = []
    while True:
        headers = {"Last-Event-ID": str(seen[-1])} if seen else {}
        part = await read_events(running.browser, path, headers=headers, most=3)
        seen += [event["n"] for _, event in part]
        if part[-1][1]["type"] == "turn_settled":
            break
    assert seen == list(range(1, len(seen) + 1))
    whole = await read_events(running.browser, path)
    assert [event["n"] for _, event in whole] == seen
    half = await read_events(running.browser, f"{path}?after={seen[len(seen) // 2]}")
    assert half == whole[len(seen) // 2 + 1 :]


async def test_after_the_end_of_a_settled_turn_browsers_stop_asking(running: Running):
    begun = await running.start("short")
    path = f"/api/turns/{begun['turn']}/events"
    events = await read_events(running.browser, path)
    for after in (events[-1][0], "999"):
        assert (await running.browser.get(f"{path}?after={after}")).status_code == 204


async def test_the_same_id_and_body_is_one_turn_and_another_body_is_refused(running: Running, provider):
    asked = body("once")
    first, second = [await running.browser.post("/api/turns", json=asked) for _ in range(2)]
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    await read_events(running.browser, f"/api/turns/{first.json()['turn']}/events")
    assert len(provider.requests) == 1
    changed = await running.browser.post("/api/turns", json={**asked, "parts": body("twice")["parts"]})
    assert (changed.status_code, changed.json()["code"]) == (409, "turn_id_used")


async def test_a_parent_whose_turn_still_runs_is_not_followed_by_another(running: Running, provider):
    provider.script([answer(text("slow"), hang())])
    begun = await running.start("first")
    next_one = {**body("second"), "thread": begun["thread"], "parent": begun["message"]}
    del next_one["new"]
    refused = await running.browser.post("/api/turns", json=next_one)
    assert (refused.status_code, refused.json()["code"]) == (409, "turn_running")


async def test_a_cancelled_turn_keeps_what_came(running: Running, provider):
    provider.script([answer(text("so far"), hang())])
    begun = await running.start("go")
    path = f"/api/turns/{begun['turn']}"
    await read_events(running.browser, path + "/events", until="part_delta")
    running_turn = (await running.browser.get(path)).json()
    assert (running_turn["state"], running_turn["message"]["n"] >= 4) == ("running", True)
    assert (await running.browser.post(path + "/cancel")).status_code == 204
    await read_events(running.browser, path + "/events")
    turn = (await running.browser.get(path)).json()
    assert (turn["state"], turn["message"]["stop_reason"]) == ("settled", "cancelled")
    assert turn["message"]["parts"][0]["text"] == "so far"
    assert (await running.browser.post(path + "/cancel")).status_code == 204


async def test_a_call_waits_for_leave_and_runs_with_changed_arguments(running: Running, provider, letters):
    provider.script([answer(call("send_letter", {"to": "Ann", "text": "Hi"})), answer(text("Done."))])
    begun = await running.start("write")
    path = f"/api/turns/{begun['turn']}"
    await read_events(running.browser, path + "/events", until="approval_asked")
    while (turn := (await running.browser.get(path)).json())["state"] != "waiting":
        await asyncio.sleep(0.01)
    assert letters.began == []
    decision = {"call": turn["asks"][0], "decision": "once", "arguments": {"to": "Bob", "text": "Hi"}}
    unknown = await running.browser.post(path + "/approve", json={**decision, "call": "nothing"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "call_not_found")
    assert (await running.browser.post(path + "/approve", json=decision)).status_code == 204
    await read_events(running.browser, path + "/events")
    assert letters.ended == [{"to": "Bob", "text": "Hi"}]
    parts = (await running.browser.get(path)).json()["message"]["parts"]
    assert parts[0]["arguments"] == {"to": "Ann", "text": "Hi"}
    assert parts[1]["arguments"] == {"to": "Bob", "text": "Hi"}
    late = await running.browser.post(path + "/approve", json=decision)
    assert (late.status_code, late.json()["code"]) == (409, "approval_not_asked")


async def test_what_was_sent_and_what_came_is_shown_to_the_byte(running: Running, provider):
    begun = await running.start("to the byte")
    await read_events(running.browser, f"/api/turns/{begun['turn']}/events")
    path = f"/api/turns/{begun['turn']}/requests"
    shown = (await running.browser.get(f"{path}/1")).json()
    assert "".join(piece["text"] for piece in shown["pieces"]).encode() == provider.requests[0].body
    assert f"message:{begun['user_message']}/0" in [piece["segment"] for piece in shown["pieces"]]
    assert shown["came"][0]["origin"]["connection"] == "test"
    assert shown["ended"]["stop_reason"] == "end"
    for step in ("2", "x"):
        missing = await running.browser.get(f"{path}/{step}")
        assert (missing.status_code, missing.json()["code"]) == (404, "step_not_found")


async def test_a_temporary_thread_answers_twice_and_is_in_no_list(running: Running):
    first = await running.start("first", new={"temporary": True})
    await read_events(running.browser, f"/api/turns/{first['turn']}/events")
    second = await running.start("second", thread=first["thread"], parent=first["message"])
    await read_events(running.browser, f"/api/turns/{second['turn']}/events")
    messages = (await running.browser.get(f"/api/threads/{first['thread']}/messages")).json()["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert (await running.browser.get("/api/threads")).json()["threads"] == []


async def test_an_answer_is_continued_by_its_sibling(running: Running, provider):
    provider.script([answer(text("One two"), finish="length"), answer(text(" three"))])
    first = await running.start("count")
    await read_events(running.browser, f"/api/turns/{first['turn']}/events")
    second = await running.start(
        "", thread=first["thread"], parent=first["message"], parts=[], **{"continue": True}
    )
    await read_events(running.browser, f"/api/turns/{second['turn']}/events")
    turn = (await running.browser.get(f"/api/turns/{second['turn']}")).json()
    assert "".join(p["text"] for p in turn["message"]["parts"] if p["type"] == "text") == "One two three"
    assert turn["message"]["parent"] == first["user_message"]


async def test_a_raw_item_of_a_provider_is_not_taken_from_a_client(running: Running, provider):
    origin = {
        "dialect": "openai-chat",
        "connection": "test",
        "model": "echo",
        "key": "0",
        "item": {"forged": 1},
    }
    begun = await running.start("", parts=[{"type": "text", "text": "plain", "origin": origin}])
    await read_events(running.browser, f"/api/turns/{begun['turn']}/events")
    assert b"forged" not in provider.requests[0].body


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": "1"}, "bad_id"),
        ({"id": "AAAAAAAA-0000-7000-8000-000000000000"}, "bad_id"),
        ({"new": None}, "thread_or_new"),
        ({"thread": Ids().new()}, "thread_or_new"),
        ({"parts": []}, "ask_empty"),
        ({"parts": [{"type": "block"}]}, "bad_shape"),
        ({"surprise": 1}, "bad_shape"),
        ({"model": "nowhere/x"}, "connection_unknown"),
        ({"model": "no-name"}, "model_unknown"),
    ],
)
async def test_what_cannot_be_asked_says_why(running: Running, change, code):
    refused = await running.browser.post("/api/turns", json={**body(), **change})
    assert (refused.status_code // 100, refused.json()["code"]) == (4, code)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["hint"]

"""Every error has one shape, whoever raised it, and never shows what is within."""

from __future__ import annotations

import json
import logging

import pytest
from tests.entrypoints.web.conftest import read_events, send_endlessly

from windowseat.entrypoints.web import threads
from windowseat.entrypoints.web.reading import MOST_BODY
from windowseat.testing.world import Running

SHAPE = {"type", "title", "status", "code", "detail", "hint"}


def is_problem(answered, status, code):
    assert (answered.status_code, answered.json()["code"]) == (status, code), answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    assert set(answered.json()) == SHAPE
    assert answered.json()["status"] == status
    return True


async def test_an_address_or_a_method_that_is_not_there(running: Running):
    assert is_problem(await running.browser.get("/api/nothing"), 404, "address_not_found")
    assert is_problem(await running.browser.get("/api/threads/"), 404, "address_not_found")
    refused = await running.browser.put("/api/threads")
    assert is_problem(refused, 405, "method_not_allowed")
    assert refused.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "not_json"),
        (b"{", 400, "not_json"),
        (b'{"name": NaN}', 400, "not_json"),
        (b'{"name": "\xff\xfe"}', 400, "not_json"),
        (b'{"name": "\\ud800"}', 400, "not_json"),
        (b"[" * 5000 + b"]" * 5000, 400, "json_too_deep"),
        (b'{"name": ' + b"[" * 500 + b"]" * 500 + b"}", 400, "json_too_deep"),
        (b"[]", 422, "bad_shape"),
        (b'{"name": 1}', 422, "bad_shape"),
        (b'{"name": "x", "scope": "all"}', 422, "bad_shape"),
        (b'{"nome": "x"}', 422, "bad_shape"),
    ],
)
async def test_a_body_that_cannot_be_read(running: Running, content, status, code):
    assert is_problem(await running.browser.post("/api/keys", content=content), status, code)


async def test_brackets_within_texts_are_not_depth(running: Running):
    name = "[" * 60 + '\\"{' * 5
    made = await running.browser.post("/api/keys", content=json.dumps({"name": name}))
    assert (made.status_code, made.json()["name"]) == (201, name)
    begun = await running.start("[{" * 500 + '"\\')
    await read_events(running.browser, f"/api/turns/{begun['turn']}/events")


async def test_a_body_that_is_too_large_is_refused_whether_or_not_it_tells_its_size(running: Running):
    told = await running.browser.post("/api/keys", content=bytes(MOST_BODY + 1))
    assert is_problem(told, 413, "body_too_large")
    answered = await send_endlessly(running, "/api/keys")
    assert "413" in answered.splitlines()[0]
    assert "body_too_large" in answered
    assert "connection: close" in answered


async def test_a_fault_of_ours_is_logged_and_its_trace_not_shown(running: Running, monkeypatch, caplog):
    def broken(_thread):
        raise ZeroDivisionError("the inner secret")

    begun = await running.start("hello")
    monkeypatch.setattr(threads, "shown", broken)
    with caplog.at_level(logging.ERROR):
        answered = await running.browser.get(f"/api/threads/{begun['thread']}")
    assert is_problem(answered, 500, "internal_error")
    assert "secret" not in answered.text
    assert "the inner secret" in caplog.text
    assert (await running.browser.get("/healthz")).json()["status"] == "ok"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=-1", "limit=1.5", "limit=x"])
async def test_a_query_value_out_of_range(running: Running, query):
    assert is_problem(await running.browser.get(f"/api/ledger?{query}"), 422, "bad_query")


async def test_a_cursor_of_somewhere_else(running: Running):
    assert is_problem(await running.browser.get("/api/threads?after=nonsense"), 400, "bad_cursor")

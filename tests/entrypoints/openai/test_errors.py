"""Errors as clients of the API know them: the right status, the right words, and when to ask again."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.entrypoints.openai.conftest import HI, Program, error_of, events, joined

from windowseat.testing.replies import answer, cut, error, page, text


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nobody"}, {"Authorization": "Basic eDp5"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/models"), ("POST", "/chat/completions"), ("POST", "/responses"), ("POST", "/embeddings")],
)
async def test_without_a_good_key_nothing_is_answered(
    program: Program, header: dict[str, str], method: str, path: str
) -> None:
    body = {"model": "test/echo", "messages": HI, "input": "x"}
    answered = await program.running.stranger.request(method, f"/v1{path}", headers=header, json=body)
    assert answered.status_code == 401
    assert error_of(answered)["code"] == "invalid_api_key"
    assert answered.headers["www-authenticate"] == "Bearer"
    assert program.provider.requests == []


async def test_a_signed_in_browser_is_no_program(program: Program) -> None:
    assert (await program.running.browser.get("/v1/models")).status_code == 401


async def test_a_key_for_all_opens_this_too_and_a_revoked_one_nothing(program: Program) -> None:
    users, owner = program.running.house.users, program.running.house.owner
    made = await users.new_key(owner, "all", "api")
    headers = {"Authorization": f"Bearer {made.secret}"}
    assert (await program.http.get("/models", headers=headers)).status_code == 200
    await users.revoke_key(owner, made.key.id)
    assert (await program.http.get("/models", headers=headers)).status_code == 401


@pytest.mark.parametrize("model", ["none/such", "justaname", "local/none", "test/none"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_is_not_there_is_not_found(program: Program, model: str, stream: bool) -> None:
    for answered in (await program.chat(model=model, stream=stream), await program.respond(model=model)):
        assert answered.status_code == 404
        error = error_of(answered)
        assert (error["code"], error["param"], error["type"]) == (
            "model_not_found",
            "model",
            "invalid_request_error",
        )


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": "Hello"}, "messages", "invalid_type"),
        ({"messages": ["Hello"]}, "messages[0]", "invalid_type"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "missing_required_parameter"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role", "invalid_value"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content", "invalid_type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content[0].image_url.url",
            "invalid_image_url",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "x"}}],
                    }
                ]
            },
            "messages[0].content[0].input_audio.format",
            "invalid_value",
        ),
        (
            {"messages": [*HI, {"role": "tool", "tool_call_id": "c", "content": "x"}]},
            "messages[1].tool_call_id",
            "invalid_value",
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [CALL]},
                    *HI,
                    {"role": "tool", "tool_call_id": "c", "content": "x"},
                ]
            },
            "messages[2].tool_call_id",
            "invalid_value",
        ),
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": 5}, "model", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"n": 3}, "n", "unsupported_value"),
        ({"max_tokens": "many"}, "max_tokens", "invalid_type"),
        ({"tools": {}}, "tools", "invalid_type"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else None,
)
async def test_a_wrong_field_is_named_by_its_place(
    program: Program, body: dict[str, Any], param: str, code: str
) -> None:
    answered = await program.chat(**body)
    assert answered.status_code == 400
    error = error_of(answered)
    assert (error["param"], error["code"], error["type"]) == (param, code, "invalid_request_error")
    assert program.provider.requests == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 5000, b'{"a":' * 200])
async def test_what_is_no_request_is_refused(program: Program, body: bytes) -> None:
    answered = await program.http.post("/chat/completions", content=body)
    assert answered.status_code == 400
    error_of(answered)


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(program: Program) -> None:
    where = urlsplit(program.running.address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = f"POST /v1/responses HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {program.key}\r\n"
    writer.write(f"{head}Content-Length: 1000000000\r\n\r\n{{".encode())
    told = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert b" 413 " in told


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/models", 405)])
async def test_an_address_that_is_not_there(program: Program, method: str, path: str, status: int) -> None:
    answered = await program.http.request(method, path)
    assert answered.status_code == status
    error_of(answered)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reply", "status", "code", "headers"),
    [
        (
            error(429, headers={"Retry-After": "40"}),
            429,
            "rate_limit_exceeded",
            {"retry-after": "40"},
        ),
        (
            error(429, "You exceeded your quota.", code="insufficient_quota"),
            429,
            "insufficient_quota",
            {"x-should-retry": "false"},
        ),
        (error(400, "Unknown field.", code="bad"), 400, "provider_refused", {}),
        (
            error(400, "This model's maximum context length is 10 tokens.", code="context_length_exceeded"),
            400,
            "context_length_exceeded",
            {},
        ),
        (error(401, "Incorrect API key."), 502, "provider_key_refused", {"x-should-retry": "false"}),
        (error(500, "Oh."), 502, "provider_error", {}),
        (error(413, "Too large."), 413, "provider_too_large", {}),
        (page(b"<h1>Welcome</h1>"), 502, "provider_wrong_type", {}),
    ],
    ids=[
        "slow down",
        "no credit",
        "refused",
        "too long",
        "wrong key there",
        "broken",
        "too large",
        "web page",
    ],
)
async def test_a_providers_refusal_has_its_own_status(
    program: Program, reply: Any, status: int, code: str, headers: dict[str, str], stream: bool
) -> None:
    program.provider.script([reply])
    answered = await program.chat(stream=stream)
    assert answered.status_code == status
    assert error_of(answered)["code"] == code
    assert {name: answered.headers.get(name) for name in headers} == headers
    for name in ("retry-after", "x-should-retry"):
        assert name in headers or name not in answered.headers


async def test_a_short_wait_is_waited_out(program: Program) -> None:
    program.provider.script([error(429, headers={"Retry-After": "1"}), answer(text("Blue."))])
    answered = await program.chat(stream=True)
    assert (answered.status_code, joined(answered)) == (200, "Blue.")


async def test_a_cut_answer_is_an_error_and_in_a_stream_its_last_event(program: Program) -> None:
    program.provider.script([answer(text("It is"), cut()), answer(text("It is"), cut())])
    whole = await program.chat()
    assert whole.status_code == 502
    assert error_of(whole)["code"] == "provider_cut"
    streamed = await program.chat(stream=True)
    assert streamed.status_code == 200
    *said, last = events(streamed)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in said) == "It is"
    assert last["error"]["code"] == "provider_cut"
    assert "[DONE]" not in streamed.text
    assert (await program.ledger())[0]["estimated"]


async def test_a_providers_key_is_in_no_error(program: Program) -> None:
    secret = "sk-live-0123456789"
    connections = program.running.house.providers.connections
    await connections.change(program.running.house.owner, "test", key=secret)
    program.provider.script([error(401, f"Incorrect API key provided: {secret}.")])
    assert secret not in (await program.chat()).text


async def test_a_fault_of_ours_tells_nothing_of_itself(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("the inner secret")

    monkeypatch.setattr(program.running.house.turns, "start", broken)
    answered = await program.chat()
    assert answered.status_code == 500
    assert error_of(answered)["code"] == "internal_error"
    assert "secret" not in answered.text

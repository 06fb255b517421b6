"""Who leaves stops the turn; who waits is told that it goes on; a server that stops ends what it answers."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.entrypoints.openai.conftest import Program, error_of, events

from windowseat.entrypoints.openai import answering
from windowseat.testing.replies import answer, hang, pause, silent, text

SLOW = "test/paced-20tps-2000tok-10ttft"


async def until_gone(program: Program) -> None:
    """Until the provider has noticed that nobody listens any more."""
    await asyncio.wait_for(program.provider.requests[-1].gone.wait(), 5)


async def stopped_row(program: Program) -> dict[str, object]:
    """The ledger's row of the request, once it is there."""
    for _ in range(100):
        if rows := await program.ledger():
            return rows[0]
        await asyncio.sleep(0.02)
    raise AssertionError("there is no row")


async def test_who_leaves_a_stream_stops_the_turn(program: Program) -> None:
    body = {"model": SLOW, "messages": [{"role": "user", "content": "x"}], "stream": True}
    async with program.http.stream("POST", "/chat/completions", json=body) as answered:
        async for _ in answered.aiter_lines():
            break
    await until_gone(program)
    assert (await stopped_row(program))["estimated"]


async def test_who_leaves_before_a_whole_answer_stops_the_turn(program: Program) -> None:
    program.provider.script([silent()])
    asking = asyncio.create_task(program.chat())
    while not program.provider.requests:
        await asyncio.sleep(0.01)
    asking.cancel()
    await until_gone(program)


@pytest.mark.parametrize("path", ["/chat/completions", "/responses"])
async def test_a_long_silence_is_filled_with_comments(
    program: Program, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(answering, "QUIET", 0.1)
    program.provider.script([answer(pause(0.5), text("It"), pause(0.5), text(" is."))])
    body = {
        "model": "test/echo",
        "messages": [{"role": "user", "content": "x"}],
        "input": "x",
        "stream": True,
    }
    begun = time.monotonic()
    async with program.http.stream("POST", path, json=body) as answered:
        headers_after = time.monotonic() - begun
        lines = [line async for line in answered.aiter_lines()]
    assert headers_after < 0.45
    assert lines[0].startswith(":")
    assert sum(line.startswith(":") for line in lines) > 2
    assert "It" in "".join(lines)


async def test_an_error_after_a_long_silence_is_told_within_the_stream(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "QUIET", 0.1)
    program.provider.script([answer(pause(0.5), text("It"), hang())])
    asking = asyncio.create_task(program.chat(stream=True))
    while not program.provider.requests:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    program.running.house.news.end()
    answered = await asyncio.wait_for(asking, 5)
    assert answered.status_code == 200
    assert events(answered)[-1]["error"]["code"] == "stopping"


async def test_a_server_that_stops_says_so_to_who_still_waits(program: Program) -> None:
    program.provider.script([silent()])
    asking = asyncio.create_task(program.chat())
    while not program.provider.requests:
        await asyncio.sleep(0.01)
    program.running.house.news.end()
    answered = await asyncio.wait_for(asking, 5)
    assert answered.status_code == 503
    assert error_of(answered)["code"] == "stopping"


async def test_many_answers_at_once_leave_nothing_behind(program: Program) -> None:
    answers = await asyncio.gather(*(program.chat(stream=index % 2 == 0) for index in range(40)))
    assert {each.status_code for each in answers} == {200}
    kept = program.running.house.turns._world.kept["memory"]
    for _ in range(100):  # each is forgotten just after its last byte went out
        if kept.turns._turns:
            await asyncio.sleep(0.02)
    assert kept.turns._turns == {}
    assert kept.journal._watches == {}
    assert len(await program.ledger()) == 40

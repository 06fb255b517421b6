"""A tool that asks: from any device, after any time, with other arguments or a reason why not."""

from __future__ import annotations

import asyncio

import pytest
from tests.turns.kept import ME, Process

from windowseat.core.errors import Conflict, NotFound
from windowseat.core.events import ApprovalGiven
from windowseat.core.parts import Text, ToolCall, ToolResult, text_of
from windowseat.core.tool import Tool
from windowseat.testing.ports import called, said

LOOK = Tool(name="look", description="", schema={}, policy="always", touches="nothing")
LOOK_CALL = ToolCall(id="l", name="look", arguments={})
POST = Tool(name="post", description="", schema={}, policy="ask", touches="outside")


async def post(call, emit):
    return (Text(text=f"posted {call.arguments}"),)


def asking(*ids, kitchen=None, scripts=None):
    calls = [ToolCall(id=id, name="post", arguments={"to": id}) for id in ids]
    process = Process(kitchen, scripts=scripts or [called(*calls), said("done")])
    process.tools.add(POST, post)
    return process


async def parked(process):
    turn = await process.ask()
    await process.until(turn, "waiting")
    return turn


def results(process):
    return {p.id: p for p in process.kitchen.messages["t-m"].parts if isinstance(p, ToolResult)}


async def test_nothing_runs_before_somebody_decides():
    process = asking("a")
    await parked(process)
    assert process.tools.runs == []
    assert not process.turns.is_running("t")


async def test_edited_arguments_run_and_the_call_keeps_what_the_model_wrote():
    process = asking("a")
    turn = await parked(process)
    await process.turns.approve(ME, "t", ApprovalGiven(call="a", decision="once", arguments={"to": "b"}))
    await process.events(turn)
    call = process.kitchen.messages["t-m"].parts[0]
    assert call.arguments == {"to": "a"}
    assert process.tools.runs[0].arguments == {"to": "b"}
    assert results(process)["a"].arguments == {"to": "b"}


async def test_a_denial_is_read_by_the_model_with_its_reason():
    process = asking("a")
    turn = await parked(process)
    await process.turns.approve(ME, "t", ApprovalGiven(call="a", decision="deny", reason="Too public."))
    await process.events(turn)
    assert process.tools.runs == []
    assert results(process)["a"].error.endswith("Too public.")
    read = process.providers.windows[1].entries()[-1].parts[-1][1]
    assert "Too public." in text_of(read.content)


async def test_several_calls_are_decided_one_by_one():
    process = asking("a", "b")
    turn = await parked(process)
    await process.turns.approve(ME, "t", ApprovalGiven(call="b", decision="once"))
    await process.until(turn, "tool_ended")
    assert [call.id for call in process.tools.runs] == ["b"]
    await process.turns.approve(ME, "t", ApprovalGiven(call="a", decision="deny"))
    await process.events(turn)
    assert results(process)["b"].error is None
    assert results(process)["a"].error is not None


@pytest.mark.parametrize("decision", ["thread", "always"])
async def test_a_decision_that_lasts_holds_for_the_waiting_calls_and_is_remembered(decision):
    process = asking("a", "b")
    turn = await parked(process)
    await process.turns.approve(ME, "t", ApprovalGiven(call="a", decision=decision))
    await process.events(turn)
    assert {call.id for call in process.tools.runs} == {"a", "b"}
    assert process.tools.remembered == [("post", decision)]


async def test_it_waits_through_a_restart_and_goes_on_from_another_process():
    first = asking("a")
    await parked(first)
    await first.turns.stop()
    second = asking(kitchen=first.kitchen, scripts=[said("done")])
    assert await second.turns.recover() == []
    assert not second.turns.is_running("t")
    await second.turns.approve(ME, "t", ApprovalGiven(call="a", decision="once"))
    await second.events(await second.turns.get(ME, "t"))
    assert [call.id for call in second.tools.runs] == ["a"]
    assert first.kitchen.resumed["t"] == 0


async def test_what_nobody_asks_cannot_be_decided():
    process = asking("a")
    turn = await parked(process)
    with pytest.raises(NotFound):
        await process.turns.approve(ME, "t", ApprovalGiven(call="x", decision="once"))
    await process.turns.approve(ME, "t", ApprovalGiven(call="a", decision="once"))
    await process.events(turn)
    with pytest.raises(Conflict) as late:
        await process.turns.approve(ME, "t", ApprovalGiven(call="a", decision="deny"))
    assert late.value.code == "approval_not_asked"


async def test_a_stop_while_it_waits_settles_as_cancelled_and_runs_nothing():
    process = asking("a")
    turn = await parked(process)
    await process.turns.cancel(ME, "t")
    events = await process.events(turn)
    assert events[-1].stop_reason == "cancelled"
    assert process.tools.runs == []
    assert results(process)["a"].error == "Not run: the answer was stopped."


async def test_a_decision_that_comes_while_the_turn_is_put_down_goes_on_from_its_newest_line():
    """The decision reads the journal; meanwhile another call ends, and the turn writes that and lets go."""
    first = asking("a")
    turn = await parked(first)
    scripts = [called(ToolCall(id="b", name="post", arguments={}), LOOK_CALL), said("done")]
    process = asking(kitchen=first.kitchen, scripts=scripts)
    may_end = asyncio.Event()

    async def look(call, emit):
        await may_end.wait()
        return (Text(text="seen"),)

    process.tools.add(LOOK, look)
    await process.turns.recover()
    await process.turns.approve(ME, "t", ApprovalGiven(call="a", decision="once"))
    async for lines in process.turns.follow(turn, process.kitchen.lines["t"][-1].n):
        if any(line.event.type == "approval_asked" for line in lines):
            break
    await process.turns.fold(turn)
    read = process.store.read

    async def slow_read(turn_id, after):
        lines = await read(turn_id, after)
        may_end.set()
        while process.turns.is_running("t"):
            await asyncio.sleep(0)
        return lines

    process.store.read = slow_read
    await process.turns.approve(ME, "t", ApprovalGiven(call="b", decision="once"))
    process.store.read = read
    async with asyncio.timeout(5):
        await process.events(turn)
    numbers = [line.n for line in process.kitchen.lines["t"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [run.name for run in process.tools.runs].count("post") == 2


async def test_waiting_is_told_only_while_somebody_is_waited_for():
    process = asking("a", "b")
    turn = await process.ask()
    asked, decided = 0, 0
    async for lines in process.turns.follow(turn, 0):
        for event in (line.event for line in lines):
            asked += event.type == "approval_asked"
            decided += event.type == "approval_given"
            assert event.type != "waiting" or decided < asked
            if event.type == "waiting":
                call = "ab"[decided]
                await process.turns.approve(ME, "t", ApprovalGiven(call=call, decision="once"))
    assert decided == 2


async def test_a_call_that_was_decided_while_another_ran_is_not_told_as_waiting():
    process = asking(
        "a", scripts=[called(LOOK_CALL, ToolCall(id="a", name="post", arguments={})), said("done")]
    )
    is_decided = asyncio.Event()

    async def look(call, emit):
        await is_decided.wait()
        return (Text(text="seen"),)

    process.tools.add(LOOK, look)
    turn = await process.ask()
    await process.until(turn, "approval_asked")
    await process.turns.approve(ME, "t", ApprovalGiven(call="a", decision="once"))
    await process.until(turn, "tool_ended")
    is_decided.set()
    assert "waiting" not in [event.type for event in await process.events(turn)]


async def test_a_decision_while_the_next_process_takes_turns_up_is_neither_lost_nor_in_the_way():
    first = asking("a")
    turn = await parked(first)
    process = asking("a", kitchen=first.kitchen, scripts=[said("done")])
    decision = ApprovalGiven(call="a", decision="once")
    await asyncio.gather(process.turns.recover(), process.turns.approve(ME, "t", decision))
    events = await process.events(turn)
    assert events[-1].stop_reason == "end"
    assert len(process.tools.runs) == 1

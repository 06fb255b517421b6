"""A tool that asks: from any device, after any time, with other arguments or a reason why not."""

from __future__ import annotations

import pytest
from tests.turns.kept import ME, Process

from windowseat.core.errors import Conflict, NotFound
from windowseat.core.events import ApprovalGiven
from windowseat.core.parts import Text, ToolCall, ToolResult, text_of
from windowseat.core.tool import Tool
from windowseat.testing.ports import called, said

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

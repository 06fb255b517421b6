"""What a killed process leaves, another takes up: once, from the last complete edge."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.turns.kept import ME, Process

from windowseat.core.events import PartDelta, PartSettled, PartStarted
from windowseat.core.exchange import Answered
from windowseat.core.parts import Notice, Text, Thinking, ToolCall, ToolResult, text_of
from windowseat.core.tool import Tool
from windowseat.platform.clock import Clock
from windowseat.testing.ports import called, said
from windowseat.turns.world import Bounds

SAID = "The sky is blue because"
BEGUN = [[Answered()], [PartStarted(index=0, part=Text(text=""))], [PartDelta(index=0, text=SAID)], 60.0]


async def killed(script, until="part_delta", **more):
    """A process that is gone in the middle of this answer."""
    process = Process(scripts=[script], **more)
    turn = await process.ask()
    await process.until(turn, until)
    await process.turns.stop()
    return process


class Later(Clock):
    """A clock that is ahead."""

    def __init__(self, ahead):
        super().__init__()
        self.ahead = ahead

    def now(self):
        return super().now() + self.ahead


async def test_the_text_stays_the_seam_is_seen_and_a_repeat_is_taken_out():
    first = await killed(BEGUN)
    before = list(first.kitchen.lines["t"])
    second = Process(first.kitchen, scripts=[said("is blue because", " of scattering")])
    await second.turns.recover()
    await second.events(await second.turns.get(ME, "t"))
    assert first.kitchen.lines["t"][: len(before)] == before
    parts = first.kitchen.messages["t-m"].parts
    assert [type(part) for part in parts] == [Text, Notice, Text]
    assert parts[1].code == "resumed"
    assert text_of(parts) == "The sky is blue because of scattering"


async def test_the_request_that_was_kept_is_sent_again_with_what_was_said():
    first = await killed(BEGUN)
    second = Process(first.kitchen, scripts=[said(" x")])
    await second.turns.recover()
    await second.events(await second.turns.get(ME, "t"))
    kept, sent = first.providers.requests[0].pieces, second.providers.requests[0].pieces
    assert sent[: len(kept) - 1] == kept[:-1]
    assert sent[-2].data == b"ask:" + SAID.encode()
    assert second.providers.windows == []


async def test_where_the_model_goes_on_by_itself_nothing_is_asked_and_nothing_taken_out():
    first = await killed(BEGUN)
    second = Process(first.kitchen, scripts=[said(" is blue because")], prefill=True)
    await second.turns.recover()
    await second.events(await second.turns.get(ME, "t"))
    assert second.providers.requests[0].pieces[-2].data == b"prefill:" + SAID.encode()
    assert text_of(first.kitchen.messages["t-m"].parts) == SAID + " is blue because"


async def test_a_thought_that_was_cut_is_never_gone_on_with():
    script = [
        [Answered(), PartStarted(index=0, part=Thinking(text=""))],
        [PartDelta(index=0, text="hmm")],
        60.0,
    ]
    first = await killed(script)
    second = Process(first.kitchen, scripts=[said("Yes.")], prefill=True)
    await second.turns.recover()
    await second.events(await second.turns.get(ME, "t"))
    assert second.providers.requests[0].pieces == first.providers.requests[0].pieces
    assert [type(part) for part in first.kitchen.messages["t-m"].parts] == [Thinking, Notice, Text]


async def test_two_cuts_in_one_answer_are_one_request_with_all_that_was_said():
    first = await killed(BEGUN)
    more = [
        [Answered()],
        [PartStarted(index=0, part=Text(text=""))],
        [PartDelta(index=0, text=" of light that")],
        60.0,
    ]
    second = Process(first.kitchen, scripts=[more])
    await second.turns.recover()
    while "of light" not in text_of(tuple((await second.turns.fold(await second.turns.get(ME, "t"))).parts)):
        await asyncio.sleep(0.01)
    await second.turns.stop()
    third = Process(first.kitchen, scripts=[said(" scatters")])
    await third.turns.recover()
    await third.events(await third.turns.get(ME, "t"))
    assert third.providers.requests[0].pieces[-2].data == f"ask:{SAID} of light that".encode()
    assert len(third.providers.requests[0].pieces) == len(first.providers.requests[0].pieces) + 1


async def test_a_finished_call_is_never_run_again():
    first = Process(scripts=[called(ToolCall(id="a", name="any", arguments={})), [60.0]])
    first.tools.add(Tool(name="any", description="", schema={}, policy="always"), _result)
    turn = await first.ask()
    await first.until(turn, "tool_ended")
    await asyncio.sleep(0.05)
    await first.turns.stop()
    second = Process(first.kitchen, scripts=[said("done")])
    second.tools.add(Tool(name="any", description="", schema={}, policy="always"), _result)
    await second.turns.recover()
    await second.events(await second.turns.get(ME, "t"))
    assert second.tools.runs == []
    assert first.kitchen.messages["t-m"].stop_reason == "end"


@pytest.mark.parametrize(("touches", "asks"), [("outside", True), ("thread", True), ("nothing", False)])
async def test_a_call_that_was_cut_off_asks_when_it_may_have_had_effects(touches, asks):
    tool = Tool(name="any", description="", schema={}, policy="always", touches=touches)
    first = Process(scripts=[called(ToolCall(id="a", name="any", arguments={}))])
    first.tools.add(tool, _never_ends)
    await first.until(await first.ask(), "tool_started")
    await first.turns.stop()
    second = Process(first.kitchen, scripts=[said("done")])
    second.tools.add(tool, _result)
    await second.turns.recover()
    turn = await second.turns.get(ME, "t")
    await second.until(turn, "approval_asked" if asks else "turn_settled")
    assert len(second.tools.runs) == (0 if asks else 1)


async def test_whole_calls_of_a_broken_step_run_and_half_ones_do_not():
    whole = PartSettled(index=0, part=ToolCall(id="a", name="any", arguments={}))
    half = PartStarted(index=1, part=ToolCall(id="b", name="any", arguments='{"x'))
    first = Process(scripts=[[[Answered(), whole], [half], 60.0]])
    first.tools.add(Tool(name="any", description="", schema={}, policy="always"), _result)
    await first.until(await first.ask(), "part_started")
    await first.turns.stop()
    second = Process(first.kitchen, scripts=[said("done")])
    second.tools.add(Tool(name="any", description="", schema={}, policy="always"), _result)
    await second.turns.recover()
    await second.events(await second.turns.get(ME, "t"))
    assert [call.id for call in second.tools.runs] == ["a"]
    results = {p.id: p for p in first.kitchen.messages["t-m"].parts if isinstance(p, ToolResult)}
    assert results["a"].error is None
    assert "cut off" in results["b"].error
    assert len(second.providers.windows) == 1  # a next step with results, not the broken one again


async def test_the_broken_request_has_its_row_marked_as_estimated():
    first = await killed(BEGUN)
    second = Process(first.kitchen, scripts=[said("x")])
    await second.turns.recover()
    await second.events(await second.turns.get(ME, "t"))
    row = second.ledger.rows["t", 1]
    assert row.estimated
    assert row.usage.output_tokens == (len(SAID) + 3) // 4
    assert row.usage.input_tokens > 0


async def test_an_old_cut_is_offered_and_not_resumed():
    first = await killed(BEGUN)
    second = Process(first.kitchen, scripts=[said("x")], now=Later(timedelta(minutes=11)))
    offered = await second.turns.recover()
    assert [left.turn.id for left in offered] == ["t"]
    assert not second.turns.is_running("t")
    await second.turns.resume(ME, "t")
    events = await second.events(await second.turns.get(ME, "t"))
    assert events[-1].stop_reason == "end"


async def test_it_goes_on_by_itself_twice_at_most():
    process = await killed(BEGUN)
    for _ in range(2):
        process = Process(process.kitchen, scripts=[[60.0]])
        assert await process.turns.recover() == []
        await asyncio.sleep(0.05)
        await process.turns.stop()
    last = Process(process.kitchen)
    assert [left.turn.id for left in await last.turns.recover()] == ["t"]


async def test_a_turn_that_is_not_wanted_any_more_settles_as_interrupted():
    first = await killed(BEGUN)
    second = Process(first.kitchen, now=Later(timedelta(minutes=11)))
    await second.turns.recover()
    await second.turns.cancel(ME, "t")
    events = await second.events(await second.turns.get(ME, "t"))
    assert events[-1].stop_reason == "interrupted"
    assert first.kitchen.messages["t-m"].parts == (Text(text=SAID, step=1),)


async def test_a_late_writer_of_a_turn_that_was_taken_over_fails():
    first = Process(
        scripts=[[*BEGUN[:-1], 0.2, [PartDelta(index=0, text=" late")], 60.0]], bounds=Bounds(quiet=0.05)
    )
    turn = await first.ask()
    await first.until(turn, "part_delta")
    second = Process(first.kitchen, scripts=[said("x")])
    await second.turns.recover()
    await second.events(await second.turns.get(ME, "t"))
    await asyncio.sleep(0.3)
    assert not first.turns.is_running("t")
    assert " late" not in text_of(first.kitchen.messages["t-m"].parts)
    await first.turns.stop()


async def _result(call, emit):
    return (Text(text="r"),)


async def _never_ends(call, emit):
    await asyncio.sleep(60)

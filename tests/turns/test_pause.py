"""A provider that pauses within its own tools is sent its answer back until it ends, or the steps do."""

from __future__ import annotations

from tests.turns.kept import Process

from windowseat.core.events import PartSettled
from windowseat.core.exchange import Answered, Finished
from windowseat.core.parts import ToolCall, text_of
from windowseat.testing.ports import said
from windowseat.turns.world import Bounds

SEARCH = ToolCall(id="s", name="web_search", arguments={}, by="provider")
PAUSED = [[Answered()], [PartSettled(index=0, part=SEARCH), Finished(stop_reason="paused", usage=None)]]


async def test_a_paused_answer_goes_back_as_it_is_and_goes_on_in_the_same_message():
    process = Process(scripts=[PAUSED, said("Found it.")])
    events = await process.events(await process.ask())
    message = process.kitchen.messages["t-m"]
    assert [part.type for part in message.parts] == ["tool_call", "text"]
    assert [part.step for part in message.parts] == [1, 2]
    assert message.stop_reason == "end"
    assert [event.stop_reason for event in events if event.type == "step_ended"] == ["paused", "end"]
    read = process.providers.windows[1].entries()[-1]
    assert [part.id for _, part in read.parts] == ["s"]


async def test_a_provider_that_only_pauses_ends_at_the_bound_of_steps():
    process = Process(scripts=[PAUSED] * 3, bounds=Bounds(steps=3))
    events = await process.events(await process.ask())
    assert events[-1].stop_reason == "step_limit"
    assert len(process.providers.requests) == 3


async def test_a_continued_answer_that_paused_goes_back_whole():
    process = Process(scripts=[said("Half a"), PAUSED, said(" house.")])
    await process.events(await process.ask())
    turn = await process.ask("u", "", parent="t-m", goes_on=True)
    await process.events(turn)
    read = process.providers.windows[-1].entries()[-1]
    assert [part.type for _, part in read.parts] == ["text", "tool_call"]
    assert text_of(process.kitchen.messages["u-m"].parts) == "Half a house."

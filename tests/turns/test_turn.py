"""One turn, from the ask to the settled answer: steps, errors, stops, bounds."""

from __future__ import annotations

import asyncio

import pytest
from tests.turns.kept import ME, Process

from windowseat.core.errors import ProviderFault, Refused, StoreFault
from windowseat.core.events import PartDelta, PartSettled, PartStarted
from windowseat.core.exchange import Answered, Finished
from windowseat.core.fold import fold
from windowseat.core.message import Usage
from windowseat.core.model import Options
from windowseat.core.parts import Citation, Notice, Text, Thinking, ToolCall, ToolResult, text_of
from windowseat.core.tool import Tool
from windowseat.testing.ports import called, said
from windowseat.turns.turns import numbered
from windowseat.turns.world import Bounds

BEGUN = [[Answered()], [PartStarted(index=0, part=Text(text=""))], [PartDelta(index=0, text="some words")]]


def types(events):
    return [event.type for event in events]


async def test_an_answer_is_written_then_shown_and_is_the_fold_of_its_events():
    process = Process(scripts=[said("Hel", "lo", usage=Usage(input_tokens=3, output_tokens=2))])
    turn = await process.ask()
    events = await process.events(turn)
    assert types(events)[:2] == ["turn_started", "step_started"]
    assert types(events)[2:] == ["part_started", "part_delta", "part_settled", "step_ended", "turn_settled"]
    message = process.kitchen.messages["t-m"]
    assert text_of(message.parts) == "Hello"
    assert message.usage == Usage(input_tokens=3, output_tokens=2)
    folded = fold(numbered(line) for line in process.kitchen.lines["t"])
    assert (folded.parts, folded.usage, folded.stop_reason) == (
        message.parts,
        message.usage,
        message.stop_reason,
    )


async def test_the_same_ask_again_is_the_same_turn():
    process = Process(scripts=[said("once")])
    first, second = await process.ask(), await process.ask()
    assert first == second
    await process.events(first)
    assert len(process.providers.requests) == 1


async def test_a_follower_from_any_number_gets_the_rest_without_gap_or_double():
    process = Process(scripts=[said(*"a long enough answer")])
    turn = await process.ask()
    whole = await process.events(turn)
    for after in range(len(whole)):
        assert await process.events(turn, after) == whole[after:]


async def test_a_model_that_is_not_there_is_refused_and_nothing_is_kept():
    process = Process()
    with pytest.raises(Refused, match="no model"):
        await process.ask(model="gone/x")
    assert not process.kitchen.turns


async def test_tools_run_side_by_side_and_the_model_reads_their_results():
    process = Process(
        scripts=[called(*(ToolCall(id=i, name="slow", arguments={}) for i in "ab")), said("done")]
    )
    together = asyncio.Barrier(2)

    async def slow(call, emit):
        emit("at work")
        await together.wait()
        return (Text(text=f"result {call.id}"),)

    process.tools.add(Tool(name="slow", description="", schema={}, policy="always"), slow)
    events = await process.events(await process.ask())
    assert types(events).count("tool_output") == 2
    results = [part for part in process.kitchen.messages["t-m"].parts if isinstance(part, ToolResult)]
    assert {text_of(result.content) for result in results} == {"result a", "result b"}
    assert [part.step for part in process.kitchen.messages["t-m"].parts] == [1, 1, 1, 1, 2]
    read = process.providers.windows[1].entries()[-1]
    assert [part.type for _, part in read.parts] == ["tool_call", "tool_call", "tool_result", "tool_result"]


async def test_a_tool_that_fails_is_words_for_the_model_not_a_crash():
    process = Process(scripts=[called(ToolCall(id="a", name="bad", arguments={})), said("sorry")])

    async def bad(call, emit):
        raise RuntimeError("secret of the house")

    process.tools.add(Tool(name="bad", description="", schema={}, policy="always"), bad)
    await process.events(await process.ask())
    result = process.kitchen.messages["t-m"].parts[1]
    assert result.error == "The tool failed (RuntimeError)."
    assert process.kitchen.messages["t-m"].stop_reason == "end"


async def test_arguments_that_are_no_json_go_back_to_the_model():
    process = Process(scripts=[called(ToolCall(id="a", name="any", arguments='{"half')), said("again")])

    async def never(call, emit):
        raise AssertionError("must not run")

    process.tools.add(Tool(name="any", description="", schema={}, policy="always"), never)
    await process.events(await process.ask())
    assert "not a JSON object" in process.kitchen.messages["t-m"].parts[1].error


async def test_a_call_to_a_tool_that_nobody_offers_ends_the_turn():
    process = Process(scripts=[called(ToolCall(id="a", name="weather", arguments={}))])
    await process.events(await process.ask())
    message = process.kitchen.messages["t-m"]
    assert message.stop_reason == "tool_call"
    assert message.parts[0].by == "caller"


async def test_the_bound_of_steps_is_told():
    process = Process(bounds=Bounds(steps=2))
    process.providers.scripts = [called(ToolCall(id=str(i), name="more", arguments={})) for i in range(3)]

    async def more(call, emit):
        return (Text(text="more"),)

    process.tools.add(Tool(name="more", description="", schema={}, policy="always"), more)
    events = await process.events(await process.ask())
    assert events[-1].stop_reason == "step_limit"
    assert len(process.providers.requests) == 2


async def test_a_busy_provider_is_waited_for_twice_before_the_first_word():
    busy = ProviderFault("provider_rate_limit", "Busy.", answered=429, retry_after=0.01)
    process = Process(scripts=[[busy], [busy], said("at last")])
    events = await process.events(await process.ask())
    waits = [event for event in events if event.type == "waiting"]
    assert [(wait.waits_for, wait.seconds) for wait in waits] == [("limit", 0.01)] * 2
    assert waits[0].until is not None
    assert text_of(process.kitchen.messages["t-m"].parts) == "at last"


@pytest.mark.parametrize(
    ("retry_after", "scripts"),
    [(0.01, 3), (31.0, 1)],
    ids=["a third time is too often", "longer than 30 s is too long"],
)
async def test_a_provider_that_stays_busy_is_a_notice_with_the_time(retry_after, scripts):
    busy = ProviderFault("provider_rate_limit", "Busy.", answered=429, retry_after=retry_after)
    process = Process(scripts=[[busy]] * scripts)
    events = await process.events(await process.ask())
    notice = next(event for event in events if event.type == "notice")
    assert (notice.code, notice.fault) == ("limit", "provider_rate_limit")
    assert notice.until is not None
    assert events[-1].stop_reason == "error"
    assert not process.providers.scripts


async def test_after_a_word_nothing_is_repeated_and_the_text_stays():
    cut = ProviderFault("provider_overloaded", "Overloaded.", answered=529, retry_after=0.01)
    process = Process(scripts=[[*BEGUN, cut], said("never asked for")])
    await process.events(await process.ask())
    message = process.kitchen.messages["t-m"]
    assert message.parts == (
        Text(text="some words", step=1),
        Notice(code="error", text="Overloaded.", step=1),
    )
    assert message.stop_reason == "error"
    assert len(process.providers.requests) == 1


async def test_silence_is_told_again_and_again():
    process = Process(scripts=[[0.3, *said("late")]], bounds=Bounds(quiet=0.1))
    events = await process.events(await process.ask())
    waits = [event.seconds for event in events if event.type == "waiting"]
    assert waits[0] == pytest.approx(0.1)
    assert waits == sorted(waits)


async def test_a_stop_keeps_the_text_and_closes_the_connection():
    process = Process(scripts=[[*BEGUN, 60.0]])
    turn = await process.ask()
    await process.until(turn, "part_delta")
    await process.turns.cancel(ME, "t")
    events = await process.events(turn)
    assert events[-1].stop_reason == "cancelled"
    assert process.kitchen.messages["t-m"].parts == (Text(text="some words", step=1),)
    assert process.providers.open == 0
    await process.turns.cancel(ME, "t")  # once more changes nothing


async def test_a_stop_ends_a_running_tool_and_says_so():
    process = Process(scripts=[called(ToolCall(id="a", name="slow", arguments={}))])
    ended = asyncio.Event()

    async def slow(call, emit):
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    process.tools.add(Tool(name="slow", description="", schema={}, policy="always"), slow)
    turn = await process.ask()
    await process.until(turn, "tool_started")
    await process.turns.cancel(ME, "t")
    events = await process.events(turn)
    assert ended.is_set()
    assert types(events)[-2:] == ["tool_ended", "turn_settled"]
    assert process.kitchen.messages["t-m"].parts[1].error == "Stopped while it ran."


async def test_a_half_tool_call_is_kept_and_not_run():
    half = [
        [PartStarted(index=0, part=ToolCall(id="a", name="any", arguments=""))],
        [PartDelta(index=0, text='{"x')],
    ]
    process = Process(scripts=[[[Answered()], *half, ProviderFault("provider_cut", "Cut.")]])

    async def never(call, emit):
        raise AssertionError("must not run")

    process.tools.add(Tool(name="any", description="", schema={}, policy="always"), never)
    await process.events(await process.ask())
    call, result = (p for p in process.kitchen.messages["t-m"].parts if not isinstance(p, Notice))
    assert call.arguments == '{"x'
    assert "cut off" in result.error


async def test_thinking_is_timed_and_citations_point_at_their_text():
    script = [
        [Answered(), PartStarted(index=0, part=Thinking(text="")), PartDelta(index=0, text="hm")],
        [PartSettled(index=0, part=Thinking(text="hm")), PartStarted(index=1, part=Text(text=""))],
        [
            PartSettled(index=1, part=Text(text="words")),
            PartSettled(index=2, part=Citation(part=1, quote="w")),
        ],
        [Finished(stop_reason="end", usage=None)],
    ]
    tool_step = called(ToolCall(id="a", name="any", arguments={}))
    process = Process(scripts=[tool_step, script])

    async def any_tool(call, emit):
        return (Text(text="r"),)

    process.tools.add(Tool(name="any", description="", schema={}, policy="always"), any_tool)
    await process.events(await process.ask())
    thought, text, citation = process.kitchen.messages["t-m"].parts[2:]
    assert thought.started <= thought.ended
    assert process.kitchen.messages["t-m"].parts[citation.part] == text


async def test_an_answer_is_continued_with_its_own_words():
    process = Process(scripts=[said("one two three,", reason="length"), said("two three, four five")])
    await process.events(await process.ask())
    await process.events(await process.ask("c", "", parent="t-m", goes_on=True, options=Options()))
    message = process.kitchen.messages["c-m"]
    assert text_of(message.parts) == "one two three, four five"
    assert process.providers.requests[1].pieces[-2].data == b"ask:one two three,"


async def test_a_disk_that_fails_stops_the_turn_where_it_was_kept():
    process = Process(scripts=[[*BEGUN, 0.3, *said("more")[1:]]])
    turn = await process.ask()
    await process.until(turn, "part_delta")
    process.store.broken = StoreFault("disk_full", "The disk is full.", hint="Make room.")
    with pytest.raises(StoreFault, match="full"):
        await process.events(turn)
    assert not process.turns.is_running("t")
    process.store.broken = None
    process.providers.scripts = [said("and on")]
    await process.turns.resume(ME, "t")
    events = await process.events(turn)
    assert "seam" in types(events)
    assert events[-1].stop_reason == "end"


async def test_what_cannot_be_written_is_one_turns_trouble_and_the_others_go_on():
    """Half a surrogate pair is no text: JSON has no bytes for it, and whoever sent it is not asked again."""
    process = Process(scripts=[said("lone \ud800 half"), [*BEGUN, 0.2, *said("more")[1:]]])
    broken = await process.ask("broken")
    while not process.providers.requests:  # it has the first script
        await asyncio.sleep(0)
    sound = await process.ask("sound")
    async with asyncio.timeout(5):
        with pytest.raises(StoreFault, match="UnicodeEncodeError"):
            await process.events(broken)
        assert (await process.events(sound))[-1].type == "turn_settled"
    assert not process.turns.is_running("broken")


async def test_a_mistake_of_the_store_is_one_turns_trouble_and_the_others_go_on():
    process = Process(scripts=[[*BEGUN, 0.1, *said("more")[1:]], [*BEGUN, 0.3, *said("more")[1:]]])
    commit = process.store.commit

    async def mistaken(entries, *, durable):
        if any(entry.turn == "broken" for entry in entries):
            raise ValueError("nobody thought of this")
        await commit(entries, durable=durable)

    broken = await process.ask("broken")
    while not process.providers.requests:  # it has the first script
        await asyncio.sleep(0)
    sound = await process.ask("sound")
    await process.until(broken, "part_delta")
    process.store.commit = mistaken
    async with asyncio.timeout(5):
        with pytest.raises(StoreFault, match="ValueError"):
            await process.events(broken)
        assert (await process.events(sound))[-1].type == "turn_settled"


async def test_an_answer_without_end_is_stopped_by_the_bound():
    endless = [*BEGUN, *([[PartDelta(index=0, text="x" * 100)]] * 50)]
    process = Process(scripts=[endless], bounds=Bounds(longest_answer=1000))
    await process.events(await process.ask())
    assert process.kitchen.messages["t-m"].stop_reason == "error"
    assert "did not end" in process.kitchen.messages["t-m"].parts[-1].text


async def test_a_provider_that_sends_faster_than_we_write_leaves_moments_for_all_else():
    """A flood of small pieces, some thousand in each read of the network."""
    flood = [[PartDelta(index=0, text="on ")] * 2000] * 100
    process = Process(scripts=[[*BEGUN, *flood]], bounds=Bounds(longest_answer=200_000))
    moments = 0

    async def beat():
        nonlocal moments
        while True:
            await asyncio.sleep(0)
            moments += 1

    beating = asyncio.create_task(beat())
    await process.events(await process.ask())
    beating.cancel()
    assert process.kitchen.messages["t-m"].stop_reason == "error"
    assert moments > 30, f"all else ran {moments} times while 33 batches came"


async def test_what_follows_a_turn_is_done_once_it_settled():
    process = Process(scripts=[said("x")])
    await process.events(await process.ask())
    await asyncio.sleep(0.01)
    assert [message.id for message in process.settled] == ["t-m"]

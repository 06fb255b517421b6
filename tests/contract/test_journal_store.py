"""The port JournalStore, in the database and in memory."""

from __future__ import annotations

import pytest
from tests.contract.kept import Kept, said

from windowseat.core.errors import Conflict
from windowseat.core.events import ApprovalAsked, ApprovalGiven, PartDelta, ToolOutput, ToolStarted, Waiting
from windowseat.core.parts import Text
from windowseat.core.ports import Entry


async def test_lines_of_several_turns_are_kept_together_and_read_from_any_number(kept: Kept) -> None:
    one, two = (await kept.begin()).turn, (await kept.begin()).turn
    mine, yours = kept.lines(2, said("One")), kept.lines(2, said("Two, longer"))
    await kept.journal.commit([Entry(one.id, one.owner, mine), Entry(two.id, two.owner, yours)], durable=True)
    more = await kept.commit(one, 6, PartDelta(index=0, text="!", logprobs=[{"token": "!"}]))
    whole = await kept.journal.read(one.id, 0)
    assert list(whole[1:]) == [*mine, *more]
    for after in range(8):
        assert list(await kept.journal.read(one.id, after)) == list(whole[after:])
    assert list(await kept.journal.read(two.id, 1)) == list(yours)


async def test_a_late_writer_keeps_nothing_of_any_turn(kept: Kept) -> None:
    one, two = (await kept.begin()).turn, (await kept.begin()).turn
    with pytest.raises(Conflict) as caught:
        await kept.journal.commit(
            [
                Entry(one.id, one.owner, kept.lines(2, said("One"))),
                Entry(two.id, two.owner + 7, kept.lines(2, said("Two"))),
            ],
            durable=False,
        )
    assert caught.value.code == "turn_taken"
    assert two.id in caught.value.detail
    assert len(await kept.journal.read(one.id, 0)) == len(await kept.journal.read(two.id, 0)) == 1


@pytest.mark.parametrize("n", [1, 2, 3, 5])
async def test_a_number_is_never_given_twice_nor_left_out(kept: Kept, n: int) -> None:
    turn = (await kept.begin()).turn
    before = await kept.commit(turn, 2, *said("x")[:2])
    with pytest.raises(Conflict) as caught:
        await kept.commit(turn, n, PartDelta(index=0, text="again"))
    assert caught.value.code == "turn_taken"
    assert list(await kept.journal.read(turn.id, 1)) == list(before)


async def test_a_thread_waits_while_any_call_waits_for_a_decision(kept: Kept) -> None:
    turn = (await kept.begin()).turn

    async def state() -> str:
        return (await kept.threads.get(kept.user, turn.thread)).state

    await kept.commit(turn, 2, ApprovalAsked(call="a"), ApprovalAsked(call="b"), ToolStarted(call="c"))
    assert await state() == "waiting"
    await kept.commit(turn, 5, ApprovalGiven(call="a", decision="once"), ToolStarted(call="a"))
    assert await state() == "waiting"
    await kept.commit(turn, 7, ApprovalGiven(call="b", decision="deny"))
    assert await state() == "running"


async def test_what_is_shown_only_while_it_runs_is_in_the_journal_too(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    events = [
        Waiting(waits_for="model", seconds=2.5),
        ToolOutput(call="c", text="line\nline"),
        ToolOutput(call="c", part=Text(text="x")),
    ]
    lines = await kept.commit(turn, 2, *events)
    assert list(await kept.journal.read(turn.id, 1)) == list(lines)
    await kept.settle(turn)
    assert list(await kept.journal.read(turn.id, 1))[:-1] == list(lines)

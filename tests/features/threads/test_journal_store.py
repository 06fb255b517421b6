"""The journal in the database: owners, take-over, one row when settled, less a day later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.contract.kept import Kept, make_kept, numbered, said

from windowseat.core.errors import Conflict
from windowseat.core.events import ApprovalAsked, ApprovalGiven, PartDelta, Snapshot, StepEnded, StepStarted
from windowseat.core.fold import fold
from windowseat.core.ports import Entry
from windowseat.features.threads import DatabaseJournal, DatabaseTurns
from windowseat.platform.database import Database


async def counts(database: Database) -> tuple[int, int]:
    """How many rows the journal of running turns has, and that of settled ones."""
    query = text("SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM settled_journals)")
    return tuple(await database.read(lambda conn: conn.execute(query).one()))


async def test_every_run_of_the_process_has_a_greater_number(kept: Kept, database: Database) -> None:
    again = await DatabaseTurns.open(database, kept.clock, kept.ids, lambda *_: None, process="the next")
    assert again.owner > kept.turns.owner
    names = await database.read(lambda conn: conn.execute(text("SELECT process FROM owners")).scalars().all())
    assert names == ["a test", "the next"]


async def test_a_turn_that_was_taken_over_takes_nothing_of_its_old_owner(
    kept: Kept, database: Database
) -> None:
    turn = (await kept.begin()).turn
    await kept.commit(turn, 2, *said("Begun "))
    newest = (await kept.journal.read(turn.id, 0))[-1].at
    later = await make_kept(database, "database")
    (left,) = await later.turns.left()
    assert (left.turn.id, left.newest, left.resumed) == (turn.id, newest, 0)
    assert await kept.turns.left() == []  # one's own turns are not left
    mine = await later.turns.take_over(left.turn, counts=True)
    assert mine.owner == later.turns.owner
    for late in (
        kept.commit(turn, 6, *said("late")),
        kept.settle(turn),
        kept.turns.take_over(turn, counts=False),
    ):
        with pytest.raises(Conflict) as caught:
            await late
        assert caught.value.code == "turn_taken"
    assert len(await later.journal.read(turn.id, 0)) == 5
    await later.commit(mine, 6, PartDelta(index=0, text="and done."))
    await later.settle(mine)
    assert await later.turns.left() == []


async def test_two_that_take_a_turn_over_at_once_get_it_once(kept: Kept, database: Database) -> None:
    await kept.begin()
    one, two = await make_kept(database, "database"), await make_kept(database, "database")
    (left,) = await one.turns.left()
    assert len(await two.turns.left()) == 1
    await one.turns.take_over(left.turn, counts=True)
    with pytest.raises(Conflict):
        await two.turns.take_over(left.turn, counts=True)
    (seen,) = await two.turns.left()
    assert (seen.turn.owner, seen.resumed) == (one.turns.owner, 1)


async def test_a_settled_turn_is_one_row_and_a_running_one_a_row_for_each_commit(
    kept: Kept, database: Database
) -> None:
    turn = (await kept.begin()).turn
    for n, event in enumerate(said("Hello"), 2):
        await kept.commit(turn, n, event)
    assert await counts(database) == (5, 0)
    await kept.settle(turn)
    assert await counts(database) == (0, 1)


async def test_a_day_later_only_what_happened_is_left_and_a_snapshot_says_the_rest(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    ended = StepEnded(
        step=1, usage=None, stop_reason="end", queued=None, first_byte=None, first_token=None, ended=None
    )
    await kept.commit(turn, 2, StepStarted(step=1, request="r", model="work/model"), *said("Hello"), ended)
    message = await kept.settle(turn)
    before = await kept.journal.read(turn.id, 0)
    running = (await kept.begin()).turn
    journal = kept.journal
    assert isinstance(journal, DatabaseJournal)
    assert await journal.thin(before[-1].at) == 0  # not older than that
    kept.clock.skip(days=1)
    assert await journal.thin(kept.clock.now() - timedelta(hours=1)) == 1
    assert await journal.thin(kept.clock.now() - timedelta(hours=1)) == 0
    lines = await journal.read(turn.id, 0)
    assert [(line.n, line.event.type) for line in lines] == [
        (1, "turn_started"),
        (2, "step_started"),
        (6, "snapshot"),
        (7, "step_ended"),
        (8, "turn_settled"),
    ]
    assert fold(numbered(lines)) == message
    snapshot = lines[2].event
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.message.n, snapshot.message.stop_reason, snapshot.message.parts) == (
        6,
        None,
        message.parts,
    )
    assert [line.n for line in await journal.read(turn.id, 3)] == [6, 7, 8]
    assert [line.n for line in await journal.read(turn.id, 6)] == [7, 8]
    assert list(await journal.read(turn.id, 8)) == []
    assert len(await journal.read(running.id, 0)) == 1


async def test_a_change_of_state_raises_the_list_once_and_text_never(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    kept.changes.clear()
    await kept.commit(turn, 2, *said("Hello"))
    assert kept.changes == []
    await kept.commit(turn, 6, ApprovalAsked(call="a"))
    await kept.commit(turn, 7, ApprovalAsked(call="b"))
    await kept.commit(turn, 8, ApprovalGiven(call="a", decision="once"))
    await kept.commit(turn, 9, ApprovalGiven(call="b", decision="once"))
    await kept.settle(turn)
    assert kept.changes == [(kept.user.id, "threads", version) for version in (2, 3, 4)]


async def test_a_refused_group_of_commits_leaves_no_trace(kept: Kept, database: Database) -> None:
    one, two = (await kept.begin()).turn, (await kept.begin()).turn
    kept.changes.clear()
    with pytest.raises(Conflict):
        await kept.journal.commit(
            [
                Entry(one.id, one.owner, kept.lines(2, [ApprovalAsked(call="a")])),
                Entry(two.id, -1, kept.lines(2, said("x"))),
            ],
            durable=True,
        )
    assert await counts(database) == (2, 0)
    assert kept.changes == []
    assert (await kept.threads.get(kept.user, one.thread)).state == "running"

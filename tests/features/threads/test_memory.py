"""What is only in memory: nothing of it is on a disk, and what is over is forgotten by itself."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from tests.contract.kept import Kept, make_kept, numbered, said

from windowseat.core.errors import NotFound
from windowseat.core.fold import fold
from windowseat.core.message import Message
from windowseat.core.parts import Text
from windowseat.features.threads import MemoryTurns
from windowseat.platform.database import Database


@pytest.fixture
async def memory(database: Database) -> Kept:
    return await make_kept(database, "memory")


def path(kept: Kept) -> tuple[Message, ...]:
    question = Message(
        id="m", thread="", parent=None, role="user", parts=(Text(text="Hi"),), created=kept.clock.now()
    )
    return (question,)


async def test_no_row_is_written(memory: Kept, database: Database) -> None:
    await memory.answered()
    await memory.answered(path=path(memory), purpose="api")
    for table in ("threads", "messages", "turns", "journal", "settled_journals", "list_versions", "pieces"):
        query = text(f"SELECT count(*) FROM {table}")
        assert await database.read(lambda conn, query=query: conn.execute(query).scalar()) == 0
    assert memory.changes == []
    assert (await memory.threads.list(memory.user)).threads == ()


async def test_a_turn_without_a_thread_is_forgotten_two_minutes_after_it_settled(memory: Kept) -> None:
    turn, _ = await memory.answered(path=path(memory), purpose="title")
    running = (await memory.begin(path=path(memory), purpose="title")).turn
    memory.clock.skip(seconds=110)
    await memory.begin()
    assert len(await memory.journal.read(turn.id, 0)) == 6
    memory.clock.skip(seconds=20)
    await memory.begin()
    for gone in (memory.journal.read(turn.id, 0), memory.turns.get(memory.user, turn.id)):
        with pytest.raises(NotFound):
            await gone
    await memory.commit(running, 2, *said("still here"))


async def test_a_turn_that_was_told_is_forgotten_at_once_or_once_it_settles(memory: Kept) -> None:
    assert isinstance(memory.turns, MemoryTurns)
    told, _ = await memory.answered(path=path(memory), purpose="api")
    running = (await memory.begin(path=path(memory), purpose="api")).turn
    threaded, _ = await memory.answered()
    for turn in (told, running, threaded):
        memory.turns.forget(turn)
    await memory.settle(running)
    assert await memory.turns.get(memory.user, threaded.id) == threaded
    for turn in (told, running):
        with pytest.raises(NotFound):
            await memory.turns.get(memory.user, turn.id)


async def test_an_older_turn_of_a_temporary_thread_is_its_message_and_its_edges(memory: Kept) -> None:
    turn, message = await memory.answered("Blue.")
    memory.clock.skip(minutes=3)
    await memory.begin(thread=turn.thread, parent=message.id, parts=(Text(text="And?"),))
    lines = await memory.journal.read(turn.id, 0)
    assert [line.event.type for line in lines] == ["turn_started", "snapshot", "turn_settled"]
    assert fold(numbered(lines)) == message
    assert [line.n for line in await memory.journal.read(turn.id, 5)] == [6]


async def test_a_temporary_thread_goes_after_a_day_without_a_change(memory: Kept) -> None:
    turn, _ = await memory.answered()
    running = (await memory.begin()).turn
    memory.clock.skip(hours=25)
    await memory.begin()
    with pytest.raises(NotFound):
        await memory.threads.get(memory.user, turn.thread)
    assert (await memory.threads.get(memory.user, running.thread)).state == "running"


async def test_a_thread_that_is_gone_on_with_after_a_day_stays(memory: Kept) -> None:
    turn, answer = await memory.answered()
    memory.clock.skip(hours=25)
    await memory.begin(thread=turn.thread, parent=answer.id, parts=(Text(text="Still here?"),))
    assert len(await memory.threads.messages(memory.user, turn.thread)) == 4


async def test_a_thread_of_the_database_is_no_thread_of_the_memory(memory: Kept, kept: Kept) -> None:
    turn, _ = await kept.answered()
    with pytest.raises(NotFound) as caught:
        await memory.begin(thread=turn.thread, parent=None, parts=(Text(text="x"),))
    assert caught.value.code == "thread_not_found"

"""Several turns seen through one watch, and whoever wants to know that a turn starts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.turns.kept import Kitchen, Process

from windowseat import codec
from windowseat.core.errors import StoreFault
from windowseat.testing.ports import said
from windowseat.turns.journal import Journal
from windowseat.turns.turns import Turns
from windowseat.turns.world import Kept


async def test_one_watch_sees_the_turns_of_every_journal_that_shares_it():
    watches = {}
    process = Process(scripts=[said("one"), said("two")])
    journals = [Journal(process.store, process.clock, codec.event_json, watches) for _ in range(2)]
    kept = {
        "database": Kept(journal=journals[0], turns=process.store),
        "memory": Kept(journal=journals[1], turns=process.store),
    }
    process.turns = Turns(replace(process.world, kept=kept))
    watch = process.turns.watch()
    seen = {"t1": [], "t2": []}
    for id in seen:
        watch.add(id)
    turns = [await process.ask(id=id) for id in seen]
    async with asyncio.timeout(5):
        while not all(lines and lines[-1].event.type == "turn_settled" for lines in seen.values()):
            await watch.wait()
            for turn in turns:
                lines = seen[turn.id]
                lines += await process.turns.since(turn, lines[-1].n if lines else 0)
    watch.close()
    assert [[line.n for line in lines] for lines in seen.values()] == [
        list(range(1, len(lines) + 1)) for lines in seen.values()
    ]
    assert watches == {}


async def test_who_reads_a_turn_that_cannot_be_written_is_told():
    process = Process(scripts=[said("lost")])
    turn = await process.ask()
    process.store.broken = StoreFault("disk_full", "No room.", hint="Make room.")
    while process.turns.is_running(turn.id):
        await asyncio.sleep(0.01)
    with pytest.raises(StoreFault, match="No room"):
        await process.turns.since(turn, 1)


async def test_a_turn_that_starts_is_told_once():
    told = []
    process = Process(Kitchen(), scripts=[said("hello")])
    process.turns = Turns(replace(process.world, started=(told.append,)))
    turn = await process.ask()
    assert await process.ask() == turn
    assert told == [turn]
    await process.events(turn)

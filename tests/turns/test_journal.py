"""The journal's promise to whoever writes: what was put is committed, however busy the writer is."""

from __future__ import annotations

import asyncio

from windowseat import codec
from windowseat.core.events import PartDelta, StepStarted
from windowseat.platform.clock import Clock
from windowseat.turns.journal import Journal


class SlowStore:
    """Keeps lines, each commit only after some turns of the loop."""

    def __init__(self):
        self.kept = []

    async def commit(self, entries, *, durable):
        for _ in range(5):
            await asyncio.sleep(0)
        self.kept += [line.event for entry in entries for line in entry.lines]


async def test_an_edge_that_is_put_while_the_writer_is_busy_is_committed_when_put_returns():
    store = SlowStore()
    journal = Journal(store, Clock(), codec.event_json)
    journal.open("t", 1, 0)
    for step in range(1, 4):
        journal.post("t", PartDelta(index=0, text="word"))
        await asyncio.sleep(0)  # the writer takes the word …
        await asyncio.sleep(0)
        edge = StepStarted(step=step, request="r", model="m")
        await journal.put("t", edge)  # … and is not done with it
        assert store.kept[-1] == edge
    await journal.close()


async def test_flush_waits_for_what_the_writer_has_taken_already():
    store = SlowStore()
    journal = Journal(store, Clock(), codec.event_json)
    journal.open("t", 1, 0)
    word = PartDelta(index=0, text="word")
    journal.post("t", word)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await journal.flush("t")
    assert store.kept == [word]
    await journal.close()

"""What the journal promises to those who write, however busy the writer is, and to those who follow."""

from __future__ import annotations

import asyncio

from windowseat import codec
from windowseat.core.events import PartDelta, PartStarted, StepStarted, TurnSettled
from windowseat.core.parts import Text
from windowseat.platform.clock import Clock
from windowseat.turns.journal import GAP, LAST, Journal


class SlowStore:
    """Keeps lines, each commit only after some turns of the loop."""

    def __init__(self):
        self.kept = []
        self.reads = []

    async def commit(self, entries, *, durable):
        for _ in range(5):
            await asyncio.sleep(0)
        self.kept += [line.event for entry in entries for line in entry.lines]

    async def read(self, turn, after):
        self.reads.append((turn, after))
        return ()


async def a_round(journal, store, turn):
    """A round of the writer, after which the next one has to wait."""
    journal.post(turn, PartDelta(index=0, text="of the round"))
    async with asyncio.timeout(5):
        while not store.kept:
            await asyncio.sleep(0)


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


async def test_the_first_words_of_a_part_do_not_wait_for_the_next_commit_of_others():
    store = SlowStore()
    journal = Journal(store, Clock(), codec.event_json)
    journal.open("t", 1, 0)
    await a_round(journal, store, "t")
    begun = PartStarted(index=0, part=Text(text=""))
    journal.post("t", begun)
    journal.post("t", PartDelta(index=0, text="first"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert store.kept[-2:] == [begun, PartDelta(index=0, text="first")]
    journal.post("t", PartDelta(index=0, text="second"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert store.kept[-1].text == "first"
    await journal.close()
    assert store.kept[-1].text == "second"


async def test_who_followed_a_turn_reads_its_end_from_memory_and_who_comes_late_from_the_store():
    store = SlowStore()
    journal = Journal(store, Clock(), codec.event_json)
    journal.open("t", 1, 0)
    for _ in range(3 * LAST):
        await journal.put("t", StepStarted(step=1, request="r", model="m"))

    async def keep(line):
        store.kept.append(line.event)

    end = TurnSettled(stop_reason="end", usage=None, price=None)
    await journal.seal("t", end, keep)
    newest = 3 * LAST + 1
    assert [(line.n, line.event) for line in await journal.since("t", newest - 1)] == [(newest, end)]
    assert list(await journal.since("t", newest)) == []
    assert store.reads == []
    await journal.since("t", 0)
    assert store.reads == [("t", 0)]


async def test_an_edge_takes_along_its_own_turn_and_leaves_the_others_to_their_round():
    store = SlowStore()
    journal = Journal(store, Clock(), codec.event_json)
    for turn in ("a", "b"):
        journal.open(turn, 1, 0)
    await a_round(journal, store, "b")
    journal.post("b", PartDelta(index=0, text="later"))
    await journal.put("a", StepStarted(step=1, request="r", model="m"))
    assert store.kept[-1].type == "step_started"
    await asyncio.sleep(2 * GAP)
    assert store.kept[-1].text == "later"
    await journal.close()


async def test_a_round_waits_a_moment_for_those_whose_words_come_just_behind():
    store = SlowStore()
    journal = Journal(store, Clock(), codec.event_json)
    turns = [f"t{number}" for number in range(100)]
    for turn in turns:
        journal.open(turn, 1, 0)
    for turn in turns:
        journal.post(turn, PartDelta(index=0, text="word"))
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        while not store.kept:
            await asyncio.sleep(0)
    assert len(store.kept) == 100
    await journal.close()

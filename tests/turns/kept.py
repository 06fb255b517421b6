"""Turns kept in a dictionary, and a small world around them, for tests of the way of a turn."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

from windowseat import codec
from windowseat.core.ask import Ask, Turn, User
from windowseat.core.errors import Conflict, NotFound
from windowseat.core.message import Message
from windowseat.core.parts import Text
from windowseat.core.ports import Begun, Entry, Left
from windowseat.platform.clock import Clock
from windowseat.testing.ports import FakeLedger, FakeProviders, FakeTools
from windowseat.turns.journal import Journal
from windowseat.turns.turns import Turns
from windowseat.turns.world import Bounds, Kept, World

ME = User(id="me")


@dataclass
class Kitchen:
    """What outlives a process in these tests: lines, turns, messages, requests."""

    lines: dict = field(default_factory=dict)
    turns: dict = field(default_factory=dict)
    paths: dict = field(default_factory=dict)
    requests: dict = field(default_factory=dict)
    messages: dict = field(default_factory=dict)
    resumed: dict = field(default_factory=dict)
    names: itertools.count = field(default_factory=itertools.count)


class KeptTurns:
    """The ports `TurnStore` and `JournalStore` of one process over a `Kitchen`."""

    def __init__(self, kitchen, clock, owner):
        self.kitchen, self.clock, self.owner = kitchen, clock, owner
        self.commits = []
        self.broken = None

    async def commit(self, entries, *, durable):
        if self.broken:
            raise self.broken
        for entry in entries:
            if self.kitchen.turns[entry.turn].owner != entry.owner:
                raise Conflict("turn_taken", "Another process has this turn.")
        for entry in entries:
            kept = self.kitchen.lines[entry.turn]
            assert [line.n for line in entry.lines] == list(
                range(len(kept) + 1, len(kept) + 1 + len(entry.lines))
            )
            kept.extend(entry.lines)
        self.commits.append((tuple(entries), durable))

    async def read(self, turn, after):
        return self.kitchen.lines[turn][after:]

    async def begin(self, ask, model, first):
        if ask.id in self.kitchen.turns:
            return Begun(turn=self.kitchen.turns[ask.id], fresh=False)
        user = None
        if ask.parts:
            user = Message(
                id=f"{ask.id}-u",
                thread="th",
                parent=ask.parent,
                role="user",
                parts=ask.parts,
                created=self.clock.now(),
            )
        turn = Turn(
            id=ask.id, user=ask.user, thread="th", parent=ask.parent, user_message=user.id if user else None,
            message=f"{ask.id}-m", model=model.name, options=ask.options, owner=self.owner,
            caller_tools=ask.caller_tools, instructions=ask.instructions,
            begins_with=self.kitchen.messages[ask.parent].parts if ask.goes_on else (),
        )  # fmt: skip
        self.kitchen.turns[turn.id] = turn
        self.kitchen.paths[turn.id] = (*ask.path, user) if user else ask.path
        self.kitchen.resumed[turn.id] = 0
        self.kitchen.lines[turn.id] = [first(turn)]
        return Begun(turn=turn, fresh=True)

    async def get(self, user, turn):
        if turn not in self.kitchen.turns:
            raise NotFound("turn_not_found", "There is no such turn.")
        return self.kitchen.turns[turn]

    async def path(self, turn):
        return self.kitchen.paths[turn.id]

    async def keep_request(self, turn, step, request):
        name = f"r{next(self.kitchen.names)}"
        self.kitchen.requests[name] = request
        return name

    async def kept_request(self, turn, name):
        return self.kitchen.requests[name]

    async def settle(self, turn, message, line):
        await self.commit([Entry(turn.id, turn.owner, (line,))], durable=True)
        self.kitchen.messages[message.id] = message

    async def left(self):
        return [
            Left(turn=turn, newest=self.kitchen.lines[turn.id][-1].at, resumed=self.kitchen.resumed[turn.id])
            for turn in self.kitchen.turns.values()
            if turn.owner != self.owner and self.kitchen.lines[turn.id][-1].event.type != "turn_settled"
        ]

    async def take_over(self, turn, *, counts):
        self.kitchen.turns[turn.id] = taken = replace(turn, owner=self.owner)
        self.kitchen.resumed[turn.id] += counts
        return taken


class Process:
    """A process with its turns; several over one kitchen are what comes after a kill."""

    numbers = itertools.count(1)

    def __init__(self, kitchen=None, *, bounds=None, scripts=(), prefill=None, now=None):
        self.kitchen = kitchen or Kitchen()
        self.clock = now or Clock()
        self.store = KeptTurns(self.kitchen, self.clock, next(self.numbers))
        self.journal = Journal(self.store, self.clock, codec.event_json)
        self.providers = FakeProviders(scripts=list(scripts), prefill=prefill)
        self.tools = FakeTools()
        self.ledger = FakeLedger()
        self.settled = []
        self.world = World(
            clock=self.clock,
            kept={"database": Kept(journal=self.journal, turns=self.store)},
            providers=self.providers,
            tools=self.tools,
            ledger=self.ledger,
            new_id=lambda: "new",
            after=(self._note,),
            bounds=bounds or Bounds(),
        )
        self.turns = Turns(self.world)

    async def _note(self, turn, message):
        self.settled.append(message)

    async def ask(self, id="t", words="Hello", **more):
        parts = (Text(text=words),) if words else ()
        return (await self.turns.start(Ask(id=id, user=ME, parts=parts, **more))).turn

    async def events(self, turn, after=0):
        """All events of a turn until it settles."""
        return [line.event async for lines in self.turns.follow(turn, after) for line in lines]

    async def until(self, turn, type):
        """The events up to the first of this type."""
        seen = []
        async for lines in self.turns.follow(turn, 0):
            for line in lines:
                seen.append(line.event)
                if line.event.type == type:
                    return seen
        raise AssertionError(f"no {type} among {[event.type for event in seen]}")

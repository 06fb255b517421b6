"""One turn that is asked of a server which will be killed, and everyone who follows it.

One follower goes on through every restart and decides on calls that ask: yes, and no to those that were cut
off while they ran and ask again. The others end with the process, and what each was shown is kept as it came.
How that is judged is judge.py's, when the server is killed kills.py's.
"""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from windowseat.entrypoints.cli.client import Client
from windowseat.testing.following import Door, Follower

Plan = dict[str, Any]

_ANSWERS_WITHIN = 20.0


def random_plan(name: str, chance: random.Random, *, is_long: bool) -> Plan:
    """Thinking, words and calls of all three kinds over two or three steps, in about a second.

    A long one has a stretch of words in which nothing but the journal's own pace has them written.
    """
    kinds = ["note_nothing", "note_thread", "note_outside"]
    chance.shuffle(kinds)
    first = [[kind, round(chance.uniform(0.0, 0.25), 3)] for kind in kinds[: chance.randint(1, 3)]]
    stages: list[Plan] = [
        {"thinking": chance.randint(0, 25), "words": chance.randint(5, 40), "calls": first},
        {"thinking": chance.randint(0, 10), "words": chance.randint(5, 40)},
    ]
    if chance.random() < 0.3:
        more = {"words": chance.randint(1, 20), "calls": [[chance.choice(kinds), 0.05]]}
        stages.insert(1, more)
    if is_long:
        stages[0]["words"] = chance.randint(100, 150)
    return {
        "plan": name,
        "rate": chance.choice([100, 200, 400]),
        "repeat": chance.choice([0, 0, 3]),
        "stages": stages,
    }


@dataclass(slots=True)
class Shown:
    """What one follower was shown after number `after`."""

    kind: str
    after: int
    data: bytes


@dataclass
class AskedTurn:
    """A turn, its plan, and what was seen of it."""

    socket: Path
    plan: Plan
    chance: random.Random
    on_event: Callable[[dict[str, Any]], None] = lambda _: None
    decides: bool = True
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    thread: str | None = None
    shown: list[Shown] = field(default_factory=list)
    began: set[str] = field(default_factory=set)
    """Calls whose tool was started at least once."""
    pending: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.client = Client(self.socket)
        self.door = Door(path=self.socket)
        self.main = Follower(self.door, f"/api/turns/{self.id}/events", on_event=self._saw)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> bool:
        """Ask; False where the server went away before it answered. The same ask may be made again."""
        body = {"id": self.id, "new": {}, "parts": [{"type": "text", "text": json.dumps(self.plan)}]}
        status, begun = await self._send("/api/turns", body)
        if status == 0:
            return False
        assert status == 202, begun
        self.thread = begun["thread"]
        return True

    def follow(self) -> None:
        """Let everyone follow until the server is gone."""
        kinds = (self._whole, self._slow, self._late, self._again_and_again, self._as_a_browser)
        self._tasks += [asyncio.create_task(kind()) for kind in kinds]

    async def let_go(self) -> None:
        """The server is gone, or the turn has settled: everyone comes to an end."""
        await asyncio.gather(*self._tasks)
        self._tasks = []

    async def through_restarts(self) -> None:
        """Follow to the end, asking again whenever the server is there, and decide on what asks."""
        both = [asyncio.create_task(self._go_on()), asyncio.create_task(self._decide())]
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        self._keep("through restarts", 0, self.main)

    async def _go_on(self) -> None:
        while not self.main.settled:
            if await self.main.follow() != 200:
                await asyncio.sleep(0.02)

    async def resume(self) -> None:
        """Resume it as a person does whom it is offered to; harmless where it goes on or is over."""
        status, answer = await self._send(f"/api/turns/{self.id}/resume", {})
        assert status == 204 or answer["code"] == "turn_settled", answer

    # -- the others -------------------------------------------------------------------------------

    async def _whole(self) -> None:
        follower = self._follower()
        await follower.follow()
        self._keep("from the first on", 0, follower)

    async def _slow(self) -> None:
        follower = self._follower(slowness=0.01)
        await follower.follow()
        self._keep("slow", 0, follower)

    async def _late(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, 0.5))
        after = self.main.last
        follower = self._follower(after=after)
        await follower.follow()
        self._keep("late", after, follower)

    async def _again_and_again(self) -> None:
        follower = self._follower()
        while await follower.follow(self.chance.uniform(0.02, 0.3)) is None:
            pass
        self._keep("again and again", 0, follower)

    async def _as_a_browser(self) -> None:
        follower = Follower(self.door, "/api/events", prefix=f"{self.id}:")
        following = asyncio.create_task(follower.follow())
        while not (following.done() or follower.settled):
            await asyncio.sleep(0.05)
        following.cancel()
        await asyncio.wait([following])
        data = follower.shown.replace(f"id: {self.id}:".encode(), b"id: ")
        self.shown.append(Shown("browser", 0, data))

    def _follower(self, **more: Any) -> Follower:
        return Follower(self.door, f"/api/turns/{self.id}/events", **more)

    def _keep(self, kind: str, after: int, follower: Follower) -> None:
        self.shown.append(Shown(kind, after, follower.shown))

    def decide_soon(self, call: str) -> None:
        """Decide now, without waiting for the answer."""
        self._tasks.append(asyncio.create_task(self.decide(call)))

    # -- deciding ---------------------------------------------------------------------------------

    def _saw(self, event: dict[str, Any]) -> None:
        if event["type"] == "approval_asked":
            self.pending.add(event["call"])
        elif event["type"] == "approval_given":
            self.pending.discard(event["call"])
        elif event["type"] == "tool_started":
            self.began.add(event["call"])
        self.on_event(event)

    async def _decide(self) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(0.02, 0.2))
            for call in tuple(self.pending) if self.decides else ():
                await self.decide(call)

    async def decide(self, call: str) -> None:
        """Yes, but no to a call that was cut off while it ran."""
        decision = {"call": call, "decision": "once"}
        if call in self.began:
            decision = {"call": call, "decision": "deny", "reason": "It may have been done."}
        status, answer = await self._send(f"/api/turns/{self.id}/approve", decision)
        assert status in (0, 204) or answer["code"] in ("approval_not_asked", "turn_taken"), answer

    async def _send(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Send it; the status is 0 where the server is gone."""
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                return await self.door.ask("POST", path, body)
        except TimeoutError:
            raise AssertionError(f"{path} was not answered") from None
        except (OSError, asyncio.IncompleteReadError):
            return 0, None

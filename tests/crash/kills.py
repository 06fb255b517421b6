"""Where the server is killed, and one kill from the question to the verdict.

A point is a moment of a turn: an event that a follower has just been shown, a request that is on its way, or
any moment at all; the kill falls at random within a little while after it. Everything that chance decides
comes from one seed, which is printed, though not even the same seed makes the same machine.
"""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.asked import AskedTurn, random_plan
from tests.crash.judge import journal_of_the_dead, judge, lost_milliseconds

from windowseat.platform.home import Home
from windowseat.testing.serving import ServerProcess

TURNS = 3
"""Turns that run side by side in every kill."""
MOST_LOST = 250.0
"""Milliseconds of what the provider sent that a kill may take."""
RESUMES = 2
"""How often a turn goes on by itself; after more kills a person has to resume it."""
_SETTLES_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Point:
    """Kill within `within` seconds after the first turn's event of this type; "" means after its start.

    `part` and `step_reason` narrow it. `before_answer`: while the turns are being asked. `waits`: nobody
    decides before the kill; `decides`: somebody does just then. `kills`: how often, until all has settled.
    `two`: two servers start after it at the same moment. `gently`: the server is asked to stop.
    """

    name: str
    event: str = ""
    within: float = 0.003
    part: str = ""
    step_reason: str = ""
    before_answer: bool = False
    waits: bool = False
    decides: bool = False
    kills: int = 1
    two: bool = False
    gently: bool = False

    def is_at(self, event: dict[str, Any]) -> bool:
        """Whether this event is the moment."""
        return (
            event["type"] == self.event
            and self.part in ("", event.get("part", {}).get("type"))
            and self.step_reason in ("", event.get("stop_reason"))
        )


POINTS = (
    Point("at any moment", within=1.6),
    Point("while it is admitted", before_answer=True, within=0.03),
    Point("as it has started", "turn_started", within=0.03),
    Point("as a request is sent", "step_started", within=0.01),
    Point("as thinking begins", "part_started", part="thinking", within=0.05),
    Point("as words begin", "part_started", part="text", within=0.2),
    Point("between two words", "part_delta", within=0.1),
    Point("as a call begins", "part_started", part="tool_call", within=0.06),
    Point("as a call is complete", "part_settled", part="tool_call"),
    Point("as a step with calls ends", "step_ended", step_reason="tool_call", within=0.006),
    Point("as a tool starts", "tool_started"),
    Point("while a tool runs", "tool_started", within=0.3),
    Point("as a tool is done", "part_settled", part="tool_result"),
    Point("as a tool has ended", "tool_ended", within=0.006),
    Point("as it asks", "approval_asked", within=0.004),
    Point("while it waits for a person", "approval_asked", within=0.6, waits=True),
    Point("as a person decides", "approval_asked", within=0.006, decides=True),
    Point("as a decision is kept", "approval_given"),
    Point("as it settles", "step_ended", step_reason="end", within=0.005),
    Point("as it has settled", "turn_settled"),
    Point("as it is asked to stop", within=1.2, gently=True),
    Point("twice", within=1.2, kills=2),
    Point("three times", within=0.6, kills=3),
    Point("with two servers after it", within=1.2, two=True),
)


@dataclass
class Measured:
    """What a kill took."""

    point: str
    lost: float = 0.0
    interrupted: int = 0
    seams: int = 0
    events: int = 0
    came_back: float = 0.0
    """Seconds from the next start until it answered."""


@dataclass
class CrashHouse:
    """One home whose server is killed again and again, with its provider."""

    root: Path
    provider: str
    sent: Path
    count: int = 0
    measured: list[Measured] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.notes = self.root / "notes"
        self.server = self._server("server")

    def _server(self, name: str) -> ServerProcess:
        settings = {"default_model": "planned/any"}
        return ServerProcess(home=self.root / "home", settings=settings, notes=self.notes, name=name)

    def open(self) -> None:
        """Start for the first time."""
        self.server.start()
        self.server.wait_until_ready()
        connection = {"name": "planned", "dialect": "openai-chat", "url": self.provider}
        self.server.client.send("POST", "/api/connections", connection)

    @property
    def socket(self) -> Path:
        """The home's socket."""
        path = Home(self.root / "home").socket_path()
        assert path is not None
        return path

    async def kill_at(self, point: Point, chance: random.Random) -> Measured:
        """Ask, kill at the point, start again, wait until all has settled, and judge."""
        measured = Measured(point.name)
        turns = [self._asked(point, chance, is_long=n == TURNS - 1) for n in range(TURNS)]
        since = time.monotonic_ns()
        following: list[asyncio.Task[None]] = []
        try:
            killed = await self._killed_at(point, turns, following, chance)
            since = await self._start_again(turns, since, killed, measured, two=point.two)
            for _ in range(point.kills - 1):
                for turn in turns:
                    turn.follow()
                await asyncio.sleep(chance.uniform(0, 0.8))
                killed = self.server.kill()
                since = await self._start_again(turns, since, killed, measured)
            for turn in turns:
                if turn.thread is None:
                    assert await turn.start()
                if point.kills > RESUMES:
                    await turn.resume()
                turn.decides = True
                turn.follow()
            async with asyncio.timeout(_SETTLES_WITHIN):
                await asyncio.gather(*following)
                await asyncio.gather(*(turn.let_go() for turn in turns))
        finally:
            for task in following:
                task.cancel()
        for turn in turns:
            self._count(await judge(turn, self.notes, self.root / "home"), measured)
        self.measured.append(measured)
        return measured

    def _asked(self, point: Point, chance: random.Random, *, is_long: bool) -> AskedTurn:
        self.count += 1
        plan = random_plan(f"{self.root.name}-{self.count}", chance, is_long=is_long)
        if "approval" in point.event or point.decides:
            plan["stages"][0]["calls"][0][0] = "note_outside"
        if point.part == "thinking":
            plan["stages"][0]["thinking"] = 20
        own = random.Random(chance.random())
        return AskedTurn(self.socket, plan, own, decides=not point.waits)

    async def _killed_at(
        self, point: Point, turns: list[AskedTurn], following: list[asyncio.Task[None]], chance: random.Random
    ) -> int:
        """Ask and kill; returns when."""
        loop = asyncio.get_running_loop()
        killed: asyncio.Future[int] = loop.create_future()
        delay = chance.uniform(0, point.within)

        def kill() -> None:
            if not killed.done():
                killed.set_result(self.server.ask_to_stop() if point.gently else self.server.kill())

        def saw(event: dict[str, Any]) -> None:
            if point.is_at(event):
                if point.decides:
                    turns[0].decide_soon(event["call"])
                loop.call_later(delay, kill) if delay > 0.001 else kill()

        turns[0].on_event = saw
        starting = [asyncio.create_task(turn.start()) for turn in turns]
        if point.before_answer:
            loop.call_later(delay, kill)
        following.extend(asyncio.create_task(turn.through_restarts()) for turn in turns)
        for turn, started in zip(turns, starting, strict=True):
            if await started:
                turn.follow()
        if not (point.event or point.before_answer):
            loop.call_later(delay, kill)
        async with asyncio.timeout(_SETTLES_WITHIN):
            return await killed

    async def _start_again(
        self, turns: list[AskedTurn], since: int, killed: int, measured: Measured, *, two: bool = False
    ) -> int:
        """Judge what was kept and start again; returns when, in time.monotonic_ns()."""
        assert await asyncio.to_thread(self.server.wait) in (0, -signal.SIGKILL)
        for turn in turns:
            await turn.let_go()
        home = self.root / "home"
        kept = journal_of_the_dead(home, [turn.id for turn in turns], self.root / "copy")
        for turn in turns:
            lost = lost_milliseconds(self.sent, turn.plan["plan"], kept[turn.id], since, killed)
            measured.lost = max(measured.lost, lost)
            assert lost <= MOST_LOST, f"{lost:.0f} ms of what was sent to {turn.plan['plan']} are gone"
        begun = time.monotonic_ns()
        self.server.start()
        if two:
            await asyncio.to_thread(self._one_of_two_stays)
        await asyncio.to_thread(self.server.wait_until_ready)
        measured.came_back = (time.monotonic_ns() - begun) / 1e9
        return begun

    def _one_of_two_stays(self) -> None:
        """A second one starts at the same moment; whichever holds the home goes on as our server."""
        second = self._server(f"second-{self.count}")
        second.start()
        pair = [self.server, second]
        until = time.monotonic() + 30
        while not (ended := [each for each in pair if each.process and each.process.poll() is not None]):
            assert time.monotonic() < until, "two servers serve one home"
            time.sleep(0.01)
        (loser,) = ended
        (self.server,) = [each for each in pair if each is not loser]
        self.server.wait_until_ready()
        assert loser.process is not None
        assert loser.process.returncode == 3
        address = self.server.printed().rpartition("runs at ")[2].split()[0]
        assert address in loser.printed()

    def _count(self, events: list[dict[str, Any]], measured: Measured) -> None:
        types = [event["type"] for event in events]
        broken = sum(e["type"] == "step_ended" and e["stop_reason"] == "interrupted" for e in events)
        assert types.count("seam") <= broken
        measured.interrupted += broken
        measured.seams += types.count("seam")
        measured.events += len(types)


@contextmanager
def planned_provider(log: Path) -> Iterator[str]:
    """The provider of provider.py in a process of its own; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.provider", str(log)],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

"""The server is killed with kill -9 in the middle of answers, and nothing is lost.

A few points in every run, two hundred in the long one. CRASH_SEED in the environment repeats what chance
decided; each failure names it.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator

import pytest
from tests.crash.kills import POINTS, CrashHouse, Point, planned_provider

SEED = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(10**6))
IN_EVERY_RUN = (
    "at any moment",
    "while it is admitted",
    "while a tool runs",
    "while it waits for a person",
    "as it settles",
    "as it is asked to stop",
    "with two servers after it",
)
ROUNDS = 10
"""Times that the long run goes through all points: 23 points and 26 ends each time."""


@pytest.fixture(scope="module")
def crash_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashHouse]:
    root = tmp_path_factory.mktemp("crash")
    with planned_provider(root / "sent") as url:
        house = CrashHouse(root, url, root / "sent")
        house.open()
        try:
            yield house
        finally:
            house.server.end()


async def kill_at(house: CrashHouse, point: Point, number: int) -> None:
    sys.stdout.write(f"CRASH_SEED={SEED}, {point.name}, {number}\n")  # pytest shows it where the test fails
    if house.server.process is None or house.server.process.poll() is not None:
        house.server.start()  # an earlier point has failed
        house.server.wait_until_ready()
    measured = await house.kill_at(point, random.Random(f"{SEED}/{point.name}/{number}"))
    sys.stdout.write(f"{measured}\n")


@pytest.mark.parametrize("point", [p for p in POINTS if p.name in IN_EVERY_RUN], ids=lambda p: p.name)
async def test_a_kill_loses_nothing_and_the_answer_goes_on(crash_house: CrashHouse, point: Point) -> None:
    await kill_at(crash_house, point, 0)


@pytest.mark.long
@pytest.mark.parametrize("number", range(1, ROUNDS + 1))
@pytest.mark.parametrize("point", POINTS, ids=lambda p: p.name)
async def test_two_hundred_kills_lose_nothing(crash_house: CrashHouse, point: Point, number: int) -> None:
    await kill_at(crash_house, point, number)

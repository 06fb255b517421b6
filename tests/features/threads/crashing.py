"""A process that begins, writes and settles turns as fast as it can, until it is killed. Not a fake.

It first takes over what the run before it left. After each commit it prints what it was told is kept:
`TURN N`, or `TURN settled`. Called as `python -m tests.features.threads.crashing DATABASE`.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.contract.kept import Kept, make_kept, said

from windowseat.core.ask import User
from windowseat.core.events import StepStarted, ToolStarted
from windowseat.core.request import Piece, Request
from windowseat.platform.database import Database

USER = User(id="00000000-0000-7000-8000-000000000001")


def tell(*words: object) -> None:
    """Print a line that a reader has even if this process is killed right after."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def request(step: int) -> Request:
    """A request that grows by a piece with each step."""
    pieces = tuple(Piece(segment=f"s{n}", data=b"x" * 500 + str(n).encode()) for n in range(step + 3))
    return Request(dialect="openai-chat", connection="work", model="model", stream=True, pieces=pieces)


async def whole_turn(kept: Kept, parent: str | None, thread: str | None) -> tuple[str, str | None]:
    """One turn from its beginning to its end, an answer of the one before."""
    more = {"thread": thread, "parent": parent} if thread else {}
    ask = kept.ask(**more)  # a new thread, or an answer again
    turn = (await kept.begin(ask)).turn
    tell(turn.id, 1)
    name = await kept.turns.keep_request(turn, 1, request(1))
    events = [
        StepStarted(step=1, request=name, model=turn.model),
        *said("one two three"),
        ToolStarted(call="c"),
    ]
    for n, event in enumerate(events, 2):
        await kept.commit(turn, n, event, durable=isinstance(event, ToolStarted))
        tell(turn.id, n)
    await kept.settle(turn)
    tell(turn.id, "settled")
    assert turn.thread is not None
    return turn.thread, turn.user_message or turn.parent


async def main(place: Path) -> None:
    """Go on until killed."""
    database = Database.open(place)
    kept = await make_kept(database, "database")
    kept.user = USER
    kept.clock.moment = datetime.now(UTC)
    for left in await kept.turns.left():
        turn = await kept.turns.take_over(left.turn, counts=True)
        await kept.settle(turn, "interrupted")
        tell(turn.id, "settled")
    tell("ready")
    thread: str | None = None
    parent: str | None = None
    for count in range(1_000_000):
        thread, parent = await whole_turn(kept, parent, thread)
        if count % 3 == 2:
            thread = parent = None


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

"""A process that is killed at any moment of a turn leaves nothing half and takes nothing that it told."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.contract.kept import Kept, numbered
from tests.features.threads.crashing import USER, request

from windowseat.core.events import StepStarted
from windowseat.core.fold import fold
from windowseat.core.parts import Text
from windowseat.platform.database import Database

PROJECT = Path(__file__).resolve().parents[3]

# Each of these names rows that no moment of a turn may leave.
NEVER = {
    "a turn without its messages": """
        SELECT id FROM turns t WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = t.message_id)
        OR (user_message_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = t.user_message_id))""",
    "an answer without its turn": """
        SELECT id FROM messages m WHERE role = 'assistant'
        AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.message_id = m.id AND t.id = m.turn_id)""",
    "a thread without a message at its tip": """
        SELECT id FROM threads h WHERE NOT EXISTS
        (SELECT 1 FROM messages m WHERE m.id = h.tip AND m.thread_id = h.id)""",
    "a settled turn that is not whole": """
        SELECT id FROM turns t WHERE state = 'settled' AND (
            (SELECT parts FROM messages m WHERE m.id = t.message_id) IS NULL
            OR NOT EXISTS (SELECT 1 FROM settled_journals j WHERE j.turn_id = t.id)
            OR EXISTS (SELECT 1 FROM journal j WHERE j.turn_id = t.id))""",
    "an unsettled turn that is half settled": """
        SELECT id FROM turns t WHERE state <> 'settled' AND (
            (SELECT parts FROM messages m WHERE m.id = t.message_id) IS NOT NULL
            OR EXISTS (SELECT 1 FROM settled_journals j WHERE j.turn_id = t.id)
            OR NOT EXISTS (SELECT 1 FROM journal j WHERE j.turn_id = t.id))""",
    "pieces that are counted wrongly": """
        SELECT digest FROM pieces p WHERE uses <> (
            SELECT count(*) FROM request_pieces r JOIN requests q ON q.name = r.request
            WHERE r.piece_digest = p.digest AND q.thread_id = p.thread_id)""",
}


def killed(place: Path, seconds: float) -> list[str]:
    """What a process told until it was killed, that long after it began with turns of its own."""
    command = [sys.executable, "-m", "tests.features.threads.crashing", str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as child:
        assert child.stdout is not None
        told = []
        for line in child.stdout:
            told.append(line.rstrip("\n"))
            if told[-1] == "ready":
                break
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read().split("\n")
        assert child.wait() == -signal.SIGKILL
    return [line for line in told if line and line != "ready"]


async def check(kept: Kept, database: Database, told: list[str]) -> None:
    assert await database.check() == []
    for what, query in NEVER.items():
        rows = await database.read(lambda conn, query=query: conn.execute(text(query)).all())
        assert rows == [], what
    for line in told:
        turn_id, _, what = line.partition(" ")
        turn = await kept.turns.get(USER, turn_id)
        lines = await kept.journal.read(turn_id, 0)
        assert [each.n for each in lines] == list(range(1, len(lines) + 1))
        if what == "settled":
            assert lines[-1].event.type == "turn_settled"
            messages = {m.id: m for m in await kept.threads.messages(USER, turn.thread)}
            assert messages[turn.message] == fold(numbered(lines))
        else:
            assert len(lines) >= int(what)
        for each in lines:
            if isinstance(each.event, StepStarted):
                assert await kept.turns.kept_request(turn, each.event.request) == request(1)


@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=pytest.mark.long)])
async def test_a_kill_at_any_moment_leaves_nothing_half(
    kept: Kept, database: Database, tmp_path: Path, kills: int
) -> None:
    chance = random.Random(kills)
    whole = 0
    for _ in range(kills):
        told = killed(tmp_path / "windowseat.db", chance.uniform(0.01, 0.15))
        await check(kept, database, told)
        whole += sum(line.endswith("settled") for line in told)
    assert whole > 0
    left = await kept.turns.left()
    assert len(left) <= 1  # each run settled what the one before had left
    for each in left:
        message = fold(numbered(await kept.journal.read(each.turn.id, 0)))
        assert all("one two three".startswith(p.text) for p in message.parts if isinstance(p, Text))

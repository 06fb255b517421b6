"""What has to hold of a turn whose server was killed: nothing lost, nothing half, nothing run twice.

It compares four witnesses that know nothing of each other: the bytes that followers were shown, the stamps
that the provider wrote, the notes of the tools, and what the server and its database say now.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from tests.crash.asked import AskedTurn
from tests.crash.provider import STAMP, WORD

from windowseat import codec
from windowseat.core.fold import Fold
from windowseat.features.threads.journal_store import lines_of
from windowseat.testing.following import Follower, events_in

Event = dict[str, Any]


def journal_of_the_dead(home: Path, turns: list[str], copy: Path) -> dict[str, list[Event]]:
    """What the journal holds of these turns while no process owns the home, read from a copy of its files."""
    copy.mkdir()
    try:
        for name in ("windowseat.db", "windowseat.db-wal"):
            if (home / name).exists():
                shutil.copyfile(home / name, copy / name)
        engine = create_engine(f"sqlite:///{copy / 'windowseat.db'}")
        with engine.connect() as conn:
            found = {turn: [json.loads(line.data) for line in lines_of(conn, turn, 0)] for turn in turns}
        engine.dispose()
        return found
    finally:
        shutil.rmtree(copy)


def lost_milliseconds(sent: Path, plan: str, kept: list[Event], since: int, killed: int) -> float:
    """How long before the kill the provider had written the oldest of what is missing; 0 where nothing is.

    `since` and `killed` are time.monotonic_ns(): only what was written between them counts.
    """
    in_journal = set(STAMP.findall(json.dumps(kept)))
    missing = [
        written
        for line in sent.read_text().splitlines()
        if line.startswith(f"{plan} ")
        and since < (written := int(line.rpartition("@")[2])) <= killed
        and line.partition(" ")[2] not in in_journal
    ]
    return (killed - min(missing)) / 1e6 if missing else 0.0


async def judge(turn: AskedTurn, notes: Path, home: Path) -> list[Event]:
    """Assert all of it for one settled turn, and return its events."""
    again = Follower(turn.door, f"/api/turns/{turn.id}/events")
    assert await again.follow(20) == 200
    events = events_in(bytes(again.seen))
    _nothing_shown_is_lost(turn, bytes(again.seen))
    _numbers_and_ends(events)
    _calls_ran_once(turn, events, notes)
    _words_are_whole(turn, events)
    _no_orphan(turn, home)
    _message_is_the_fold(turn, bytes(again.seen))
    _ledger_has_each_step(turn, events)
    return events


def _nothing_shown_is_lost(turn: AskedTurn, now: bytes) -> None:
    begins = {0: 0}
    place = 0
    for number, frame in enumerate(now.split(b"\n\n"), 1):
        place += len(frame) + 2
        begins[number] = place
    for shown in turn.shown:
        rest = now[begins[shown.after] :]
        assert rest.startswith(shown.data), (
            f"{shown.kind}, after {shown.after}, was shown what is not there any more: "
            f"{_first_difference(shown.data, rest)}"
        )


def _first_difference(shown: bytes, now: bytes) -> str:
    both = zip(shown, now, strict=False)
    at = next((i for i, (was, is_now) in enumerate(both) if was != is_now), min(len(shown), len(now)))
    around = slice(max(0, at - 80), at + 120)
    return f"at byte {at}: shown …{shown[around]!r}, now …{now[around]!r}"


def _numbers_and_ends(events: list[Event]) -> None:
    assert [event["n"] for event in events] == list(range(1, len(events) + 1))
    types = [event["type"] for event in events]
    assert types[0] == "turn_started"
    assert types.count("turn_started") == types.count("turn_settled") == 1
    assert types[-1] == "turn_settled"
    assert events[-1]["stop_reason"] == "end"


def _calls_ran_once(turn: AskedTurn, events: list[Event], notes: Path) -> None:
    noted = Counter(notes.read_text().splitlines()) if notes.exists() else Counter[str]()
    parts = {event["index"]: event["part"] for event in events if event["type"] == "part_settled"}
    calls = {part["id"]: part for part in parts.values() if part["type"] == "tool_call"}
    results = Counter(part["id"] for part in parts.values() if part["type"] == "tool_result")
    assert results == dict.fromkeys(calls, 1), "each call has one result"
    for id, call in calls.items():
        of_call = [event["type"] for event in events if event.get("call") == id]
        starts = of_call.count("tool_started")
        if isinstance(call["arguments"], str):
            assert starts == 0, "a half call never runs"
            continue
        key = call["arguments"]["key"]
        began, ended = noted[f"began {key}"], noted[f"ended {key}"]
        assert began <= starts, f"{key} ran {began} times and the journal knows of {starts}"
        result = next(p for p in parts.values() if p["type"] == "tool_result" and p["id"] == id)
        if "error" not in result:
            assert ended >= 1, f"{key} has a result and never came to its end"
        if "tool_ended" in of_call:
            assert "tool_started" not in of_call[of_call.index("tool_ended") :], f"{key} ran after its end"
        if call["name"] != "note_nothing":
            assert starts <= 1, f"{key} may have had effects and was run {starts} times"
            assert began <= 1


def _words_are_whole(turn: AskedTurn, events: list[Event]) -> None:
    text = "".join(
        event["part"]["text"] for event in _settled_parts(events) if event["part"]["type"] == "text"
    )
    said = [(int(found[1]), int(found[2])) for found in WORD.finditer(text)]
    stages = enumerate(turn.plan["stages"])
    planned = [(number, place) for number, stage in stages for place in range(stage.get("words", 0))]
    assert said == planned, f"words are missing, doubled or out of order: {said}"


def _settled_parts(events: list[Event]) -> list[Event]:
    last = {event["index"]: event for event in events if event["type"] == "part_settled"}
    return [last[index] for index in sorted(last)]


def _no_orphan(turn: AskedTurn, home: Path) -> None:
    thread = turn.client.get(f"/api/threads/{turn.thread}")
    assert (thread["state"], thread["running"]) == ("idle", [])
    assert turn.client.get(f"/api/turns/{turn.id}")["state"] == "settled"
    with sqlite3.connect(f"file:{home / 'windowseat.db'}?mode=ro", uri=True) as database:
        state = database.execute("SELECT state, undecided FROM turns WHERE id = ?", [turn.id]).fetchall()
        assert state == [("settled", 0)]
        left = database.execute("SELECT count(*) FROM journal WHERE turn_id = ?", [turn.id]).fetchone()
        assert left == (0,), "lines beside the packed ones"
    database.close()


def _message_is_the_fold(turn: AskedTurn, seen: bytes) -> None:
    lines = [frame.split(b"\ndata: ", 1)[1] for frame in seen.split(b"\n\n") if frame]
    folded = json.loads(codec.to_json(Fold(map(codec.read_numbered, lines)).message()))
    question, message = turn.client.get(f"/api/threads/{turn.thread}/messages")["messages"]
    assert json.loads(question["parts"][0]["text"]) == turn.plan
    assert message == folded
    assert turn.client.get(f"/api/turns/{turn.id}")["message"] == folded


def _ledger_has_each_step(turn: AskedTurn, events: list[Event]) -> None:
    rows = turn.client.get(f"/api/ledger?thread={turn.thread}")["rows"]
    steps = {event["step"]: event for event in events if event["type"] == "step_ended"}
    assert sorted(row["step"] for row in rows) == sorted(steps)
    assert [e["step"] for e in events if e["type"] == "step_started"] == sorted(steps)
    for row in rows:
        ended = steps[row["step"]]
        broke_off = ended["stop_reason"] == "interrupted"
        came = any(
            e.get("part", {}).get("step") == row["step"] for e in events if e["type"] == "part_started"
        )
        # Exact also where the answer was complete and the kill fell just before its last event.
        is_exact = row["usage"] is not None and row["usage"]["cached_tokens"] is not None
        assert row["estimated"] != is_exact or (broke_off and not came), row
        assert is_exact or broke_off, row

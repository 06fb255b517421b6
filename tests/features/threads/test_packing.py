"""How lines are kept: what comes back is what was written, in every form, and it takes little room."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.kept import numbered
from tests.features.threads.answers import as_lines, lines

from windowseat import codec
from windowseat.core import events as e
from windowseat.core.fold import Fold, fold
from windowseat.core.parts import Origin, Text
from windowseat.core.ports import Line
from windowseat.features.threads import packing

ID = "00000000-0000-7000-8000-000000000001"
PROJECT = Path(__file__).resolve().parents[3]


def rows(made: list[Line], cut: int) -> list[bytes]:
    """The lines as rows of the journal, `cut` in each."""
    return [packing.to_bytes(made[start : start + cut]) for start in range(0, len(made), cut)]


@given(lines(), st.integers(1, 5), st.integers(0, 40))
def test_lines_come_back_from_their_rows_and_packed_from_any_number(
    made: list[Line], cut: int, after: int
) -> None:
    kept = rows(made, cut)
    assert [line for row in kept for line in packing.from_bytes(row)] == made
    packed = packing.pack(kept)
    assert list(packing.unpack(packed)) == made
    assert list(packing.unpack(packed, after)) == made[after:]


@given(lines(), st.integers(0, 40))
def test_what_is_left_of_a_turn_still_folds_to_its_message_and_tells_its_steps(
    made: list[Line], after: int
) -> None:
    whole = Fold(numbered(made))
    left = packing.from_thin(packing.thin(packing.pack(rows(made, 3))))
    answered = packing.with_snapshot(left, whole.message())
    thinned = Fold(numbered(answered))
    assert thinned.message() == whole.message()
    assert thinned.steps == whole.steps
    assert thinned.calls == whole.calls
    assert [line.n for line in answered] == sorted({line.n for line in answered})
    assert answered[-1] == made[-1]
    # Who had the events up to a number goes on from there, or takes the snapshot in their place.
    rest = packing.with_snapshot(left, whole.message(), after)
    assert all(line.n > after for line in rest)
    if after:
        assert fold(numbered([*made[:after], *rest])) == whole.message()


def streamed(tokens: int, size: int) -> tuple[list[Line], int]:
    """An answer of about `size` bytes at 115 tokens a second, so many in each delta; and its exact size."""
    said = (PROJECT / "docs" / "a-turn.md").read_text("utf-8") + (PROJECT / "README.md").read_text("utf-8")
    pieces = [said[start : start + 4] for start in range(0, size, 4)]
    text = "".join(pieces)
    part = Text(text="", step=1, origin=Origin(dialect="openai-chat", connection="local", model="smollm2"))
    deltas = ["".join(pieces[start : start + tokens]) for start in range(0, len(pieces), tokens)]
    events: list[e.Event] = [
        e.TurnStarted(turn=ID, thread=ID, parent=None, user_message=ID, message=ID, model="local/smollm2"),
        e.StepStarted(step=1, request=ID, model="local/smollm2"),
        e.PartStarted(index=0, part=part),
        *(e.PartDelta(index=0, text=delta) for delta in deltas),
        e.PartSettled(index=0, part=replace(part, text=text)),
        e.TurnSettled(stop_reason="end", usage=None, price=None),
    ]
    chance = random.Random(size)
    made = []
    for line in as_lines(events, gap=int(tokens * 1e6 / 115)):
        at = line.at.replace(microsecond=chance.randrange(1_000_000))  # no two gaps are alike
        made.append(Line(line.n, at, line.event, codec.event_json(line.n, at, line.event)))
    return made, len(text.encode())


@pytest.mark.parametrize("tokens", [1, 4])
@pytest.mark.parametrize("size", [800, 2000, 8000])
def test_a_packed_journal_takes_less_than_three_bytes_for_a_byte_of_text(tokens: int, size: int) -> None:
    made, bytes_of_text = streamed(tokens, size)
    packed = packing.pack(rows(made, 1))
    assert len(packed) < 3 * bytes_of_text
    assert len(packing.thin(packed)) < 500


def test_the_text_of_a_part_is_not_kept_twice() -> None:
    incompressible = random.Random(1)
    words = [
        "".join(incompressible.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=16)) for _ in range(4000)
    ]
    text = "".join(words)
    started = e.TurnStarted(turn=ID, thread=ID, parent=None, user_message=ID, message=ID, model="a/b")
    events: list[e.Event] = [started, e.PartStarted(index=0, part=Text(text=""))]
    events += [e.PartDelta(index=0, text=word) for word in words]
    once = len(packing.pack(rows(as_lines(events), 1)))
    twice = len(packing.pack(rows(as_lines([*events, e.PartSettled(index=0, part=Text(text=text))]), 1)))
    assert twice - once < 200

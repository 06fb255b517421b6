"""A message is the fold of its events, however they are cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core import values

from windowseat.core import events as e
from windowseat.core.fold import Fold, fold
from windowseat.core.message import Usage
from windowseat.core.parts import Notice, Text, Thinking, ToolCall, ToolResult

START = datetime(2026, 11, 25, tzinfo=UTC)
STARTED = e.TurnStarted(turn="t", thread="th", parent=None, user_message="u", message="m", model="local/x")


def numbered(*listed):
    return [
        e.Numbered(n=n, at=START + timedelta(seconds=n), event=event)
        for n, event in enumerate((STARTED, *listed), 1)
    ]


def streamed(index, part, cuts):
    """The events of a part that arrives in pieces."""
    if not isinstance(part, Text | Thinking):
        return [e.PartSettled(index=index, part=part)]
    begun = type(part)(text="", step=part.step)
    pieces = [part.text[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    deltas = [e.PartDelta(index=index, text=piece) for piece in pieces]
    return [e.PartStarted(index=index, part=begun), *deltas, e.PartSettled(index=index, part=part)]


@given(st.lists(st.tuples(values.parts, st.lists(st.integers(0, 40), max_size=4).map(sorted)), max_size=5))
def test_the_fold_is_the_parts_however_they_were_cut(cut_parts):
    listed = [event for index, (part, cuts) in enumerate(cut_parts) for event in streamed(index, part, cuts)]
    message = fold(numbered(*listed))
    assert message.parts == tuple(part for part, _ in cut_parts)
    assert message.n == len(listed) + 1
    assert (message.id, message.parent, message.role) == ("m", "u", "assistant")


@given(st.lists(values.texts, min_size=1, max_size=4), st.integers(0, 20))
def test_a_snapshot_and_the_rest_fold_to_the_same(texts, cut):
    lines = numbered(*[event for i, part in enumerate(texts) for event in streamed(i, part, [1])])
    cut = min(cut, len(lines) - 1)
    head, rest = lines[: cut + 1], lines[cut + 1 :]
    snapshot = e.Numbered(n=head[-1].n, at=head[-1].at, event=e.Snapshot(message=fold(head)))
    assert fold([snapshot, *rest]).parts == fold(lines).parts
    assert fold([snapshot, *rest]).n == fold(lines).n


def test_deltas_between_readings_add_up():
    growing = Fold(numbered(e.PartStarted(index=0, part=Text(text=""))))
    for n, word in enumerate(("a", "b", "c"), 3):
        growing.add(e.Numbered(n=n, at=START, event=e.PartDelta(index=0, text=word)))
        assert growing.parts[0].text == "abc"[: n - 2]
    assert growing.open_parts == ((0, Text(text="abc")),)


def test_notices_and_seams_become_parts_of_their_step():
    message = fold(
        numbered(
            e.StepStarted(step=1, request="r", model="c/other"),
            e.NoticeGiven(code="limit", text="Full until noon."),
            e.Seam(reason="It was cut here."),
        )
    )
    assert message.parts == (
        Notice(code="limit", text="Full until noon.", step=1),
        Notice(code="resumed", text="It was cut here.", step=1),
    )
    assert message.model == "c/other"


def test_settling_ends_the_running_number_and_keeps_the_sum():
    usage = Usage(input_tokens=5, output_tokens=2)
    message = fold(numbered(e.TurnSettled(stop_reason="end", usage=usage, price=None)))
    assert message.n is None
    assert (message.stop_reason, message.usage) == ("end", usage)


def test_unanswered_calls_are_ours_without_a_result():
    ours = ToolCall(id="a", name="x", arguments={})
    theirs = ToolCall(id="b", name="x", arguments={}, by="provider")
    state = Fold(numbered(e.PartSettled(index=0, part=ours), e.PartSettled(index=1, part=theirs)))
    assert state.unanswered() == (ours,)
    state.add(e.Numbered(n=9, at=START, event=e.PartSettled(index=2, part=ToolResult(id="a", content=()))))
    assert state.unanswered() == ()


@pytest.mark.parametrize(
    "event",
    [
        e.PartDelta(index=0, text="x"),
        e.PartStarted(index=1, part=Text(text="")),
        e.PartSettled(index=3, part=Text(text="")),
    ],
)
def test_events_that_cannot_follow_are_refused(event):
    with pytest.raises(ValueError, match="part"):
        fold(numbered(event))


def test_a_sum_with_a_silent_step_is_partial():
    total = Usage.total(
        [Usage(input_tokens=4, details={"searches": 1}), None, Usage(input_tokens=1, output_tokens=2)]
    )
    assert total == Usage(input_tokens=5, output_tokens=2, details={"searches": 1}, partial=True)
    assert Usage.total([None]) is None

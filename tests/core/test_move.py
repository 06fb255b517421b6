"""What a turn does next, from every place where a kill can leave it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from windowseat.core import events as e
from windowseat.core.fold import Fold
from windowseat.core.move import Act, Mend, Send, Settle, Wait, next_move
from windowseat.core.parts import Text, ToolCall, ToolResult

AT = datetime(2026, 11, 25, tzinfo=UTC)
CALL = ToolCall(id="a", name="x", arguments={}, step=1)
RESULT = e.PartSettled(index=1, part=ToolResult(id="a", content=(), step=1))


def started(step=1):
    return e.StepStarted(step=step, request="r", model="c/m")


def ended(reason, step=1):
    return e.StepEnded(
        step=step, usage=None, stop_reason=reason, queued=None, first_byte=None, first_token=None, ended=AT
    )


def after(*listed):
    first = e.TurnStarted(turn="t", thread=None, parent=None, user_message=None, message="m", model="c/m")
    return Fold(e.Numbered(n=n, at=AT, event=event) for n, event in enumerate((first, *listed), 1))


CALLED = (started(), e.PartSettled(index=0, part=CALL), ended("tool_call"))


@pytest.mark.parametrize(
    ("so_far", "move"),
    [
        ((), Send()),
        ((started(),), Mend()),
        ((started(), e.PartStarted(index=0, part=Text(text="")),), Mend()),
        ((started(), ended("end")), Settle("end")),
        ((started(), ended("length")), Settle("length")),
        ((started(), ended("interrupted")), Send(goes_on=True)),
        (CALLED, Act((CALL,))),
        ((*CALLED, e.ApprovalAsked(call="a")), Wait()),
        ((*CALLED, e.ApprovalAsked(call="a"), e.ApprovalGiven(call="a", decision="deny")), Act((CALL,))),
        ((*CALLED, e.ToolStarted(call="a")), Act((CALL,))),
        ((*CALLED, RESULT, e.ToolEnded(call="a")), Send()),
        ((*CALLED[:2], ended("interrupted"), RESULT), Send(goes_on=False)),
        ((*CALLED[:2], ended("end"), RESULT), Send()),
        ((started(), ended("paused")), Send()),
        ((started(), ended("step_limit")), Settle("step_limit")),
    ],
)  # fmt: skip
def test_the_next_move(so_far, move):
    assert next_move(after(*so_far), steps=5) == move


def test_the_bound_of_steps_ends_the_turn():
    assert next_move(after(*CALLED, RESULT), steps=1) == Settle("step_limit")


def test_a_pause_of_the_provider_goes_on_only_within_the_bound_of_steps():
    assert next_move(after(started(), ended("paused")), steps=1) == Settle("step_limit")
    paused = after(started(), ended("paused"))
    assert next_move(paused, steps=5, ended="cancelled") == Settle("cancelled")


def test_a_tool_that_nobody_here_offers_ends_the_turn():
    foreign = ToolCall(id="a", name="x", arguments={}, step=1, by="caller")
    so_far = after(started(), e.PartSettled(index=0, part=foreign), ended("tool_call"))
    assert next_move(so_far, steps=5) == Settle("tool_call")


def test_a_stop_settles_once_the_open_step_is_closed():
    assert next_move(after(started()), steps=5, ended="cancelled") == Mend()
    assert next_move(after(*CALLED), steps=5, ended="cancelled") == Settle("cancelled")

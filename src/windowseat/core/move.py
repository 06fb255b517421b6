"""What a turn does next: a pure decision over how far it has come.

A fresh turn, a turn that goes on after a restart and one whose approval came a day later all ask
here, so that there is one way through a turn. Doing it is not decided here (turns/run.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from windowseat.core.fold import Fold
from windowseat.core.message import StopReason
from windowseat.core.parts import Notice, ToolCall, ToolResult


@dataclass(frozen=True, slots=True)
class Mend:
    """A request was sent and its answer broke off: close what is half, mark the seam."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send the next request. `goes_on`: the answer before it broke off and is gone on with."""

    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """Run these calls, or ask for leave."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Every call that is left waits for a person; nothing to do until somebody decides."""


@dataclass(frozen=True, slots=True)
class Settle:
    """The turn is over."""

    reason: StopReason


Move = Mend | Send | Act | Wait | Settle

Ended = Literal["cancelled", "interrupted", "error"]


def next_move(fold: Fold, *, steps: int, ended: Ended | None = None) -> Move:
    """What to do now; `steps` bounds the requests of a turn, `ended` says that somebody ended it."""
    if fold.open_step is not None:
        return Mend()
    if ended is not None:
        return Settle(ended)
    calls = fold.unanswered()
    if calls:
        return Wait() if all(_waits(fold, call) for call in calls) else Act(calls)
    if not fold.steps:
        return Send()
    last = fold.steps[-1]
    if last.stop_reason == "interrupted":
        return Send(goes_on=not _was_answered(fold, last.step))
    if last.stop_reason == "error" and _is_replaced(fold):
        return Settle("step_limit") if len(fold.steps) >= steps else Send()
    if _has_foreign_call(fold, last.step):
        return Settle("tool_call")
    if last.stop_reason == "paused" or _was_answered(fold, last.step):
        return Settle("step_limit") if len(fold.steps) >= steps else Send()
    return Settle(last.stop_reason or "end")


def _waits(fold: Fold, call: ToolCall) -> bool:
    state = fold.calls.get(call.id)
    return state is not None and state.asked and state.given is None


def _is_replaced(fold: Fold) -> bool:
    """Whether another model takes over: the last that was said is the notice of it."""
    last = fold.parts[-1] if fold.parts else None
    return isinstance(last, Notice) and last.code == "fallback"


def _was_answered(fold: Fold, step: int) -> bool:
    """Whether we gave the model a tool's result to read at this step."""
    ours = {part.id for part in fold.parts if isinstance(part, ToolCall) and part.by == "us"}
    return any(isinstance(p, ToolResult) and p.step == step and p.id in ours for p in fold.parts)


def _has_foreign_call(fold: Fold, step: int) -> bool:
    """Whether the model called a tool that is the caller's, or that nobody offers."""
    answered = {part.id for part in fold.parts if isinstance(part, ToolResult)}
    return any(
        isinstance(p, ToolCall) and p.step == step and p.by == "caller" and p.id not in answered
        for p in fold.parts
    )

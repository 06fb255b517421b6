"""Settle: nothing stays half. Begun parts close as they stand, open calls get a result, rows are kept.

Also the turn's last event, and the ledger's row for every request. What happens after a turn (a
title, memory) is the driver's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypedDict

from windowseat.core.events import Event, PartSettled, StepEnded, ToolEnded, TurnSettled
from windowseat.core.message import StopReason, Usage
from windowseat.core.parts import Text, Thinking, ToolCall, ToolResult
from windowseat.core.ports import LedgerRow
from windowseat.core.price import Money
from windowseat.turns.state import Run

_WHY_NOT_RUN: dict[StopReason, str] = {
    "cancelled": "Not run: the answer was stopped.",
    "interrupted": "Not run: the answer broke off.",
    "error": "Not run: the answer ended in an error.",
    "step_limit": "Not run: the turn had reached its bound of steps.",
}


def close_parts(run: Run, reason: StopReason) -> Iterator[Event]:
    """Settle what began and did not: words stay as they are, a half tool call gets a result that says so."""
    now = run.world.clock.now()
    for index, part in run.fold.open_parts:
        as_it_stands = replace(part, ended=now) if isinstance(part, Thinking) else part
        yield run.note(PartSettled(index=index, part=as_it_stands))
        if isinstance(part, ToolCall) and part.by == "us":
            yield run.note(_no_result(run, part, "Not run: the call was cut off before it was complete."))
    if reason in ("cancelled", "error"):
        yield from close_calls(run, reason)


def close_calls(run: Run, reason: StopReason) -> Iterator[Event]:
    """Give every call of ours that has no result one that says why it was not run."""
    for call in run.fold.unanswered():
        state = run.fold.calls.get(call.id)
        started = state is not None and state.started is not None and not state.ended
        why = "Stopped while it ran." if started else _WHY_NOT_RUN.get(reason, "Not run.")
        yield run.note(_no_result(run, call, why))
        if started:
            yield run.note(ToolEnded(call=call.id))


def _no_result(run: Run, call: ToolCall, why: str) -> PartSettled:
    result = ToolResult(id=call.id, step=call.step, content=(Text(text=why),), error=why)
    return PartSettled(index=run.fold.size, part=result)


async def record_step(run: Run, ended: StepEnded, model: str) -> None:
    """The ledger's row of a request; where the provider answered and reported nothing it is an estimate."""
    usage, estimated = ended.usage, False
    if usage is None and ended.first_byte is not None:
        usage, estimated = await _estimate(run, ended.step), True
    row = LedgerRow(
        turn=run.turn.id,
        step=ended.step,
        user=run.turn.user.id,
        thread=run.turn.thread,
        purpose=run.turn.purpose,
        model=model,
        at=ended.ended or run.world.clock.now(),
        usage=usage,
        estimated=estimated,
        **_times(run, ended),
    )
    run.prices[ended.step] = await run.world.ledger.record(row)


class _Times(TypedDict):
    first_token: float | None
    writing: float | None
    written: int | None


def _times(run: Run, ended: StepEnded) -> _Times:
    """How quick the answer was. Thinking that was not shown came before the first token that was."""
    if ended.queued is None or ended.first_token is None or ended.ended is None:
        return _Times(first_token=None, writing=None, written=None)
    written = None if ended.usage is None else ended.usage.output_tokens
    parts = (part for part in run.fold.parts if part.step == ended.step)
    if written is not None and not any(isinstance(part, Thinking) and part.text for part in parts):
        assert ended.usage is not None
        written -= ended.usage.thinking_tokens or 0
    return _Times(
        first_token=(ended.first_token - ended.queued).total_seconds(),
        writing=(ended.ended - ended.first_token).total_seconds(),
        written=written,
    )


async def _estimate(run: Run, step: int) -> Usage:
    """About how many tokens were read and came: four characters each, a rule of thumb for English.

    Source: https://help.openai.com/en/articles/4936856 (OpenAI, “What are tokens and how to count them?”).
    """
    name = next(each.request for each in run.fold.steps if each.step == step)
    request = await run.world.of(run.turn).turns.kept_request(run.turn, name)
    sent = sum(len(piece.data) for piece in request.pieces)
    parts = (part for part in run.fold.parts if part.step == step)
    came = sum(len(part.text) for part in parts if isinstance(part, Text | Thinking))
    return Usage(input_tokens=(sent + 3) // 4, output_tokens=(came + 3) // 4)


async def settled(run: Run, reason: StopReason) -> TurnSettled:
    """The last event: why it stopped, what all steps used, and what those cost that were answered at all."""
    for step in run.fold.steps:  # steps of an earlier process: their rows are there, their prices not here
        if step.step not in run.prices and step.ended is not None:
            await record_step(run, step.ended, step.model)
    answered = {step.step for step in run.fold.steps if step.ended and step.ended.first_byte is not None}
    price: Money | None = Money.total(run.prices[step] for step in sorted(run.prices) if step in answered)
    return TurnSettled(stop_reason=reason, usage=run.fold.usage(), price=price)

"""Resume: how a turn goes on that an earlier process left, and how an answer begins that is continued.

The journal is the truth: what stands in it is kept, the request that was sent is sent again with the
words that had come, and the seam is an event that everybody sees. Which turns go on by themselves
is decided in turns.py.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from windowseat.core.events import Event, PartSettled, Seam, StepEnded
from windowseat.turns.settle import close_parts, record_step
from windowseat.turns.state import Run

CUT = "The answer was cut here and went on."


async def begin_with(run: Run) -> AsyncGenerator[Event, None]:
    """The parts of the answer that is continued, as the first of this one."""
    if run.fold.steps:
        return
    for index, part in enumerate(run.turn.begins_with):
        if index >= run.fold.size:
            yield run.note(PartSettled(index=index, part=part))


async def mend(run: Run) -> AsyncGenerator[Event, None]:
    """Close the step that broke off: its parts stay, its request has a ledger row marked as estimated."""
    step = run.fold.open_step
    assert step is not None
    reason = run.ended or "interrupted"
    heard = run.fold.newest if any(part.step == step.step for part in run.fold.parts) else None
    for event in close_parts(run, reason):
        yield event
    ended = StepEnded(
        step=step.step,
        usage=None,
        stop_reason=reason,
        queued=None,
        first_byte=heard,
        first_token=None,
        ended=run.world.clock.now(),
    )
    await record_step(run, ended, step.model)
    yield run.note(ended)
    if run.ended is None:
        yield run.note(Seam(reason=CUT))

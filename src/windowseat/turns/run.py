"""The way of a turn: admit, then gather, assemble, stream and act until nothing is left, then settle.

`run_turn` yields events and decides nothing of its own: what comes next is asked of core/move.py, so
a fresh turn and one that goes on after a kill or an approval walk the same way. The driver (turns.py)
writes each event before it asks for the next; no event is shown from here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from windowseat.core.events import Event
from windowseat.core.move import Act, Mend, Send, Settle, Wait, next_move
from windowseat.turns.act import act, take_mail
from windowseat.turns.admit import admit
from windowseat.turns.resume import begin_with, mend
from windowseat.turns.send import send
from windowseat.turns.settle import close_calls, settled
from windowseat.turns.state import Run

Stage = AsyncGenerator[Event, None]


async def run_turn(run: Run) -> Stage:
    """Yield the events of a turn from where it stands until it settles or waits for a person.

    The driver closes it (aclose) to stop it without settling; whatever it started is then stopped.
    """
    for stage in (begin_with(run), admit(run), take_mail(run)):
        async for event in stage:
            yield event
    while not isinstance(move := next_move(run.fold, steps=run.world.bounds.steps, ended=run.ended), Settle):
        if isinstance(move, Wait):
            return
        stage = _stage(run, move)
        try:
            async for event in stage:
                yield event
        finally:
            await stage.aclose()
        async for event in take_mail(run):
            yield event
    for event in close_calls(run, move.reason):
        yield event
    yield run.note(await settled(run, move.reason))


def _stage(run: Run, move: Mend | Send | Act) -> Stage:
    match move:
        case Mend():
            return mend(run)
        case Send(goes_on):
            return send(run, goes_on=goes_on)
        case Act(calls):
            return act(run, calls)

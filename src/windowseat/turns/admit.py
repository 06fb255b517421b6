"""Admit: whether the turn may run, and with which model. A refusal is an event with a code, not a crash.

Rights were checked when the turn was started; what can change until it runs is checked here. The
windows of messages per hours will be asked here too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from windowseat.core.errors import Fault
from windowseat.core.events import Event, NoticeGiven
from windowseat.turns.state import Run


async def admit(run: Run) -> AsyncGenerator[Event, None]:
    """Find the turn's model, or the one that took over; where it is gone, say so and end the turn."""
    if run.model is None:
        name = run.fold.steps[-1].model if run.fold.steps else run.turn.model
        try:
            run.model = await run.world.providers.model(run.turn.user, name)
        except Fault as fault:
            run.ended = "error"
            yield run.note(NoticeGiven(code="error", text=str(fault), fault=fault.code))

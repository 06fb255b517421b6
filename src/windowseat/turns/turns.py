"""Turns: start, follow, stop, decide, resume. Each turn is driven by one task of this process.

The driver takes event after event from `run_turn` and writes it; for an edge it waits until it is
committed. Nobody else iterates a turn: followers read the journal, so leaving a page stops nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from functools import partial

from windowseat.core.ask import Ask, Turn, User
from windowseat.core.errors import Conflict, Fault, NotFound
from windowseat.core.events import ApprovalGiven, Numbered, TurnSettled, TurnStarted, is_edge
from windowseat.core.fold import Fold
from windowseat.core.move import Move, Wait, next_move
from windowseat.core.parts import ToolCall
from windowseat.core.ports import Begun, Left, Line
from windowseat.core.request import Request
from windowseat.turns.journal import Watch
from windowseat.turns.run import run_turn
from windowseat.turns.state import Cancel, Mail, Run
from windowseat.turns.world import World

_IN_A_ROW = 256
"""Events of a turn that are taken before all else has a moment: a provider may send faster than we write."""

_log = logging.getLogger(__name__)


class Turns:
    """The turns of this process, and the way to those that others left."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._runs: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._after: set[asyncio.Task[None]] = set()
        self._taking_up = asyncio.Lock()
        """Held from reading a turn until it runs here: nobody goes on from lines that are not the newest."""

    # -- starting ---------------------------------------------------------------------------------

    async def start(self, ask: Ask) -> Begun:
        """Commit the user's message and the turn, and run it; the same ask again is the same turn.

        Raises Refused for a model that is not there, Conflict `turn_id_used`, `turn_running`, NotFound.
        """
        world = self._world
        kept = world.kept[ask.keeping]
        model = await world.providers.model(ask.user, ask.model)
        lines: list[Line] = []

        def first(turn: Turn) -> Line:
            lines.append(kept.journal.line(1, _started(turn)))
            return lines[-1]

        begun = await kept.turns.begin(ask, model, first)
        if begun.fresh:
            line = lines[-1]
            kept.journal.open(begun.turn.id, begun.turn.owner, 1, line)
            self._drive(Run(begun.turn, world, Fold([numbered(line)]), model=model))
            for tell in world.started:
                tell(begun.turn)
        return begun

    # -- reading ----------------------------------------------------------------------------------

    async def get(self, user: User, turn: str) -> Turn:
        """The turn of this user, in whichever keeping. Raises NotFound `turn_not_found`."""
        run = self._runs.get(turn)
        if run is not None and run.turn.user.id == user.id:
            return run.turn
        for kept in self._world.kept.values():
            with suppress(NotFound):
                return await kept.turns.get(user, turn)
        raise NotFound("turn_not_found", f"There is no turn {turn}.", hint="Read the thread again.")

    async def fold(self, turn: Turn) -> Fold:
        """How far the turn has come, from its journal."""
        run = self._runs.get(turn.id)
        if run is not None:
            await self._world.of(turn).journal.flush(turn.id)
        lines = await self._world.of(turn).journal.since(turn.id, 0)
        return Fold(numbered(line) for line in lines)

    def follow(self, turn: Turn, after: int) -> AsyncIterator[Sequence[Line]]:
        """The turn's lines after number `after`, the past and then the live rest, until it settles."""
        return self._world.of(turn).journal.follow(turn.id, after)

    def watch(self) -> Watch:
        """A watch over no turn yet, for whoever follows several at once; the holder closes it."""
        return self._world.kept["database"].journal.watch()

    async def since(self, turn: Turn, after: int) -> Sequence[Line]:
        """The turn's lines after number `after` that are there now; none while there is nothing new.

        Raises what the writer met when it cannot write the turn any more.
        """
        journal = self._world.of(turn).journal
        lines = await journal.since(turn.id, after)
        if not lines:
            journal.check(turn.id)
        return lines

    async def next_move(self, turn: Turn) -> tuple[Fold, Move]:
        """How far the turn has come, and what it would do next."""
        fold = await self.fold(turn)
        return fold, next_move(fold, steps=self._world.bounds.steps)

    async def kept_request(self, turn: Turn, name: str) -> Request:
        """A request of the turn as it was sent. Raises NotFound `request_not_found`."""
        return await self._world.of(turn).turns.kept_request(turn, name)

    def is_running(self, turn: str) -> bool:
        """Whether the turn is driven here now."""
        return turn in self._runs

    # -- acting -----------------------------------------------------------------------------------

    async def cancel(self, user: User, turn_id: str) -> None:
        """Stop the turn; what came stays. Stopping a settled turn changes nothing."""
        turn = await self.get(user, turn_id)
        if turn_id in self._runs:
            self._runs[turn_id].inbox.put(Cancel())
            return
        async with self._taking_up:
            turn, fold = await self._as_it_stands(user, turn_id)
            if fold.settled is None:
                waits = isinstance(next_move(fold, steps=self._world.bounds.steps), Wait)
                await self._take_up(turn, fold, Cancel(was_left=not waits), counts=False)

    async def approve(self, user: User, turn_id: str, given: ApprovalGiven) -> None:
        """Decide on a call that waits; the turn goes on if it was put down.

        Raises NotFound `call_not_found`, Conflict `approval_not_asked` (nobody asks, or it is decided).
        """
        async with self._taking_up:
            turn, fold = await self._as_it_stands(user, turn_id)
            _check_asked(fold, turn_id, given.call)
            await self._take_up(turn, fold, given, counts=False)

    async def resume(self, user: User, turn_id: str) -> None:
        """Go on with a turn that was left. Raises Conflict `turn_settled`; a running turn just runs."""
        async with self._taking_up:
            turn, fold = await self._as_it_stands(user, turn_id)
            if turn_id in self._runs:
                return
            if fold.settled is not None:
                raise Conflict("turn_settled", "The turn is over.", hint="Ask again, or continue its answer.")
            await self._take_up(turn, fold, None, counts=True)

    async def recover(self) -> Sequence[Left]:
        """Take up what earlier processes left: at start. Returns what is only offered.

        A turn whose cut was less than ten minutes ago goes on, twice at most. One that waits for a
        person goes on waiting.
        """
        offered: list[Left] = []
        bounds = self._world.bounds
        for left in await self._world.kept["database"].turns.left():
            async with self._taking_up:
                fold = await self.fold(left.turn)
                fresh = self._world.clock.now() - left.newest < bounds.resumes_by_itself
                with suppress(Conflict):  # somebody asked for it meanwhile: then it runs, or is over
                    if isinstance(next_move(fold, steps=bounds.steps), Wait):
                        await self._world.of(left.turn).turns.take_over(left.turn, counts=False)
                    elif fresh and left.resumed < bounds.resumes:
                        await self._take_up(left.turn, fold, None, counts=True)
                    else:
                        offered.append(left)
        return offered

    async def stop(self) -> None:
        """Put every turn down as it stands; the next process goes on with it."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), *self._after, return_exceptions=True)
        for kept in self._world.kept.values():
            await kept.journal.close()

    # -- driving ----------------------------------------------------------------------------------

    async def _as_it_stands(self, user: User, turn_id: str) -> tuple[Turn, Fold]:
        """The turn and how far it has come; read again where it was put down while it was read."""
        while True:
            run = self._runs.get(turn_id)
            turn = await self.get(user, turn_id)
            fold = await self.fold(turn)
            if self._runs.get(turn_id) is run:
                return turn, fold

    async def _take_up(self, turn: Turn, fold: Fold, mail: Mail | None, *, counts: bool) -> None:
        """Drive the turn from where it stands, with this mail; one that runs already just gets the mail."""
        if turn.id in self._runs:
            if mail is not None:
                self._runs[turn.id].inbox.put(mail)
            return
        turn = await self._world.of(turn).turns.take_over(turn, counts=counts)
        self._world.of(turn).journal.open(turn.id, turn.owner, fold.n)
        run = Run(turn, self._world, fold)
        if mail is not None:
            run.inbox.put(mail)
        self._drive(run)

    def _drive(self, run: Run) -> None:
        turn = run.turn.id
        self._runs[turn] = run
        task = asyncio.create_task(self._driven(run), name=f"turn {turn}")
        self._tasks[turn] = task
        task.add_done_callback(lambda _: self._tasks.pop(turn, None))

    async def _driven(self, run: Run) -> None:
        journal = self._world.of(run.turn).journal
        try:
            while await self._walk(run):
                pass
        except Fault as fault:  # the journal cannot be written: the turn stays as it was last kept
            _log.error("turn %s stands still: %s", run.turn.id, fault)
        except Exception:  # noqa: BLE001 - a fault of ours: the turn can be resumed, and the trace says where to look
            _log.exception("turn %s stands still", run.turn.id)
        finally:
            with suppress(Fault):
                await journal.flush(run.turn.id)
            self._runs.pop(run.turn.id, None)
            if run.fold.settled is None:
                journal.leave(run.turn.id)

    async def _walk(self, run: Run) -> bool:
        """Drive the turn until it settles or waits; True when mail came just as it was put down."""
        kept = self._world.of(run.turn)
        turn = run.turn
        async with aclosing(run_turn(run)) as events:
            taken = 0
            async for event in events:
                taken += 1
                if taken % _IN_A_ROW == 0:
                    await asyncio.sleep(0)
                if isinstance(event, TurnSettled):
                    message = run.fold.message()
                    await kept.journal.seal(turn.id, event, partial(kept.turns.settle, turn, message))
                    self._after_turn(run)
                    return False
                if is_edge(event):
                    await kept.journal.put(turn.id, event)
                elif kept.journal.post(turn.id, event):
                    await kept.journal.flush(turn.id)
        await kept.journal.flush(turn.id)
        return len(run.inbox) > 0

    def _after_turn(self, run: Run) -> None:
        message = run.fold.message()
        for what in self._world.after:
            task = asyncio.create_task(_shielded(what(run.turn, message)), name="after a turn")
            self._after.add(task)
            task.add_done_callback(self._after.discard)


def numbered(line: Line) -> Numbered:
    """The event of a line, without its JSON."""
    return Numbered(n=line.n, at=line.at, event=line.event)


def _check_asked(fold: Fold, turn: str, call: str) -> None:
    known = {part.id for part in fold.parts if isinstance(part, ToolCall)}
    if call not in known:
        raise NotFound("call_not_found", f"The turn {turn} has no call {call}.", hint="Read it again.")
    state = fold.calls.get(call)
    if fold.settled is not None or state is None or not state.asked or state.given is not None:
        raise Conflict(
            "approval_not_asked",
            "This call does not wait for a decision.",
            hint="Another device may have decided; read the turn again.",
        )


def _started(turn: Turn) -> TurnStarted:
    return TurnStarted(
        turn=turn.id,
        thread=turn.thread,
        parent=turn.parent,
        user_message=turn.user_message,
        message=turn.message,
        model=turn.model,
    )


async def _shielded(work: object) -> None:
    try:
        await work  # type: ignore[misc]
    except Fault as fault:
        _log.warning("after a turn: %s", fault)

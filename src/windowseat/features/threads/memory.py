"""Turns in memory: of temporary threads, of `/v1`, and hidden ones such as titles. Nothing touches a disk.

It implements both ports, `TurnStore` and `JournalStore`, by the same rules as the database (rules.py). What
is over is forgotten by itself: a turn without a thread two minutes after it settled, a temporary thread
after a day without a change. What else a temporary thread can do is temporary.py's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from windowseat.core.ask import Ask, Turn, User
from windowseat.core.events import ApprovalAsked, ApprovalGiven, Numbered
from windowseat.core.fold import fold
from windowseat.core.message import Message
from windowseat.core.model import Model
from windowseat.core.ports import Begun, Entry, Left, Line
from windowseat.core.request import Piece, Request
from windowseat.core.thread import Thread, Tree
from windowseat.features.threads.packing import with_snapshot, without_parts
from windowseat.features.threads.rows import chosen_of, state_of
from windowseat.features.threads.rules import (
    check_ask,
    check_same,
    digest_of,
    files_in,
    make_turn,
    no_message,
    no_request,
    no_thread,
    no_turn,
    parts_of,
    place,
    taken,
    thread_id_used,
    written,
)

CheckFiles = Callable[[User, set[str]], Awaitable[None]]
"""Raises NotFound `file_not_found` unless all these files are the user's."""

TURN_LASTS = timedelta(minutes=2)
THREAD_LASTS = timedelta(days=1)

_OWNER = 1


@dataclass(slots=True)
class Held:
    """A turn, its lines, and its requests."""

    turn: Turn
    digest: bytes
    lines: list[Line]
    path: tuple[Message, ...] = ()
    undecided: int = 0
    settled: datetime | None = None
    thinned: bool = False
    forgotten: bool = False
    message: Message | None = None
    requests: dict[str, Request] = field(default_factory=dict)


@dataclass(slots=True)
class Temporary:
    """A temporary thread with all that it has. A message whose turn runs has `n`, and no parts."""

    user: User
    thread: Thread
    messages: dict[str, Message] = field(default_factory=dict)
    hidden: dict[str, datetime] = field(default_factory=dict)
    feedback: dict[str, str] = field(default_factory=dict)
    draft: str | None = None
    pieces: dict[Piece, Piece] = field(default_factory=dict)

    def tree(self) -> Tree:
        """Its messages but the hidden ones."""
        return Tree(message for message in self.messages.values() if message.id not in self.hidden)

    def change(self, at: datetime, **values: object) -> None:
        """Change the thread."""
        self.thread = replace(self.thread, updated=at, version=self.thread.version + 1, **values)  # type: ignore[arg-type]


class MemoryTurns:
    """Turns and temporary threads of this process. Belongs to one event loop."""

    def __init__(self, new_id: Callable[[], str], check_files: CheckFiles) -> None:
        self._new_id = new_id
        self._check_files = check_files
        self._turns: dict[str, Held] = {}
        self.threads: dict[str, Temporary] = {}

    # -- the port TurnStore -------------------------------------------------------------------------

    async def begin(self, ask: Ask, model: Model, first: Callable[[Turn], Line]) -> Begun:
        """As the port says; refuses what the database refuses."""
        digest = digest_of(ask)
        if ask.id in self._turns:
            check_same(self._turns[ask.id].digest, digest)
            return Begun(turn=self._turns[ask.id].turn, fresh=False)
        check_ask(ask)
        await self._check_files(ask.user, files_in(parts_of(ask), displays=False))
        if ask.id in self._turns:  # the same ask came twice at once
            return await self.begin(ask, model, first)
        thread = self._thread_of(ask)
        where = place(ask, self._parent(ask, thread))
        name = ask.new.id or self._new_id() if ask.new is not None else ask.thread
        turn = make_turn(ask, model, where, thread=name, owner=_OWNER, new_id=self._new_id)
        line = first(turn)
        question, answer = written(turn, ask.parts, line.at)
        if thread is None and ask.new is not None:
            thread = _new_thread(ask, turn, line.at)
            self.threads[thread.thread.id] = thread
        held = Held(turn=turn, digest=digest, lines=[line])
        if thread is None:
            held.path = (*ask.path, question) if question else ask.path
        else:
            for message in (question, answer):
                if message is not None:
                    thread.messages[message.id] = message
            thread.change(
                line.at, tip=answer.id, model=turn.model, options=chosen_of(ask.options), unread=False
            )
            held.path = thread.tree().path(turn.user_message or turn.parent)
        self._turns[turn.id] = held
        self._forget(line.at)
        return Begun(turn=turn, fresh=True)

    async def get(self, user: User, turn: str) -> Turn:
        """The turn of this user. Raises NotFound `turn_not_found`."""
        held = self._turns.get(turn)
        if held is None or held.turn.user.id != user.id:
            raise no_turn(turn)
        return held.turn

    async def path(self, turn: Turn) -> tuple[Message, ...]:
        """The messages that the answer follows, root first, its own user message last."""
        return self._held(turn.id).path

    async def keep_request(self, turn: Turn, step: int, request: Request) -> str:  # noqa: ARG002 - a port's shape
        """Keep the request; pieces that the thread has already are not kept twice."""
        held = self._held(turn.id)
        thread = self.threads.get(turn.thread or "")
        known = (
            thread.pieces if thread else {piece: piece for r in held.requests.values() for piece in r.pieces}
        )
        name = self._new_id()
        pieces = tuple(known.setdefault(piece, piece) for piece in request.pieces)
        held.requests[name] = replace(request, pieces=pieces)
        return name

    async def kept_request(self, turn: Turn, name: str) -> Request:
        """A request that was kept. Raises NotFound `request_not_found`."""
        held = self._turns.get(turn.id)
        if held is None or name not in held.requests:
            raise no_request(name)
        return held.requests[name]

    async def settle(self, turn: Turn, message: Message, line: Line) -> None:
        """Keep the answer and the last line. Raises Conflict `turn_taken` where the turn is over."""
        held = self._held(turn.id)
        if held.settled is not None or held.turn.owner != turn.owner:
            raise taken(turn.id)
        held.lines.append(line)
        held.settled, held.message = line.at, message
        thread = self.threads.get(turn.thread or "")
        if thread is not None:
            thread.messages[message.id] = message
            thread.change(line.at, unread=True)
        elif held.forgotten:
            del self._turns[turn.id]

    async def left(self) -> Sequence[Left]:
        """None: what an earlier process had in memory went with it."""
        return ()

    async def take_over(self, turn: Turn, *, counts: bool) -> Turn:  # noqa: ARG002 - a port's shape
        """The turn is this process's already. Raises Conflict `turn_taken` where it is over."""
        held = self._held(turn.id)
        if held.settled is not None:
            raise taken(turn.id)
        return held.turn

    # -- the port JournalStore ----------------------------------------------------------------------

    async def commit(self, entries: Sequence[Entry], *, durable: bool) -> None:  # noqa: ARG002 - a port's shape
        """Keep all the lines or none. Raises Conflict `turn_taken`."""
        for entry in entries:
            held = self._turns.get(entry.turn)
            if held is None or held.settled is not None or held.turn.owner != entry.owner:
                raise taken(entry.turn)
            if held.lines[-1].n != entry.lines[0].n - 1:
                raise taken(entry.turn)
        for entry in entries:
            held = self._turns[entry.turn]
            held.lines.extend(entry.lines)
            for line in entry.lines:
                if isinstance(line.event, ApprovalAsked):
                    held.undecided += 1
                elif isinstance(line.event, ApprovalGiven):
                    held.undecided = max(held.undecided - 1, 0)

    async def read(self, turn: str, after: int) -> Sequence[Line]:
        """The lines after number `after` in order; a snapshot in place of what was forgotten.

        Raises NotFound `turn_not_found` where all of it was.
        """
        held = self._held(turn)
        if held.thinned and held.message is not None:
            return with_snapshot(held.lines, held.message, after)
        return held.lines[after:]

    def forget(self, turn: Turn) -> None:
        """Drop a turn without a thread, now or once it settles; what it read and said is then gone."""
        held = self._turns.get(turn.id)
        if held is None or turn.thread is not None:
            return
        held.forgotten = True
        if held.settled is not None:
            del self._turns[turn.id]

    # -- within -------------------------------------------------------------------------------------

    def states(self, thread: str) -> dict[str, str]:
        """The unsettled turns of a thread and their states."""
        return {
            held.turn.id: "waiting" if held.undecided else "running"
            for held in self._turns.values()
            if held.turn.thread == thread and held.settled is None
        }

    def as_far(self, message: Message) -> Message:
        """A message; one whose turn runs as far as it is."""
        if message.n is None or message.turn is None:
            return message
        lines = self._held(message.turn).lines
        return fold(Numbered(n=line.n, at=line.at, event=line.event) for line in lines)

    def _held(self, turn: str) -> Held:
        try:
            return self._turns[turn]
        except KeyError:
            raise no_turn(turn) from None

    def _thread_of(self, ask: Ask) -> Temporary | None:
        if ask.new is not None and ask.new.id in self.threads:
            raise thread_id_used()
        if ask.thread is None:
            return None
        thread = self.threads.get(ask.thread)
        if thread is None or thread.user.id != ask.user.id:
            raise no_thread(ask.thread)
        return thread

    def _parent(self, ask: Ask, thread: Temporary | None) -> Message | None:
        if ask.parent is None:
            return None
        if thread is None or ask.parent not in thread.messages or ask.parent in thread.hidden:
            raise no_message(ask.parent)
        return thread.messages[ask.parent]

    def _forget(self, now: datetime) -> None:
        for name, thread in list(self.threads.items()):
            if thread.thread.updated < now - THREAD_LASTS and not self.states(name):
                del self.threads[name]
        for name, held in list(self._turns.items()):
            if held.settled is None or held.settled > now - TURN_LASTS:
                continue
            if held.turn.thread not in self.threads:
                del self._turns[name]
            elif held.message is not None and not held.thinned:
                held.lines = list(without_parts(held.lines))
                held.thinned = True


def _new_thread(ask: Ask, turn: Turn, at: datetime) -> Temporary:
    assert ask.new is not None
    assert turn.thread is not None
    thread = Thread(
        id=turn.thread, created=at, updated=at, project=ask.new.project, temporary=True, version=0
    )
    return Temporary(user=ask.user, thread=thread)


def shown(turns: MemoryTurns, kept: Temporary) -> Thread:
    """The thread as pages show it."""
    states = turns.states(kept.thread.id)
    tip = kept.messages.get(kept.thread.tip or "")
    state = state_of(states.values(), tip.stop_reason if tip else None)
    return replace(kept.thread, state=state, running=tuple(states))

"""A message as the fold of its events, and how far a turn has come.

`Fold` is the one place that knows what an event does. Live turns, readers of the journal and
resumed turns all use it, so they cannot disagree. It changes in place while it folds; what it
hands out are values. It reads no clock: times come with the events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from windowseat.core import events as e
from windowseat.core.message import Message, StopReason, Usage
from windowseat.core.parts import Notice, Part, ToolCall, ToolResult, grown


@dataclass(slots=True)
class Step:
    """One request of the turn and what came of it; `stop_reason` is None until it ended."""

    step: int
    request: str
    model: str
    stop_reason: StopReason | None = None
    usage: Usage | None = None
    ended: e.StepEnded | None = None


@dataclass(slots=True)
class Call:
    """How far one tool call has come."""

    id: str
    asked: bool = False
    given: e.ApprovalGiven | None = None
    started: datetime | None = None
    ended: bool = False


@dataclass(slots=True)
class _Growing:
    part: Part
    pieces: list[str]
    is_open: bool = False

    def now(self) -> Part:
        if self.pieces:
            self.part = grown(self.part, "".join(self.pieces))
            self.pieces.clear()
        return self.part


class Fold:
    """The state of one turn after some of its events.

    >>> Fold(journal_lines).message().parts
    """

    def __init__(self, lines: Iterable[e.Numbered] = ()) -> None:
        self.n = 0
        self.started: e.TurnStarted | None = None
        self.settled: e.TurnSettled | None = None
        self.steps: list[Step] = []
        self.calls: dict[str, Call] = {}
        self.seams = 0
        self.newest: datetime | None = None
        self._created: datetime | None = None
        self._parts: list[_Growing] = []
        self._snapshot: Message | None = None
        for line in lines:
            self.add(line)

    # -- reading ----------------------------------------------------------------------------------

    @property
    def parts(self) -> tuple[Part, ...]:
        """The message's parts so far."""
        return tuple(growing.now() for growing in self._parts)

    @property
    def size(self) -> int:
        """How many parts there are: the index of the next one."""
        return len(self._parts)

    @property
    def open_parts(self) -> tuple[tuple[int, Part], ...]:
        """The parts that began and did not settle, each with its index."""
        return tuple((i, growing.now()) for i, growing in enumerate(self._parts) if growing.is_open)

    @property
    def open_step(self) -> Step | None:
        """The step whose answer is not complete, if there is one."""
        return self.steps[-1] if self.steps and self.steps[-1].stop_reason is None else None

    def unanswered(self) -> tuple[ToolCall, ...]:
        """Calls that we are to run and that have no result yet, in order."""
        answered = {part.id for part in self.parts if isinstance(part, ToolResult)}
        return tuple(
            part
            for part in self.parts
            if isinstance(part, ToolCall) and part.by == "us" and part.id not in answered
        )

    def message(self) -> Message:
        """The answer as it stands; its `n` is None once it has settled."""
        if self._snapshot is not None:
            base = self._snapshot
        elif self.started is not None and self._created is not None:
            base = Message(
                id=self.started.message,
                thread=self.started.thread or "",
                parent=self.started.user_message or self.started.parent,
                role="assistant",
                parts=(),
                created=self._created,
                turn=self.started.turn,
                model=self.started.model,
            )
        else:
            raise ValueError("the events do not begin with turn_started or a snapshot")
        message = replace(base, parts=self.parts, n=self.n)
        if self.steps:
            message = replace(message, model=self.steps[-1].model)
        if self.settled is not None:
            message = replace(
                message,
                n=None,
                stop_reason=self.settled.stop_reason,
                usage=self.settled.usage,
                price=self.settled.price,
            )
        return message

    def usage(self) -> Usage | None:
        """The sum of what the steps reported."""
        return Usage.total(step.usage for step in self.steps)

    # -- folding ----------------------------------------------------------------------------------

    def add(self, line: e.Numbered) -> None:
        """Fold one event in. Raises ValueError for an event that cannot follow."""
        self.n = line.n
        self.newest = line.at
        self._add(line.event, line.at)

    def follow(self, event: e.Event, at: datetime) -> None:
        """Fold in the event that comes next, at this time. Raises ValueError for one that cannot follow."""
        self.n += 1
        self.newest = at
        self._add(event, at)

    def _add(self, event: e.Event, at: datetime) -> None:  # noqa: C901, PLR0912 - one arm for each event  # noqa: PLR0912 - one arm an event
        match event:
            case e.PartDelta():
                self._growing(event.index).pieces.append(event.text)
            case e.PartStarted():
                self._place(event.index, event.part, settles=False)
            case e.PartSettled():
                self._place(event.index, event.part, settles=True)
            case e.TurnStarted():
                self.started, self._created = event, at
            case e.StepStarted():
                self.steps.append(Step(event.step, event.request, event.model))
            case e.StepEnded():
                step = self.steps[-1]
                step.stop_reason, step.usage, step.ended = event.stop_reason, event.usage, event
            case e.ApprovalAsked():
                # Asked anew (a call that was cut off): what was decided before no longer counts.
                self.calls[event.call] = Call(event.call, asked=True)
            case e.ApprovalGiven():
                self._call(event.call).given = event
            case e.ToolStarted():
                self._call(event.call).started = at
            case e.ToolEnded():
                self._call(event.call).ended = True
            case e.NoticeGiven():
                self._append(Notice(code=event.code, text=event.text, until=event.until, step=self._step()))
            case e.Seam():
                self.seams += 1
                self._append(Notice(code="resumed", text=event.reason, step=self._step()))
            case e.Snapshot():
                self._snapshot = event.message
                self._parts = [_Growing(part, []) for part in event.message.parts]
            case e.TurnSettled():
                self.settled = event
            case e.Waiting() | e.ToolOutput():
                pass
            case _:
                assert_never(event)

    def _step(self) -> int | None:
        return self.steps[-1].step if self.steps else None

    def _call(self, call: str) -> Call:
        return self.calls.setdefault(call, Call(call))

    def _growing(self, index: int) -> _Growing:
        if not 0 <= index < len(self._parts):
            raise ValueError(f"part {index} has not begun; there are {len(self._parts)}")
        return self._parts[index]

    def _append(self, part: Part, *, is_open: bool = False) -> None:
        self._parts.append(_Growing(part, [], is_open))

    def _place(self, index: int, part: Part, *, settles: bool) -> None:
        if index == len(self._parts):
            self._append(part, is_open=not settles)
        elif settles:
            growing = self._growing(index)
            growing.part, growing.pieces, growing.is_open = part, [], False
        else:
            raise ValueError(f"part {index} cannot begin; the next one is {len(self._parts)}")


def fold(lines: Iterable[e.Numbered]) -> Message:
    """The message that the events make: what is not streaming is this.

    Raises ValueError where the events do not begin with `turn_started` or a snapshot.
    """
    return Fold(lines).message()

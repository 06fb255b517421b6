"""Send: one step, from the request to the end of its answer, as events.

A reader task brings what the provider sends into the run's inbox; this stage turns it into events of
the message. A busy provider is waited for before the first word, never after it; where that does not
help, another model of the user's list takes over, with a notice. Whatever ends the answer early leaves
what came: each begun part settles, and a notice says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from windowseat.core.errors import Fault, ProviderFault, StoreFault
from windowseat.core.events import (
    Event,
    NoticeGiven,
    PartDelta,
    PartSettled,
    PartStarted,
    StepEnded,
    StepStarted,
    Waiting,
)
from windowseat.core.exchange import Answered, Finished, Received
from windowseat.core.message import StopReason
from windowseat.core.model import Model
from windowseat.core.overlap import Overlap
from windowseat.core.parts import Citation, Part, Text, Thinking, ToolCall, at_step
from windowseat.core.request import Request
from windowseat.turns.gather import prepare, prepare_to_go_on
from windowseat.turns.settle import close_parts, record_step
from windowseat.turns.state import Arrived, Cancel, Run, Tick

_BUSY = frozenset({"provider_rate_limit", "provider_overloaded"})
"""A 429, 503 or 529, or the same said within a stream; an exhausted quota has a code of its own."""
_GIVES_WAY = _BUSY | {
    "provider_no_credit",
    "provider_error",
    "provider_timeout",
    "provider_silent",
    "provider_unreachable",
    "provider_cut",
}
"""An outage or a limit, so that another model may well answer; a wrong key or request is told instead."""
_MOST_UNREAD = 8
"""Batches that may lie in the inbox before the reader waits."""


@dataclass(slots=True)
class _Answer:
    """One answer while it comes."""

    run: Run
    step: int
    ours: frozenset[str]
    callers: frozenset[str]
    queued: datetime
    index_of: dict[int, int] = field(default_factory=dict)
    seam: Overlap | None = None
    seam_index: int | None = None
    first_byte: datetime | None = None
    first_token: datetime | None = None
    size: int = 0
    finished: Finished | None = None
    began: dict[int, datetime] = field(default_factory=dict)

    def events(self, received: Received) -> Iterable[Event]:
        """What this means for the message."""
        return self._grow(received) if isinstance(received, PartDelta) else self._other(received)

    def _other(self, received: Received) -> Iterator[Event]:
        now = self.run.world.clock.now()
        match received:
            case PartStarted(index=index, part=part):
                self.first_token = self.first_token or now
                self.index_of[index] = at = self.run.fold.size
                self.began[index] = now
                yield from self._start(at, self._ours(part, now))
            case PartSettled(index=index, part=part):
                self.first_token = self.first_token or now
                yield from self._settle(index, part, now)
            case Answered():
                self.first_byte = self.first_byte or now
            case Finished():
                self.finished = received
            case Waiting():
                yield received

    def ended(self, reason: StopReason, now: datetime) -> StepEnded:
        """The step's last event."""
        return StepEnded(
            step=self.step,
            usage=self.finished.usage if self.finished else None,
            stop_reason=reason,
            queued=self.queued,
            first_byte=self.first_byte,
            first_token=self.first_token,
            ended=now,
        )

    def _start(self, at: int, part: Part) -> Iterator[Event]:
        if self.seam is not None and self.seam_index is None and isinstance(part, Text):
            self.seam_index = at
            yield PartStarted(index=at, part=replace(part, text=""))
            yield from self._shown(at, self.seam.feed(part.text))
        else:
            yield PartStarted(index=at, part=part)

    def _grow(self, delta: PartDelta) -> Iterable[Event]:
        at = self.index_of[delta.index]
        self.size += len(delta.text)
        if self.size > self.run.world.bounds.longest_answer:
            raise ProviderFault(
                "provider_too_long",
                "The answer did not end.",
                hint="It was stopped; ask again with a limit on the length.",
            )
        if at == self.seam_index and self.seam is not None:
            return self._shown(at, self.seam.feed(delta.text))
        return (delta if at == delta.index else replace(delta, index=at),)

    def _shown(self, at: int, text: str) -> Iterator[Event]:
        if text:
            yield PartDelta(index=at, text=text)

    def _settle(self, index: int, part: Part, now: datetime) -> Iterator[Event]:
        at = self.index_of.setdefault(index, self.run.fold.size)
        part = self._ours(part, self.began.get(index, now))
        if isinstance(part, Thinking):
            part = replace(part, ended=now)
        if at == self.seam_index and self.seam is not None and isinstance(part, Text):
            yield from self._shown(at, self.seam.end())
            shown = self.run.fold.parts[at]
            assert isinstance(shown, Text)
            if shown.text != part.text:  # a repeat was taken out: it is no longer what the provider sent
                part = replace(part, text=shown.text, origin=None)
            self.seam = None
        yield PartSettled(index=at, part=part)

    def _ours(self, part: Part, began: datetime) -> Part:
        """The part as one of this step and message."""
        part = at_step(part, self.step)
        if isinstance(part, Thinking):
            return replace(part, started=began)
        if isinstance(part, Citation):
            return replace(part, part=self.index_of.get(part.part, part.part))
        if isinstance(part, ToolCall) and part.by == "us":
            offered_here = part.name in self.ours and part.name not in self.callers
            return replace(part, by="us" if offered_here else "caller")
        return part


async def send(run: Run, *, goes_on: bool) -> AsyncGenerator[Event, None]:
    """One step. `goes_on`: the answer before it broke off, and this request carries it on."""
    model = run.model
    assert model is not None
    step = _next_step(run)
    try:
        prepared = await (prepare_to_go_on if goes_on else prepare)(run, model, step)
    except Fault as fault:
        run.ended = "error"
        yield run.note(NoticeGiven(code="error", text=str(fault), fault=fault.code))
        return
    answer = _Answer(
        run,
        step,
        frozenset(tool.name for tool in prepared.tools),
        frozenset(tool.name for tool in run.turn.caller_tools),
        run.world.clock.now(),
        seam=Overlap(prepared.said) if prepared.said and not prepared.prefilled else None,
    )
    yield run.note(StepStarted(step=step, request=prepared.name, model=model.name))
    reason: StopReason
    try:
        async for event in _answered(answer, prepared.request, model):
            yield run.note(event)
        reason = "cancelled" if run.ended else answer.finished.stop_reason if answer.finished else "error"
    except StoreFault:
        raise
    except Fault as fault:
        reason = "error"
        may_give_way = answer.first_token is None and not prepared.said
        heir = await _heir(run, fault) if may_give_way else None
        if heir is None:
            run.ended = "error"
            yield run.note(_notice(fault, run.world.clock.now()))
        else:
            run.model = heir
            words = f"{fault.detail} {heir.name} answers in place of {model.name}."
            yield run.note(NoticeGiven(code="fallback", text=words, fault=fault.code))
    for event in close_parts(run, reason):
        yield event
    ended = answer.ended(reason, run.world.clock.now())
    await record_step(run, ended, model.name)
    yield run.note(ended)


async def _heir(run: Run, fault: Fault) -> Model | None:
    """The model that takes over where this fault is an outage or a limit, and the user named one."""
    if run.world.fallbacks is None or fault.code not in _GIVES_WAY:
        return None
    return await run.world.fallbacks.next(run.turn, {step.model for step in run.fold.steps})


async def _answered(answer: _Answer, request: Request, model: Model) -> AsyncGenerator[Event, None]:
    """The events of an answer; a provider that is busy is asked again, before the first word only."""
    bounds = answer.run.world.bounds
    for waited in range(bounds.waits + 1):
        try:
            async for event in _one_try(answer, request, model):
                yield event
            return
        except ProviderFault as fault:
            wait = fault.retry_after if fault.retry_after is not None else 2.0 * (waited + 1)
            may_wait = fault.code in _BUSY and wait <= bounds.longest_wait and waited < bounds.waits
            if answer.first_token is not None or not may_wait:
                raise
        until = answer.run.world.clock.now() + timedelta(seconds=wait)
        yield Waiting(waits_for="limit", seconds=wait, until=until)
        if not await _slept(answer.run, wait):
            return


async def _one_try(answer: _Answer, request: Request, model: Model) -> AsyncGenerator[Event, None]:
    run = answer.run
    reader = asyncio.create_task(_read(run, request, model), name=f"reader of {run.turn.id}")
    ticker = _Ticker(run, run.world.bounds.quiet)
    quiet = 0.0
    try:
        while True:
            mail = await run.inbox.get()
            match mail:
                case Arrived(batch=None, failed=failed):
                    if failed is not None:
                        raise failed
                    return
                case Arrived(batch=batch):
                    quiet = 0.0
                    ticker.heard = True
                    for received in batch or ():
                        for event in answer.events(received):
                            yield event
                case Tick():
                    if not ticker.heard:
                        quiet += run.world.bounds.quiet
                        yield Waiting(waits_for="provider", seconds=quiet)
                    ticker.heard = False
                case Cancel():
                    run.ended = "cancelled"
                    return
                case _:
                    run.later.append(mail)
    finally:
        ticker.stop()
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
        _forget_arrivals(run)


async def _read(run: Run, request: Request, model: Model) -> None:
    """Bring what the provider sends into the inbox."""
    failed: Exception | None = None
    try:
        async with aclosing(run.world.providers.exchange(run.turn.user, request, model)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                run.inbox.put(Arrived(batch))
                while len(run.inbox) > _MOST_UNREAD:  # noqa: ASYNC110 - rare, and an event would cost each batch
                    await asyncio.sleep(0.005)
    except Fault as fault:
        failed = fault
    except Exception as error:  # noqa: BLE001 - a decoder that met what nobody thought of must not hang the turn
        failed = ProviderFault(
            "provider_unreadable",
            f"The provider's answer could not be read ({type(error).__name__}: {error}).",
            hint="Try again; if it stays so, try another model.",
        )
    run.inbox.put(Arrived(failed=failed))


class _Ticker:
    """Sends a tick to the run every `gap` seconds, so that silence can be told; costs nothing per word."""

    def __init__(self, run: Run, gap: float) -> None:
        self._run = run
        self._gap = gap
        self.heard = False
        self._handle = asyncio.get_running_loop().call_later(gap, self._tick)

    def _tick(self) -> None:
        self._run.inbox.put(Tick())
        self._handle = asyncio.get_running_loop().call_later(self._gap, self._tick)

    def stop(self) -> None:
        self._handle.cancel()


async def _slept(run: Run, seconds: float) -> bool:
    """Sleep, but not through a stop: False when the turn was cancelled meanwhile."""
    loop = asyncio.get_running_loop()
    alarm = loop.call_later(seconds, run.inbox.put, Tick())
    try:
        while True:
            mail = await run.inbox.get()
            if isinstance(mail, Tick):
                return True
            if isinstance(mail, Cancel):
                run.ended = "cancelled"
                return False
            run.later.append(mail)
    finally:
        alarm.cancel()


def _forget_arrivals(run: Run) -> None:
    """What still lies in the inbox of this try is of no use; other mail is kept for its stage."""
    run.later.extend(mail for mail in run.inbox.take_all() if not isinstance(mail, Arrived | Tick))


def _next_step(run: Run) -> int:
    steps = [part.step for part in run.fold.parts if part.step is not None]
    return max([*steps, *(step.step for step in run.fold.steps)], default=0) + 1


def _notice(fault: Fault, now: datetime) -> NoticeGiven:
    if isinstance(fault, ProviderFault) and fault.code == "provider_rate_limit":
        until = now + timedelta(seconds=fault.retry_after) if fault.retry_after is not None else None
        return NoticeGiven(code="limit", text=str(fault), until=until, fault=fault.code)
    return NoticeGiven(code="error", text=str(fault), fault=fault.code)

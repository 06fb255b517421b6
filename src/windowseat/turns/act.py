"""Act: tool calls run, side by side, or wait until a person gives leave.

That a tool starts is committed before it starts, its result before the model reads it. A finished
call is never run again; one that was cut off and may have had effects asks. While only approvals
are missing the turn is put down, and a decision, a day later or after a restart, takes it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from windowseat.core.errors import Fault
from windowseat.core.events import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    PartSettled,
    ToolEnded,
    ToolOutput,
    ToolStarted,
    Waiting,
)
from windowseat.core.parts import Json, Part, Text, ToolCall, ToolResult
from windowseat.core.tool import Tool
from windowseat.turns.gather import offered
from windowseat.turns.state import Cancel, Done, Run, Shown

DENIED = "The user did not allow this call."


async def take_mail(run: Run) -> AsyncGenerator[Event, None]:
    """Read what came while nothing ran here: decisions and a stop."""
    mail, run.later = [*run.later, *run.inbox.take_all()], []
    for each in mail:
        if isinstance(each, Cancel):
            run.ended = "interrupted" if each.was_left else "cancelled"
        elif isinstance(each, ApprovalGiven):
            async for event in _decided(run, each):
                yield event


async def act(run: Run, calls: Sequence[ToolCall]) -> AsyncGenerator[Event, None]:
    """Run what may run, ask for what must ask, and wait for what runs."""
    tools = {tool.name: tool for tool in await offered(run)}
    running: dict[str, asyncio.Task[None]] = {}
    try:
        while True:
            for call in calls:
                if call.id in running or _is_waiting(run, call):
                    continue
                async for event in _begin(run, call, tools.get(call.name), running):
                    yield event
            if not running and any(_is_waiting(run, call) for call in calls):
                yield run.note(Waiting(waits_for="approval"))
            if not running or run.ended:
                return
            async for event in _next_mail(run, running):
                yield event
            unanswered = {call.id for call in run.fold.unanswered()}
            calls = [call for call in calls if call.id in unanswered]
    finally:
        for task in running.values():
            task.cancel()
        for task in running.values():
            with suppress(asyncio.CancelledError):
                await task


async def _begin(
    run: Run, call: ToolCall, tool: Tool | None, running: dict[str, asyncio.Task[None]]
) -> AsyncGenerator[Event, None]:
    """Start the call, ask for it, or say why it does not run."""
    given = _given(run, call)
    refusal = _refusal(call, tool, given)
    if refusal is not None:
        for event in _ended(run, call, (Text(text=refusal),), error=refusal):
            yield event
    elif tool is not None and _must_ask(run, call, tool, given):
        yield run.note(ApprovalAsked(call=call.id))
    else:
        yield run.note(ToolStarted(call=call.id))
        ready = call if given is None or given.arguments is None else replace(call, arguments=given.arguments)
        running[call.id] = asyncio.create_task(_run_tool(run, ready), name=f"tool {call.name}")


def _refusal(call: ToolCall, tool: Tool | None, given: ApprovalGiven | None) -> str | None:
    """Why the call cannot run at all, in words for the model; None when it can."""
    if tool is None:
        return f"There is no tool named {call.name}."
    if isinstance(call.arguments, str) and (given is None or given.arguments is None):
        return "The arguments are not a JSON object; write them again."
    if given is not None and given.decision == "deny":
        return f"{DENIED} {given.reason}" if given.reason else DENIED
    return None


def _must_ask(run: Run, call: ToolCall, tool: Tool, given: ApprovalGiven | None) -> bool:
    state = run.fold.calls.get(call.id)
    if state is not None and state.started is not None and not state.ended:
        return not tool.may_run_again  # it was cut off while it ran: who knows what it did
    return given is None and tool.policy == "ask"


def _given(run: Run, call: ToolCall) -> ApprovalGiven | None:
    state = run.fold.calls.get(call.id)
    return state.given if state else None


def _is_waiting(run: Run, call: ToolCall) -> bool:
    state = run.fold.calls.get(call.id)
    return state is not None and state.asked and state.given is None


async def _run_tool(run: Run, call: ToolCall) -> None:
    """Run the tool and post its result; whatever goes wrong is words for the model."""

    def emit(what: str | Part) -> None:
        run.inbox.put(Shown(call.id, what))

    try:
        done = Done(call.id, await run.world.tools.run(run.turn, call, emit))
    except Fault as fault:
        done = Done(call.id, (Text(text=str(fault)),), error=fault.detail)
    except Exception as error:  # noqa: BLE001 - a tool of anybody's must not take the turn along
        words = f"The tool failed ({type(error).__name__})."
        done = Done(call.id, (Text(text=words),), error=words)
    run.inbox.put(done)


async def _next_mail(run: Run, running: dict[str, asyncio.Task[None]]) -> AsyncGenerator[Event, None]:
    mail = run.later.pop(0) if run.later else await run.inbox.get()
    match mail:
        case Shown(call=call_id, what=what):
            text, part = (what, None) if isinstance(what, str) else (None, what)
            yield run.note(ToolOutput(call=call_id, text=text, part=part))
        case Done(call=call_id, content=content, error=error):
            running.pop(call_id, None)
            call = next(each for each in run.fold.unanswered() if each.id == call_id)
            for event in _ended(run, call, content, error=error):
                yield event
        case ApprovalGiven():
            async for event in _decided(run, mail):
                yield event
        case Cancel():
            run.ended = "cancelled"
        case _:
            pass


def _ended(run: Run, call: ToolCall, content: tuple[Part, ...], *, error: str | None) -> Iterator[Event]:
    """The call's result, and that it is over."""
    state = run.fold.calls.get(call.id)
    started = state.started if state else None
    result = ToolResult(
        id=call.id,
        step=call.step,
        content=content,
        error=error,
        arguments=_changed(call, _given(run, call)),
        started=started,
        ended=run.world.clock.now() if started else None,
    )
    yield run.note(PartSettled(index=run.fold.size, part=result))
    yield run.note(ToolEnded(call=call.id))


def _changed(call: ToolCall, given: ApprovalGiven | None) -> dict[str, Json] | None:
    """The arguments as run, where the user changed them."""
    if given is None or given.arguments is None or given.arguments == call.arguments:
        return None
    return given.arguments


async def _decided(run: Run, given: ApprovalGiven) -> AsyncGenerator[Event, None]:
    """The decision; one for the thread or for always holds for the other calls of that tool that wait."""
    calls = {call.id: call for call in run.fold.unanswered()}
    decided = calls.get(given.call)
    if decided is None or not _is_waiting(run, decided):
        return  # another device was quicker
    yield run.note(given)
    if given.decision in ("thread", "always"):
        await run.world.tools.remember(run.turn, decided.name, given.decision)
        for call in calls.values():
            if call.name == decided.name and _is_waiting(run, call):
                yield run.note(ApprovalGiven(call=call.id, decision="once"))

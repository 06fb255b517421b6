"""Gather: in parallel what the model is to read, and from it the request of the next step.

The thread's path, the tools on offer and the inserts of features become a window (core/window.py),
the window a request (the model's dialect), and the request is kept before it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from windowseat.core.fold import Step
from windowseat.core.message import Message
from windowseat.core.model import Model
from windowseat.core.parts import Part, Text, Thinking, ToolResult
from windowseat.core.request import Request
from windowseat.core.tool import Tool
from windowseat.core.window import Insert, assemble
from windowseat.turns.state import Run


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that is kept and may be sent, and the tools that run here for it.

    `said` is what the answer had said before, if it goes on.
    """

    request: Request
    name: str
    tools: Sequence[Tool]
    said: str = ""
    prefilled: bool = False


async def prepare(run: Run, model: Model, step: int) -> Prepared:
    """The request of a step, from all that the model is to read."""
    path, tools, gifts = await asyncio.gather(
        run.world.of(run.turn).turns.path(run.turn), offered(run), _gifts(run)
    )
    own = run.fold.message()
    begun, said = _begun(own, continued=bool(run.turn.begins_with) and not _has_own_step(run))
    if begun is not None:
        path = (*path, begun)
    inserts = gifts if model.tools is False else [*gifts, *_on_offer(tools, run.turn.caller_tools)]
    request = await run.world.providers.encode(assemble(inserts, path), model, run.turn.options)
    if said:
        return await _gone_on(run, step, request, tools, said, prefill=_may_prefill(model, own.parts))
    return Prepared(request, await _keep(run, step, request), tools)


async def prepare_to_go_on(run: Run, model: Model, step: int) -> Prepared:
    """The request that was kept for the broken-off step, with what its answer had already said."""
    if run.turn.begins_with:  # what it continues is said already in the kept one: build it anew, whole
        return await prepare(run, model, step)
    chain = _broken_off(run.fold.steps)
    numbers = {each.step for each in chain}
    parts = tuple(part for part in run.fold.parts if part.step in numbers)
    said = "".join(part.text for part in parts if isinstance(part, Text))
    request = await run.world.of(run.turn).turns.kept_request(run.turn, chain[0].request)
    tools = await offered(run)
    if not said:
        return Prepared(request, await _keep(run, step, request), tools)
    return await _gone_on(run, step, request, tools, said, prefill=_may_prefill(model, parts))


async def offered(run: Run) -> Sequence[Tool]:
    """The tools that run here for this turn."""
    return [tool for tool in await run.world.tools.on_offer(run.turn) if tool.policy != "never"]


async def _gifts(run: Run) -> list[Insert]:
    gifts = await asyncio.gather(*(source(run.turn) for source in run.world.inserts))
    inserts = [insert for gift in gifts for insert in gift]
    if run.turn.instructions:
        inserts.append(
            Insert(
                key="instructions:ask",
                kind="instructions",
                label="instructions",
                content=run.turn.instructions,
            )
        )
    return inserts


def _on_offer(ours: Sequence[Tool], callers: Sequence[Tool]) -> list[Insert]:
    tools = (*ours, *callers)
    return [Insert(key=f"tool:{t.name}", kind="tool", label=t.name, content=t) for t in tools]


def _has_own_step(run: Run) -> bool:
    """Whether a tool answered in this turn, or the provider paused: then the next step is an ordinary one."""
    own = run.fold.parts[len(run.turn.begins_with) :]
    paused = bool(run.fold.steps) and run.fold.steps[-1].stop_reason == "paused"
    return paused or any(isinstance(part, ToolResult) for part in own)


def _begun(own: Message, *, continued: bool) -> tuple[Message | None, str]:
    """What stands of the answer: what is read as it is, and the words that a continued one goes on with."""
    if not own.parts:
        return None, ""
    if not continued:
        return own, ""
    last_result = max((i for i, part in enumerate(own.parts) if isinstance(part, ToolResult)), default=-1)
    before, after = own.parts[: last_result + 1], own.parts[last_result + 1 :]
    said = "".join(part.text for part in after if isinstance(part, Text))
    return (replace(own, parts=before) if before else None), said


def _may_prefill(model: Model, parts: tuple[Part, ...]) -> bool:
    """Whether the provider goes on from a begun answer: known to, and nothing was thought in it."""
    return model.prefill is True and not any(isinstance(part, Thinking) for part in parts)


async def _gone_on(
    run: Run, step: int, request: Request, tools: Sequence[Tool], said: str, *, prefill: bool
) -> Prepared:
    longer = run.world.providers.go_on(request, said, prefill=prefill)
    return Prepared(longer, await _keep(run, step, longer), tools, said, prefill)


async def _keep(run: Run, step: int, request: Request) -> str:
    return await run.world.of(run.turn).turns.keep_request(run.turn, step, request)


def _broken_off(steps: list[Step]) -> list[Step]:
    """The last steps that broke off one after the other; the first of them was the whole request."""
    chain: list[Step] = []
    for step in reversed(steps):
        if step.stop_reason != "interrupted":
            break
        chain.append(step)
    return chain[::-1]

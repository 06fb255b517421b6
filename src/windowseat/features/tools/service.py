"""The registry of tools: what may be called in a turn, under which policy, and running a call.

Built-in tools and those of strangers come in by the same `register`. Whether a call waits for a
person, and what the model sees of it, is the turn's business; a tool's arguments and results are data.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from windowseat.core.ask import Turn, User
from windowseat.core.errors import Conflict, Fault, NotFound, ToolFault
from windowseat.core.events import Decision
from windowseat.core.parts import Citation, Json, Part, Text, ToolCall
from windowseat.core.ports import Emit
from windowseat.core.tool import Policy, Tool
from windowseat.features.tools.arguments import what_is_wrong
from windowseat.features.tools.store import DecisionStore
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.log import strike_secrets
from windowseat.platform.moments import to_number

Run = Callable[[Turn, dict[str, Json], Emit], Awaitable[str | Sequence[Part]]]
"""What a tool does: words or parts, for arguments that fit its schema. May show things meanwhile."""

Offered = Callable[[Turn], Awaitable[bool]]
"""Whether a tool makes sense in a turn."""

_MOST_ERROR = 500
_log = logging.getLogger(__name__)


class KeepsText(Protocol):
    """Keeps a result that is too long for the window as a file of the turn's user; returns its id."""

    async def __call__(self, turn: Turn, text: str, name: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A tool, what runs it, and whether it makes sense in a turn."""

    tool: Tool
    run: Run
    offered: Offered | None = None


class ToolRegistry:
    """The port `Tools`. Belongs to one event loop."""

    def __init__(self, database: Database, clock: Clock, keep: KeepsText) -> None:
        self._store = DecisionStore(database)
        self._clock = clock
        self._keep = keep
        self._registered: dict[str, Registered] = {}

    def register(self, tool: Tool, run: Run, *, offered: Offered | None = None) -> None:
        """Add a tool. Raises Conflict `tool_name_used`."""
        if tool.name in self._registered:
            raise Conflict(
                "tool_name_used",
                f"There is a tool {tool.name} already.",
                hint="Give one of them another name.",
            )
        self._registered[tool.name] = Registered(tool=tool, run=run, offered=offered)

    def unregister(self, name: str) -> None:
        """Take a tool away; harmless when there is none."""
        self._registered.pop(name, None)

    def tools(self) -> tuple[Tool, ...]:
        """All tools with their own policies, by name."""
        return tuple(self._registered[name].tool for name in sorted(self._registered))

    async def on_offer(self, turn: Turn) -> Sequence[Tool]:
        """The tools for this turn, by name, each with the policy that holds for its user and thread.

        Where the options name none, an answer has all of them and a hidden request has none.
        A tool with the policy `never` is not offered, whoever names it.
        """
        named = turn.options.tools
        if named is None and turn.purpose != "answer":
            return ()
        names = self._registered.keys() if named is None else self._registered.keys() & set(named)
        if not names:
            return ()
        decided = await self._store.decided(turn.user.id, turn.thread)
        offered: list[Tool] = []
        for name in sorted(names):
            entry = self._registered[name]
            policy = decided.get(name, entry.tool.policy)
            if policy != "never" and (entry.offered is None or await entry.offered(turn)):
                offered.append(replace(entry.tool, policy=policy))
        return offered

    async def run(self, turn: Turn, call: ToolCall, emit: Emit) -> tuple[Part, ...]:
        """Run a call and return the parts of its result, cut to what the tool keeps in the window.

        Raises ToolFault `tool_unknown`, `tool_arguments`, `tool_timeout`, `tool_failed`, or what the tool
        itself says. Cancelled, it cancels the tool.
        """
        entry = self._registered.get(call.name)
        if entry is None:
            raise ToolFault("tool_unknown", f"There is no tool {call.name[:80]}.")
        arguments = _checked(call, entry.tool)
        try:
            async with asyncio.timeout(entry.tool.timeout) as limit:
                result = await entry.run(turn, arguments, partial(_emit_clean, emit))
        except ToolFault:
            raise
        except Fault as fault:
            raise ToolFault(fault.code, strike_secrets(str(fault)), hint=fault.hint) from fault
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                raise _took_too_long(entry.tool) from error
            _log.warning("The tool %s failed.", entry.tool.name, exc_info=True)
            words = strike_secrets(_words(f"{type(error).__name__}: {error}"))[:_MOST_ERROR]
            raise ToolFault("tool_failed", f"The tool {entry.tool.name} failed: {words}") from error
        parts = (Text(text=result),) if isinstance(result, str) else tuple(result)
        parts = tuple(map(_clean, parts))
        return await self._cut(turn, call, entry.tool, parts)

    async def remember(self, turn: Turn, tool: str, decision: Decision) -> None:
        """Keep `thread` for this thread and `always` for all of the user's; `once` and `deny` end here."""
        if decision == "always":
            await self._decide(turn.user, None, tool, "always")
        elif decision == "thread" and turn.thread is not None:
            await self._decide(turn.user, turn.thread, tool, "always")

    async def set_policy(
        self, user: User, tool: str, policy: Policy | None, thread: str | None = None
    ) -> None:
        """Decide for one of the user's threads or for all; None takes it back.

        Raises NotFound `tool_unknown`.
        """
        if tool not in self._registered:
            raise NotFound(
                "tool_unknown", f"There is no tool {tool[:80]}.", hint="Look at the list of tools."
            )
        await self._decide(user, thread, tool, policy)

    async def policies(self, user: User, thread: str | None = None) -> dict[str, Policy]:
        """By tool: the policy that holds for this user, in that thread where one is named."""
        decided = await self._store.decided(user.id, thread)
        return {tool.name: decided.get(tool.name, tool.policy) for tool in self.tools()}

    async def _decide(self, user: User, thread: str | None, tool: str, policy: Policy | None) -> None:
        await self._store.decide(user.id, thread, tool, policy, to_number(self._clock.now()))

    async def _cut(self, turn: Turn, call: ToolCall, tool: Tool, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """The parts with `tool.kept` characters of text; where there are more, all of it is a file."""
        texts = [part.text for part in parts if isinstance(part, Text)]
        size = sum(map(len, texts))
        if size <= tool.kept:
            return parts
        name = f"{tool.name}-{call.id}.txt"
        file = await self._keep(turn, "\n".join(texts), name)
        line = (
            f"[Cut: these are the first {tool.kept} of {size} characters. All of it is kept as the file "
            f"{name} with the id {file}; the tool open_file reads on.]"
        )
        kept: list[Part] = []
        room = tool.kept
        for part in parts:
            if not isinstance(part, Text):
                kept.append(part)
            elif room > 0:
                kept.append(replace(part, text=part.text[:room]))
                room -= len(part.text)
        kept.append(Text(text=line))
        # A citation and not a file part: a model reads a file part whole, and the page links to both.
        kept.append(Citation(part=len(kept) - 1, file=file, title=name))
        return tuple(kept)


def _words(text: str) -> str:
    """The text without half surrogate pairs, for which JSON has no bytes: Python makes them of file names
    that are no UTF-8 (PEP 383)."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _clean(part: Part) -> Part:
    return replace(part, text=_words(part.text)) if isinstance(part, Text) else part


def _emit_clean(emit: Emit, what: str | Part) -> None:
    emit(_words(what) if isinstance(what, str) else _clean(what))


def _checked(call: ToolCall, tool: Tool) -> dict[str, Json]:
    if not isinstance(call.arguments, dict):
        raise ToolFault(
            "tool_arguments",
            f"The arguments of {tool.name} are not a JSON object. Its schema is {json.dumps(tool.schema)}",
        )
    wrong = what_is_wrong(call.arguments, tool.schema)
    if wrong:
        raise ToolFault("tool_arguments", f"{tool.name} was not run. {' '.join(wrong)}")
    return call.arguments


def _took_too_long(tool: Tool) -> ToolFault:
    return ToolFault("tool_timeout", f"The tool {tool.name} was stopped after {tool.timeout:g} seconds.")

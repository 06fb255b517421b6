"""Fakes of the ports that reach outside, for tests of turns: a scripted provider and a list of tools.

The provider here has no HTTP: it hands over decoded batches, waits, fails or hangs as its script
says. For tests of dialects and transport there is the real thing on loopback, `ScriptedProvider`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from windowseat.core.ask import Turn, User
from windowseat.core.errors import Refused
from windowseat.core.events import Decision, PartDelta, PartSettled, PartStarted
from windowseat.core.exchange import Answered, Finished, Received
from windowseat.core.message import StopReason, Usage
from windowseat.core.model import Model, Options
from windowseat.core.parts import Part, Text, ToolCall
from windowseat.core.ports import Emit, LedgerRow
from windowseat.core.price import Money
from windowseat.core.request import Piece, Request
from windowseat.core.tool import Tool
from windowseat.core.window import Window

Step = Sequence[Received] | Exception | float
"""A batch that arrives, an error, or seconds of silence."""


def said(*pieces: str, reason: StopReason = "end", usage: Usage | None = None) -> list[Step]:
    """The script of an answer in these pieces."""
    text = "".join(pieces)
    steps: list[Step] = [[Answered()], [PartStarted(index=0, part=Text(text=""))]]
    steps += [[PartDelta(index=0, text=piece)] for piece in pieces]
    return [*steps, [PartSettled(index=0, part=Text(text=text)), Finished(stop_reason=reason, usage=usage)]]


def called(*calls: ToolCall) -> list[Step]:
    """The script of an answer that only calls tools."""
    settled = [PartSettled(index=index, part=call) for index, call in enumerate(calls)]
    return [[Answered()], settled, [Finished(stop_reason="tool_call", usage=None)]]


@dataclass
class FakeProviders:
    """The port `Providers` by script: each exchange takes the next one; `requests` are what was sent."""

    scripts: list[list[Step]] = field(default_factory=list)
    prefill: bool | None = None
    requests: list[Request] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    open: int = 0

    async def model(self, user: User, name: str | None) -> Model:  # noqa: ARG002 - a port's shape
        """Any model but the one named `gone/x` is there."""
        connection, _, model = (name or "fake/x").partition("/")
        if connection == "gone":
            raise Refused("model_unknown", f"There is no model {name}.", hint="Choose another.")
        return Model(connection=connection, id=model, dialect="openai-chat", prefill=self.prefill)

    async def encode(self, window: Window, model: Model, options: Options) -> Request:
        """One piece a segment: its key."""
        self.windows.append(window)
        pieces = tuple(Piece(segment=s.key, data=s.key.encode() + b"\n") for s in window.sent)
        return Request(
            dialect=model.dialect,
            connection=model.connection,
            model=model.id,
            stream=options.stream,
            pieces=(*pieces, Piece(segment="", data=b".")),
        )

    def go_on(self, request: Request, said: str, *, prefill: bool) -> Request:
        """The begun answer as one more piece, marked by how it is to be gone on with."""
        mark = b"prefill:" if prefill else b"ask:"
        begun = Piece(segment="begun", data=mark + said.encode())
        pieces = (*request.pieces[:-1], begun, request.pieces[-1])
        return Request(
            dialect=request.dialect,
            connection=request.connection,
            model=request.model,
            stream=request.stream,
            pieces=pieces,
        )

    async def exchange(self, user: User, request: Request, model: Model) -> AsyncIterator[Sequence[Received]]:  # noqa: ARG002
        """Play the next script."""
        self.requests.append(request)
        script = self.scripts.pop(0)
        self.open += 1
        try:
            for step in script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, int | float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.open -= 1


RunTool = Callable[[ToolCall, Emit], Awaitable[tuple[Part, ...]]]


@dataclass
class FakeTools:
    """The port `Tools` over a plain list; `runs` are the calls that were run."""

    tools: dict[str, tuple[Tool, RunTool]] = field(default_factory=dict)
    runs: list[ToolCall] = field(default_factory=list)
    remembered: list[tuple[str, Decision]] = field(default_factory=list)

    def add(self, tool: Tool, run: RunTool) -> None:
        """Offer a tool."""
        self.tools[tool.name] = (tool, run)

    async def on_offer(self, turn: Turn) -> Sequence[Tool]:  # noqa: ARG002
        """All of them."""
        return [tool for tool, _ in self.tools.values()]

    async def run(self, turn: Turn, call: ToolCall, emit: Emit) -> tuple[Part, ...]:  # noqa: ARG002
        """Run it, and remember that."""
        self.runs.append(call)
        return await self.tools[call.name][1](call, emit)

    async def remember(self, turn: Turn, tool: str, decision: Decision) -> None:  # noqa: ARG002
        """Note the decision."""
        self.remembered.append((tool, decision))


@dataclass
class FakeLedger:
    """The port `Ledger` as a list of rows."""

    rows: dict[tuple[str, int], LedgerRow] = field(default_factory=dict)

    async def record(self, row: LedgerRow) -> Money | None:
        """Keep the row; prices are unknown."""
        self.rows.setdefault((row.turn, row.step), row)
        return None

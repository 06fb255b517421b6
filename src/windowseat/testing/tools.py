"""A tool that asks first, for tests and for trying out approvals: it records what it was run with.

It touches nothing; it only says that it does, so that its policy is `ask`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from windowseat.core.ask import Turn
from windowseat.core.parts import Json
from windowseat.core.ports import Emit
from windowseat.core.tool import Tool

SEND_LETTER = Tool(
    name="send_letter",
    description="Sends a letter to somebody outside.",
    schema={
        "type": "object",
        "properties": {"to": {"type": "string"}, "text": {"type": "string"}},
        "required": ["to", "text"],
        "additionalProperties": False,
    },
    touches="outside",
    policy="ask",
    timeout=30.0,
)


@dataclass(slots=True)
class AskingTool:
    """Runs `SEND_LETTER`: waits `delay` seconds, then raises `failure` or says that the letter was sent.

    `began` has the arguments of every run that was begun, `ended` of those that came to their end.

    >>> asking = AskingTool()
    >>> registry.register(asking.tool, asking.run)
    """

    tool: Tool = SEND_LETTER
    delay: float = 0.0
    failure: Exception | None = None
    began: list[dict[str, Json]] = field(default_factory=list)
    ended: list[dict[str, Json]] = field(default_factory=list)

    async def run(self, _turn: Turn, arguments: dict[str, Json], emit: Emit) -> str:
        """What the registry calls."""
        self.began.append(arguments)
        if self.delay:
            emit("Looking for a stamp …")
            await asyncio.sleep(self.delay)
        if self.failure is not None:
            raise self.failure
        self.ended.append(arguments)
        return f"The letter to {arguments['to']} was sent."

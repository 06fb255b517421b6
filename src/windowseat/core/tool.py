"""A tool: something that a model may call, what it may touch, and when it must ask first.

Only the description and the rules; what runs it is a feature, and how a model is told of it is
its dialect's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from windowseat.core.parts import Json

Touches = Literal["nothing", "thread", "outside"]
"""What a call may change: nothing at all, things of its own thread, or anything else."""

Policy = Literal["always", "ask", "never"]
"""Whether a call runs by itself, waits for a person, or is not offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What is known of a tool before it is called.

    `schema` is a JSON Schema of the arguments; `timeout` in seconds; `kept` is how many characters
    of a result stay in the window, the rest is kept as a file.
    """

    name: str
    description: str
    schema: dict[str, Json]
    touches: Touches = "outside"
    policy: Policy = "ask"
    timeout: float = 120.0
    kept: int = 20_000

    @property
    def may_run_again(self) -> bool:
        """Whether a call that was cut off may be run a second time without asking."""
        return self.touches == "nothing"

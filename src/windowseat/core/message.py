"""A message: a role and an ordered list of parts; never changed once its turn has settled.

Also what a turn says of itself when it settles: why it stopped, and how many tokens it used.
This file is not the tree of a thread (thread.py) and not how a message grows (events.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from windowseat.core.parts import Part
from windowseat.core.price import Money

Role = Literal["user", "assistant"]

StopReason = Literal[
    "end", "length", "stop_sequence", "tool_call", "refusal", "filtered", "cancelled", "interrupted", "error",
    "step_limit", "paused",
]  # fmt: skip
"""Why an answer stopped. `paused` is of a step alone: the provider's own tools reached its limit, and the
answer goes on when it is sent back; a turn that may take no more steps then ends with `step_limit`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that a provider reported. A number is None where it reported none.

    `input_tokens` is all that was read, cached included; `output_tokens` includes thinking.
    `details` holds the finer kinds (`cache_write_5m_tokens`, `audio_input_tokens`, `searches` …).
    `partial`: a sum in which at least one step reported nothing.
    """

    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    thinking_tokens: int | None = None
    details: dict[str, int] | None = None
    partial: bool = False

    @staticmethod
    def total(steps: Iterable[Usage | None]) -> Usage | None:
        """The sum over the steps of a turn: known numbers are added, a silent step makes it partial.

        None where no step reported anything.
        """
        listed = list(steps)
        known = [usage for usage in listed if usage is not None]
        if not known:
            return None
        sums: dict[str, int | None] = {}
        for name in _COUNTS:
            values = [value for usage in known if (value := getattr(usage, name)) is not None]
            sums[name] = sum(values) if values else None
        details: dict[str, int] = {}
        for usage in known:
            for kind, count in (usage.details or {}).items():
                details[kind] = details.get(kind, 0) + count
        partial = len(known) < len(listed) or any(usage.partial for usage in known)
        return Usage(**sums, details=details or None, partial=partial)


_COUNTS = tuple(f.name for f in fields(Usage) if f.name not in ("details", "partial"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a thread; `turn`, `model`, `usage`, `stop_reason` and `price` only for an answer.

    While its turn runs, `n` is the number of the last event that is folded in, else None.
    """

    id: str
    thread: str
    parent: str | None
    role: Role
    parts: tuple[Part, ...]
    created: datetime
    edited_from: str | None = None
    turn: str | None = None
    model: str | None = None
    usage: Usage | None = None
    stop_reason: StopReason | None = None
    price: Money | None = None
    n: int | None = None

"""What a turn yields while it runs: one tagged union of events.

The journal numbers and dates them; a message is a fold over them (fold.py). An event is an *edge*
when it is committed before anything follows it. Nothing here knows a provider's wire format.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from windowseat.core.message import Message, StopReason, Usage
from windowseat.core.parts import Json, Part
from windowseat.core.price import Money

WaitsFor = Literal["model", "provider", "limit", "approval", "tool"]
Decision = Literal["once", "thread", "always", "deny"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted:
    """A turn begins: the answer `message` will be a child of `parent`.

    `user_message` is the message written with this turn, None where an earlier one is answered again.
    """

    turn: str
    thread: str | None
    parent: str | None
    user_message: str | None
    message: str
    model: str
    type: Literal["turn_started"] = "turn_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """The request named `request` is about to be sent to `model`."""

    step: int
    request: str
    model: str
    type: Literal["step_started"] = "step_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded:
    """A request was answered, or broke off. The four times are None where there was no such moment."""

    step: int
    usage: Usage | None
    stop_reason: StopReason
    queued: datetime | None
    first_byte: datetime | None
    first_token: datetime | None
    ended: datetime | None
    type: Literal["step_ended"] = "step_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nothing to show yet, and for what: since `seconds`, or until a time. JSON calls the field `for`."""

    waits_for: WaitsFor
    seconds: float | None = None
    until: datetime | None = None
    type: Literal["waiting"] = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStarted:
    """A part begins at `index` of the message's parts."""

    index: int
    part: Part
    type: Literal["part_started"] = "part_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDelta:
    """The part at `index` grows by `text`. `logprobs` pass through and are not kept."""

    index: int
    text: str
    logprobs: Json = None
    type: Literal["part_delta"] = "part_delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSettled:
    """The part at `index` is complete and is this; at the end of the list it is a new part."""

    index: int
    part: Part
    type: Literal["part_settled"] = "part_settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked:
    """The tool call waits until somebody decides; no time limit."""

    call: str
    type: Literal["approval_asked"] = "approval_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven:
    """Somebody decided: once, for this thread, always, or deny with a reason that the model reads."""

    call: str
    decision: Decision
    arguments: dict[str, Json] | None = None
    reason: str | None = None
    type: Literal["approval_given"] = "approval_given"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """The tool runs from now on; committed before it does."""

    call: str
    type: Literal["tool_started"] = "tool_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """Something that a running tool shows before it ends: words or a part. Not part of the message."""

    call: str
    text: str | None = None
    part: Part | None = None
    type: Literal["tool_output"] = "tool_output"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEnded:
    """The call is over; its result was settled as a part just before."""

    call: str
    type: Literal["tool_ended"] = "tool_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeGiven:
    """The house says something within the answer. JSON calls the type `notice`.

    `fault` is the stable code of the fault that it tells of, None where there is none.
    """

    code: str
    text: str
    until: datetime | None = None
    fault: str | None = None
    type: Literal["notice"] = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """An interrupted answer goes on from here; `reason` in words."""

    reason: str
    type: Literal["seam"] = "seam"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The message as it stands after this event's number, in place of the events up to it."""

    message: Message
    type: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettled:
    """The turn is over and its message will not change."""

    stop_reason: StopReason
    usage: Usage | None
    price: Money | None
    type: Literal["turn_settled"] = "turn_settled"


Event = (
    TurnStarted
    | StepStarted
    | StepEnded
    | Waiting
    | PartStarted
    | PartDelta
    | PartSettled
    | ApprovalAsked
    | ApprovalGiven
    | ToolStarted
    | ToolOutput
    | ToolEnded
    | NoticeGiven
    | Seam
    | Snapshot
    | TurnSettled
)
EVENTS: tuple[type[Any], ...] = (
    TurnStarted, StepStarted, StepEnded, Waiting, PartStarted, PartDelta, PartSettled, ApprovalAsked,
    ApprovalGiven, ToolStarted, ToolOutput, ToolEnded, NoticeGiven, Seam, Snapshot, TurnSettled,
)  # fmt: skip

_EDGES = (
    TurnStarted, StepStarted, StepEnded, ApprovalAsked, ApprovalGiven, ToolStarted, ToolEnded, TurnSettled,
)  # fmt: skip


def is_edge(event: Event) -> bool:
    """Whether the event must be committed before anything follows: a settled call is one too."""
    if isinstance(event, PartDelta):  # nearly all events are these
        return False
    if isinstance(event, PartSettled):
        return event.part.type == "tool_call"
    return isinstance(event, _EDGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """An event as the journal holds it: `n` counts from 1 within the turn, `at` is when it was noted."""

    n: int
    at: datetime
    event: Event

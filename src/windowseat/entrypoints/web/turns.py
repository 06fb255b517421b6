"""Turns over HTTP: start, look at, follow, stop, go on, decide, and what was sent.

Thin: it makes asks of JSON and JSON of what the turns answer. How a turn goes is windowseat.turns'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from windowseat.core.ask import Ask, Keeping, NewThread, Turn, User
from windowseat.core.errors import NotFound, Refused
from windowseat.core.events import ApprovalGiven, Decision, Event, StepEnded
from windowseat.core.fold import Fold
from windowseat.core.message import Message, StopReason, Usage
from windowseat.core.model import Dialect, Options
from windowseat.core.move import Move, Wait
from windowseat.core.parts import Json, Part, at_step, plain
from windowseat.core.request import Piece
from windowseat.entrypoints.web.answers import answer, nothing
from windowseat.entrypoints.web.event_stream import EventStream
from windowseat.entrypoints.web.reading import as_number, checked_id, query_number, read_value
from windowseat.entrypoints.web.route import Query, Route, Stream
from windowseat.entrypoints.web.security import asker_of, user_of
from windowseat.entrypoints.web.services import Services, services_of

TurnState = Literal["running", "waiting", "interrupted", "settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAsked:
    """What starts a turn. `id` is the client's; the same id with the same body is the same turn.

    Either `thread` or `new`. With `parts` a user message follows `parent` (null: the first). Without,
    `parent` is a user message that is answered again, or, with `continue`, an answer whose sibling begins
    with its parts.
    """

    id: str
    thread: str | None = None
    new: NewThread | None = None
    parent: str | None = None
    parts: tuple[Part, ...] = ()
    goes_on: bool = False
    model: str | None = None
    options: Options | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnBegun:
    """A turn that is committed. `user_message` is null where an earlier message is answered."""

    turn: str
    thread: str | None
    user_message: str | None
    message: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnShown:
    """How far a turn has come. `message` is the answer, with `n` while it is not settled; `asks` are the
    calls that wait for a decision. An `interrupted` turn may be resumed or cancelled."""

    id: str
    thread: str | None
    state: TurnState
    model: str
    user_message: str | None
    message: Message
    asks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAnswer:
    """A decision on a call. `arguments` replace what the model wrote; the model reads the `reason`."""

    call: str
    decision: Decision
    arguments: dict[str, Json] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceShown:
    """A stretch of a request's body and the segment that it stands for: text, or a file in base64."""

    segment: str
    text: str | None
    file: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """How a request ended, what it used, and when: null where there was no such moment."""

    stop_reason: StopReason
    usage: Usage | None
    queued: datetime | None
    first_byte: datetime | None
    first_token: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestShown:
    """What was sent in one step, and what came of it. The pieces joined are the body; `ended` is null while
    the answer is not complete."""

    step: int
    dialect: Dialect
    connection: str
    model: str
    stream: bool
    pieces: tuple[PieceShown, ...]
    came: tuple[Part, ...]
    ended: StepEnd | None


async def start_turn(request: Request) -> Response:
    """Start a turn. Answered once the user's message and the turn are committed; the tip moves on."""
    asked = await read_value(request, TurnAsked)
    services, user = services_of(request), user_of(request)
    begun = await services.turns.start(await _ask_of(asked, user, services))
    turn = begun.turn
    value = TurnBegun(
        turn=turn.id,
        thread=turn.thread,
        user_message=turn.user_message,
        message=turn.message,
        model=turn.model,
    )
    return answer(value, status=202)


async def get_turn(request: Request) -> Response:
    """How far the turn has come; whoever reads it follows from the message's `n`."""
    services, turn = await _turn_of(request)
    fold, move = await services.turns.next_move(turn)
    return answer(
        TurnShown(
            id=turn.id,
            thread=turn.thread,
            state=_state(services, turn, fold, move),
            model=turn.model,
            user_message=turn.user_message,
            message=fold.message(),
            asks=_asks(fold),
        )
    )


async def follow_turn(request: Request) -> Response:
    """The turn's events after a number, the past and then the live rest, until it settles.

    Where it has settled and there is nothing after that number: 204, at which browsers stop asking.
    """
    services, turn = await _turn_of(request)
    again = as_number(request.headers.get("last-event-id"))
    after = again if again is not None else query_number(request, "after", default=0)
    if not services.turns.is_running(turn.id) and not await services.turns.since(turn, after):
        fold = await services.turns.fold(turn)
        if fold.settled is not None:
            return nothing()
    return EventStream(services.turns, services.news, asker_of(request), follow=[(turn, after)], alone=True)


async def cancel_turn(request: Request) -> Response:
    """Stop the turn; what came stays. A turn that is over stays as it is."""
    await services_of(request).turns.cancel(user_of(request), request.path_params["turn"])
    return nothing()


async def resume_turn(request: Request) -> Response:
    """Go on with a turn that was interrupted."""
    await services_of(request).turns.resume(user_of(request), request.path_params["turn"])
    return nothing()


async def approve_call(request: Request) -> Response:
    """Decide on a call that waits: once, for this thread, always, or deny."""
    given = await read_value(request, ApprovalAnswer)
    decision = ApprovalGiven(
        call=given.call, decision=given.decision, arguments=given.arguments, reason=given.reason
    )
    await services_of(request).turns.approve(user_of(request), request.path_params["turn"], decision)
    return nothing()


async def get_request(request: Request) -> Response:
    """What was sent to the provider in one step, piece by piece, and what came, with its origin."""
    services, turn = await _turn_of(request)
    number = as_number(request.path_params["step"])
    fold = await services.turns.fold(turn)
    step = next((each for each in fold.steps if each.step == number), None)
    if step is None:
        raise NotFound("step_not_found", "The turn has no such step.", hint="Steps are numbered from 1.")
    sent = await services.turns.kept_request(turn, step.request)
    shown = RequestShown(
        step=step.step,
        dialect=sent.dialect,
        connection=sent.connection,
        model=sent.model,
        stream=sent.stream,
        pieces=tuple(_piece(piece) for piece in sent.pieces),
        came=tuple(part for part in fold.parts if part.step == number),
        ended=None if step.ended is None else _end(step.ended),
    )
    return answer(shown, origin=True)


async def _ask_of(asked: TurnAsked, user: User, services: Services) -> Ask:
    if (asked.thread is None) == (asked.new is None):
        raise Refused(
            "thread_or_new",
            "A turn belongs to a thread or begins one.",
            hint="Send either `thread` or `new`.",
        )
    if asked.new is not None and asked.new.id is not None:
        checked_id(asked.new.id, "new thread's id")
    return Ask(
        id=checked_id(asked.id),
        user=user,
        thread=asked.thread,
        new=asked.new,
        parent=asked.parent,
        # What a provider once sent is not taken from a client: it would go back there as if it were its own.
        parts=tuple(at_step(plain(part), None) for part in asked.parts),
        goes_on=asked.goes_on,
        model=asked.model,
        options=asked.options or Options(),
        keeping=await _keeping_of(asked, user, services),
    )


async def _keeping_of(asked: TurnAsked, user: User, services: Services) -> Keeping:
    """A temporary thread lives in memory, and so do its turns."""
    if asked.thread is not None:
        return await services.threads.keeping(user, asked.thread)
    return "memory" if asked.new is not None and asked.new.temporary else "database"


async def _turn_of(request: Request) -> tuple[Services, Turn]:
    services = services_of(request)
    return services, await services.turns.get(user_of(request), request.path_params["turn"])


def _state(services: Services, turn: Turn, fold: Fold, move: Move) -> TurnState:
    if fold.settled is not None:
        return "settled"
    if isinstance(move, Wait):
        return "waiting"
    return "running" if services.turns.is_running(turn.id) else "interrupted"


def _asks(fold: Fold) -> tuple[str, ...]:
    return tuple(
        call.id
        for call in fold.unanswered()
        if (state := fold.calls.get(call.id)) is not None and state.asked and state.given is None
    )


def _end(event: StepEnded) -> StepEnd:
    return StepEnd(**{name: getattr(event, name) for name in StepEnd.__slots__})


def _piece(piece: Piece) -> PieceShown:
    text = None if piece.file is not None else piece.data.decode("utf-8", "replace")
    return PieceShown(segment=piece.segment, text=text, file=piece.file)


ROUTES = (
    Route("POST", "/api/turns", start_turn, TurnAsked, TurnBegun, 202),
    Route("GET", "/api/turns/{turn}", get_turn, gives=TurnShown),
    Route(
        "GET", "/api/turns/{turn}/events", follow_turn, gives=Stream(Event),
        query=(
            Query(name="after", meaning="The last number that is known; 0 unless said.", kind="integer"),
        ),
    ),
    Route("POST", "/api/turns/{turn}/cancel", cancel_turn, status=204),
    Route("POST", "/api/turns/{turn}/resume", resume_turn, status=204),
    Route("POST", "/api/turns/{turn}/approve", approve_call, ApprovalAnswer, status=204),
    Route("GET", "/api/turns/{turn}/requests/{step}", get_request, gives=RequestShown),
)  # fmt: skip

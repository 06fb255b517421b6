"""Messages of a thread over HTTP: listed, written without a turn, hidden and brought back, and feedback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from windowseat.core.errors import Refused
from windowseat.core.message import Message, Role
from windowseat.core.parts import Part, plain
from windowseat.entrypoints.web.answers import answer, nothing
from windowseat.entrypoints.web.reading import read_json, read_value
from windowseat.entrypoints.web.route import Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import Services, services_of
from windowseat.entrypoints.web.threads import ThreadShown, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesShown:
    """All messages in the order in which they were added, and by message what the user thinks of it.

    One whose turn is not settled has its parts so far and `n`, the number to follow it from.
    """

    messages: tuple[Message, ...]
    feedback: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAsked:
    """A message written without a turn, such as an answer edited by hand. `parent` null: the first."""

    parent: str | None
    role: Role
    parts: tuple[Part, ...]
    edited_from: str | None = None


async def list_messages(request: Request) -> Response:
    """All messages of the thread, those of other branches too."""
    services, user, thread, _ = _of(request)
    return answer(
        MessagesShown(
            messages=await services.threads.messages(user, thread),
            feedback=await services.threads.feedback(user, thread),
        )
    )


async def write_message(request: Request) -> Response:
    """Write a message without asking a model; the tip moves to it. An edit is a sibling of the original."""
    services, user, thread, _ = _of(request)
    asked = await read_value(request, MessageAsked)
    message = await services.threads.write(
        user,
        thread,
        parent=asked.parent,
        role=asked.role,
        parts=tuple(plain(part) for part in asked.parts),
        edited_from=asked.edited_from,
    )
    return answer(message, status=201)


async def delete_message(request: Request) -> Response:
    """Hide a message and all that follow it; the tip moves to the nearest branch that stays."""
    services, user, thread, message = _of(request)
    return answer(shown(await services.threads.delete_message(user, thread, message)))


async def restore_message(request: Request) -> Response:
    """Bring back a message and those that were deleted with it; the tip moves there."""
    services, user, thread, message = _of(request)
    return answer(shown(await services.threads.restore_message(user, thread, message)))


async def set_feedback(request: Request) -> Response:
    """Keep what the user thinks of a message, an object of any fields; null takes it back."""
    services, user, thread, message = _of(request)
    feedback = await read_json(request)
    if feedback is not None and not isinstance(feedback, dict):
        raise Refused("bad_shape", "Feedback is an object, or null.", hint='For instance {"good": true}.')
    await services.threads.set_feedback(user, thread, message, feedback)
    return nothing()


def _of(request: Request) -> tuple[Services, Any, str, str]:
    path = request.path_params
    return services_of(request), user_of(request), path["thread"], path.get("message", "")


_ALL = "/api/threads/{thread}/messages"
_ONE = _ALL + "/{message}"

ROUTES = (
    Route("GET", _ALL, list_messages, gives=MessagesShown),
    Route("POST", _ALL, write_message, MessageAsked, Message, 201),
    Route("DELETE", _ONE, delete_message, gives=ThreadShown),
    Route("POST", _ONE + "/restore", restore_message, gives=ThreadShown),
    Route("PUT", _ONE + "/feedback", set_feedback, dict[str, Any] | None, status=204),
)

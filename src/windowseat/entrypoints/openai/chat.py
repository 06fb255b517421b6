"""POST /v1/chat/completions: a turn in memory, with the caller's own messages and tools."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from windowseat.entrypoints.openai.answering import Answering
from windowseat.entrypoints.openai.chat_request import read_chat
from windowseat.entrypoints.openai.chat_writer import ChatWriter
from windowseat.entrypoints.openai.reading import read_fields
from windowseat.entrypoints.openai.services import services_of, user_of


async def complete_chat(request: Request) -> Response:
    """Answer a conversation, whole or as a stream."""
    services, user = services_of(request), await user_of(request)
    body = await read_fields(request)
    model = await services.providers.model(user, body.need_text("model"))
    at = services.clock.now()
    asked = read_chat(body, model, id=services.new_id(), user=user, at=at)
    begun = await services.turns.start(asked.ask)
    writer = ChatWriter(turn=begun.turn.id, model=model.name, at=at, told=asked.told, customs=asked.customs)
    return Answering(services, begun.turn, writer, stream=asked.stream)

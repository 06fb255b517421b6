"""POST /v1/responses: a turn in memory, told as items; nothing of it is kept."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from windowseat.entrypoints.openai.answering import Answering
from windowseat.entrypoints.openai.reading import read_fields
from windowseat.entrypoints.openai.responses_request import read_request
from windowseat.entrypoints.openai.responses_writer import ResponsesWriter
from windowseat.entrypoints.openai.services import services_of, user_of


async def make_response(request: Request) -> Response:
    """Answer what was said, whole or as a stream of typed events."""
    services, user = services_of(request), await user_of(request)
    body = await read_fields(request)
    model = await services.providers.model(user, body.need_text("model"))
    at = services.clock.now()
    asked = read_request(body, model, id=services.new_id(), user=user, at=at)
    begun = await services.turns.start(asked.ask)
    writer = ResponsesWriter(
        turn=begun.turn.id, model=model.name, at=at, asked=body.data, customs=asked.customs
    )
    return Answering(services, begun.turn, writer, stream=asked.stream)

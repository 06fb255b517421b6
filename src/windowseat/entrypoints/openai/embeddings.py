"""POST /v1/embeddings: passed through to connections of the OpenAI wires, with a row in the ledger."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from windowseat.core.ports import LedgerRow
from windowseat.entrypoints.openai.reading import read_fields
from windowseat.entrypoints.openai.services import services_of, user_of


async def make_embeddings(request: Request) -> Response:
    """The vectors of one text or several."""
    services, user = services_of(request), await user_of(request)
    body = await read_fields(request)
    model = await services.providers.model(user, body.need_text("model"))
    if body.get("input") in (None, "", []):
        raise body.missing("input")
    asked = {name: value for name, value in body.data.items() if value is not None}
    embedded = await services.providers.embed(user, model, asked)
    await services.ledger.record(
        LedgerRow(
            turn=services.new_id(),
            step=1,
            user=user.id,
            thread=None,
            purpose="api",
            model=model.name,
            at=services.clock.now(),
            usage=embedded.usage,
        )
    )
    named = msgspec.Raw(msgspec.json.encode(model.name))
    return Response(msgspec.json.encode({**embedded.fields, "model": named}), media_type="application/json")

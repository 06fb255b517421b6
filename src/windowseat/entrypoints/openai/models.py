"""GET /v1/models: the models that the house knows, by the names under which it takes them."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from windowseat import codec
from windowseat.core.ask import User
from windowseat.core.errors import Fault
from windowseat.core.model import Model
from windowseat.entrypoints.openai.services import Services, services_of, user_of

_PATIENCE = 5.0
"""Seconds for which a connection that never listed its models is asked for them."""


async def list_models(request: Request) -> Response:
    """All that are known; a connection that never told its models is asked now."""
    services, user = services_of(request), await user_of(request)
    known = await services.providers.known_models(user)
    connections = await services.providers.connections.list(user)
    silent = {each.name for each in connections if not each.built_in} - {model.connection for model in known}
    found = await asyncio.gather(*(_asked(services, user, name) for name in sorted(silent)))
    models = [*known, *(model for each in found for model in each)]
    return _answer({"object": "list", "data": [_shown(model) for model in models]})


async def get_model(request: Request) -> Response:
    """One model, also one that is in no list. What is not there is known only when it is asked."""
    services, user = services_of(request), await user_of(request)
    return _answer(_shown(await services.providers.model(user, request.path_params["model"])))


async def _asked(services: Services, user: User, connection: str) -> tuple[Model, ...]:
    try:
        async with asyncio.timeout(_PATIENCE):
            return (await services.providers.models(user, connection)).models
    except (Fault, TimeoutError):
        return ()


def _shown(model: Model) -> dict[str, Any]:
    """`created` is asked for by the format, and nobody knows it."""
    return {"id": model.name, "object": "model", "created": 0, "owned_by": model.connection}


def _answer(value: dict[str, Any]) -> Response:
    return Response(codec.to_json(value), media_type="application/json")

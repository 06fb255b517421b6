"""The ASGI app of the compatible API: its routes, and every error in the shape that its clients know.

It is mounted at /v1, behind the gate of the web (names, proxies, origins); who asks is told by a key alone.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from windowseat.core.errors import Fault, NotFound, Refused
from windowseat.entrypoints.openai.chat import complete_chat
from windowseat.entrypoints.openai.embeddings import make_embeddings
from windowseat.entrypoints.openai.errors import ApiFault, answer, error_of, internal_error
from windowseat.entrypoints.openai.models import get_model, list_models
from windowseat.entrypoints.openai.responses import make_response
from windowseat.entrypoints.openai.services import Services

ROUTES = (
    Route("/models", list_models, methods=["GET"]),
    Route("/models/{model:path}", get_model, methods=["GET"]),
    Route("/chat/completions", complete_chat, methods=["POST"]),
    Route("/responses", make_response, methods=["POST"]),
    Route("/embeddings", make_embeddings, methods=["POST"]),
)


def make_app(services: Services) -> ASGIApp:
    """The app that answers for these services."""
    app = Starlette(
        routes=ROUTES,
        exception_handlers={
            ApiFault: _on_api_fault,
            Fault: _on_fault,
            HTTPException: _on_http_exception,
            ClientDisconnect: _on_leaving,
            Exception: _on_anything,
        },
    )
    app.router.redirect_slashes = False
    app.state.services = services
    return app


async def _on_api_fault(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, ApiFault)
    return answer(fault.error)


async def _on_fault(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Fault)
    return answer(error_of(fault))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    where = f"{request.method} {request.url.path[:200]}"
    if error.status_code == 405:
        told = answer(error_of(Refused("method_not_allowed", f"There is no {where}.", status=405)))
        told.headers.update(error.headers or {})
        return told
    hint = "See docs/features/openai-api.md for what is there."
    return answer(error_of(NotFound("unknown_url", f"There is no {where}.", hint=hint)))


async def _on_leaving(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _on_anything(_request: Request, _error: Exception) -> Response:
    return answer(internal_error())

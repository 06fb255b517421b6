"""The ASGI app: all resources' routes on FastAPI, one shape for every error, and the gate in front.

What an address does stands in its resource's file; who may ask in security.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from windowseat import __version__
from windowseat.core.errors import Fault, NotFound, Refused
from windowseat.entrypoints.web import (
    connections,
    docs,
    events,
    fallbacks,
    files,
    health,
    keys,
    ledger,
    messages,
    model_facts,
    models,
    page,
    providers,
    settings,
    sign_ins,
    threads,
    turns,
)
from windowseat.entrypoints.web.answers import internal_error, problem
from windowseat.entrypoints.web.hosts import Names, Proxies
from windowseat.entrypoints.web.openapi import describe
from windowseat.entrypoints.web.route import Route
from windowseat.entrypoints.web.security import Gate
from windowseat.entrypoints.web.services import Services

RESOURCES = (
    turns, events, threads, messages, files, models, model_facts, connections, providers, fallbacks,
    sign_ins, keys, settings, ledger, health, docs, page,
)  # fmt: skip

_NOTHING: Mapping[str, ASGIApp] = {}


def make_app(services: Services, beside: Mapping[str, ASGIApp] = _NOTHING) -> ASGIApp:
    """The app that answers for these services, and those `beside` it, each below its path.

    Raises Fault `setting_wrong` for a proxy that is none.
    """
    app = FastAPI(
        title="Windowseat",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            Fault: _on_fault,
            HTTPException: _on_http_exception,
            RequestValidationError: _on_invalid,
            Exception: _on_fault_of_ours,
        },
    )
    app.state.services = services
    for path, other in beside.items():
        app.mount(path, other)
    for resource in RESOURCES:
        for route in resource.ROUTES:
            _add(app, route, resource.__name__.rpartition(".")[2])
    app.openapi = lambda: describe(app, routes())  # type: ignore[method-assign]
    told = services.settings
    return Gate(
        app,
        services.users,
        names=Names.of(told.host, told.hosts),
        proxies=Proxies.of(told.trusted_proxies),
        base_path=told.base_path.rstrip("/"),
    )


def routes() -> tuple[Route, ...]:
    """Every route there is."""
    return tuple(route for resource in RESOURCES for route in resource.ROUTES)


def _add(app: FastAPI, route: Route, tag: str) -> None:
    app.add_api_route(
        route.path,
        route.endpoint,
        methods=[route.method],
        status_code=route.status,
        operation_id=route.endpoint.__name__,
        tags=[tag],
        response_model=None,
        include_in_schema=not route.internal,
    )


async def _on_fault(_request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Fault)
    return problem(fault)


async def _on_fault_of_ours(_request: Request, _error: Exception) -> Response:
    return problem(internal_error())  # it is raised on, and the gate logs it


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem(
            NotFound(
                "address_not_found",
                f"There is no address {request.url.path[:200]}.",
                hint="See /docs for all.",
            )
        )
    if error.status_code == 405:
        fault = Refused(
            "method_not_allowed",
            f"{request.url.path[:200]} does not take {request.method}.",
            hint="See /docs for what it takes.",
            status=405,
        )
        answer = problem(fault)
        answer.headers.update(error.headers or {})
        return answer
    return problem(Refused("bad_request", str(error.detail), status=error.status_code))


async def _on_invalid(_request: Request, error: Exception) -> Response:
    return problem(Refused("bad_shape", str(error), hint="See /docs for the shape."))

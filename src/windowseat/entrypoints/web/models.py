"""Models over HTTP: those that are known, and what a connection lists when it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from windowseat.core.errors import Fault
from windowseat.core.model import Model
from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.route import Query, Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShown:
    """A model and the facts known of it; null is what nobody said. `name` is how it is asked for. What it
    knows ends at `knowledge`, it is switched off at `retires`: days or months, as 2026-05-31 or 2026-05."""

    name: str
    connection: str
    id: str
    title: str | None
    dialect: str
    window: int | None
    output_limit: int | None
    inputs: tuple[str, ...] | None
    outputs: tuple[str, ...] | None
    tools: bool | None
    thinking: bool | None
    efforts: tuple[str, ...] | None
    structured: bool | None
    search: bool | None
    knowledge: str | None
    retires: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsShown:
    """The models; `default` is the one that answers where none is named, null where there is none. With a
    `problem` the provider could not be asked, and the models are those of an earlier time."""

    default: str | None
    models: tuple[ModelShown, ...]
    problem: dict[str, Any] | None


async def list_models(request: Request) -> Response:
    """The models that are known; with `connection`, its provider is asked anew. Others work by name too."""
    services, user = services_of(request), user_of(request)
    connection = request.query_params.get("connection")
    problem: dict[str, Any] | None = None
    if connection is None:
        models = await services.providers.known_models(user)
    else:
        listed = await services.providers.models(user, connection)
        models = listed.models
        problem = listed.fault.as_problem() if listed.fault is not None else None
    try:
        default: str | None = (await services.providers.model(user, None)).name
    except Fault:
        default = None
    return answer(
        ModelsShown(default=default, models=tuple(shown(model) for model in models), problem=problem)
    )


def shown(model: Model) -> ModelShown:
    """The model with its name, and its sets in a fixed order."""
    return ModelShown(
        name=model.name,
        connection=model.connection,
        id=model.id,
        title=model.title,
        dialect=model.dialect,
        window=model.window,
        output_limit=model.output_limit,
        inputs=None if model.inputs is None else tuple(sorted(model.inputs)),
        outputs=None if model.outputs is None else tuple(sorted(model.outputs)),
        tools=model.tools,
        thinking=model.thinking,
        efforts=model.efforts,
        structured=model.structured,
        search=model.search,
        knowledge=model.knowledge,
        retires=model.retires,
    )


ROUTES = (
    Route(
        "GET", "/api/models", list_models, gives=ModelsShown,
        query=(Query(name="connection", meaning="Ask this connection which models it has."),),
    ),
)  # fmt: skip

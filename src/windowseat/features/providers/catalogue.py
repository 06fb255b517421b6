"""What a provider's list of models says of each: from any of the shapes in use to facts of `core.Model`.

Pure and tolerant: a model without an id is passed over, a fact of an unknown shape is left out, nothing
is guessed. Fetching a list is listing.py's; what others say of models is facts.py's; prices are not here.

Shapes: platform.openai.com/docs/api-reference/models, platform.claude.com/docs/en/api/models-list,
ai.google.dev/api/models, openrouter.ai/docs/api-reference/list-available-models, docs.vllm.ai
(max_model_len), docs.mistral.ai/api (max_context_length, capabilities), docs.together.ai/reference/models
(a bare list), docs.github.com/rest/models/catalog (`limits`, `supported_input_modalities`),
docs.cohere.com/reference/list-models (`name`, `endpoints`), the class ModelInfo of the package anthropic
2.13.0 (`capabilities`, `retires_at`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from windowseat import codec
from windowseat.core.errors import Refused
from windowseat.core.model import Dialect, Model
from windowseat.core.parts import Json
from windowseat.features.providers.store import ListedModel

_MODALITIES = ("text", "image", "audio", "video", "file")
_WINDOWS = (
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
    "max_input_tokens",
    "inputTokenLimit",
)
_LIMITS = ("max_completion_tokens", "max_output_tokens", "outputTokenLimit")
_ENDS = ("retires_at", "shutdown_date", "deprecation", "expiration_date")
_DAY = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
_TITLES = ("display_name", "displayName", "name")
_LONGEST_ID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """One page of a list; `next` are the query values of the page after, {} on the last."""

    models: tuple[ListedModel, ...]
    next: Mapping[str, str]


def page_of(dialect: Dialect, body: Json) -> ListPage:
    """The models of a decoded body. Raises Refused `models_unreadable` where there is no list in it."""
    items = body if isinstance(body, list) else None
    if isinstance(body, Mapping):
        items = next((body[name] for name in ("data", "models") if isinstance(body.get(name), list)), None)
    if items is None:
        raise Refused(
            "models_unreadable",
            "The provider's answer holds no list of models.",
            hint="Models can be named all the same, as CONNECTION/MODEL-ID.",
        )
    found = {model.id: model for item in items if (model := _listed(dialect, item)) is not None}
    return ListPage(models=tuple(found.values()), next=_next(dialect, body))


def model_of(connection: str, dialect: Dialect, model_id: str, facts: Mapping[str, Json]) -> Model:
    """The model with the facts that are known of it; facts that cannot be read count as unknown."""
    base = {"connection": connection, "id": model_id, "dialect": dialect}
    try:
        return codec.read(Model, {**facts, **base})
    except Refused:
        return codec.read(Model, base)


def _listed(dialect: Dialect, item: Any) -> ListedModel | None:
    if not isinstance(item, Mapping):
        return None
    model_id = item.get("name") if dialect == "gemini-generate" else item.get("id", item.get("name"))
    if not isinstance(model_id, str):
        return None
    endpoints = item.get("endpoints")
    if isinstance(endpoints, list) and endpoints and "chat" not in endpoints:
        return None
    if dialect == "gemini-generate":
        methods = item.get("supportedGenerationMethods")
        if isinstance(methods, list) and "generateContent" not in methods:
            return None
        model_id = model_id.removeprefix("models/")
    if not model_id or len(model_id) > _LONGEST_ID or not model_id.isprintable():
        return None
    return ListedModel(id=model_id, facts=_facts(item, model_id))


def _facts(item: Mapping[str, Any], model_id: str) -> dict[str, Json]:
    places = (item, *(place for name in ("top_provider", "limits") if (place := _object(item, name))))
    facts: dict[str, Json] = {
        "title": next((item[n] for n in _TITLES if isinstance(item.get(n), str) and item[n]), None),
        "window": _count(places, _WINDOWS),
        "output_limit": _count(places, _LIMITS),
        "tools": _says(item, "tools", "function_calling", "tool-calling"),
        "thinking": _says(item, "reasoning", "reasoning", "reasoning"),
        "structured": _says(item, "structured_outputs", "structured_outputs", "structured-outputs"),
        "retires": next((day for name in _ENDS if (day := _day(item.get(name)))), None),
        "knowledge": _day(item.get("knowledge_cutoff")),
        **_modalities(item),
        **dict(_of_anthropic(item)),
    }
    if isinstance(item.get("thinking"), bool):
        facts["thinking"] = item["thinking"]
    if facts["title"] == model_id or not _printable(facts["title"]):
        facts["title"] = None
    return {name: value for name, value in facts.items() if value is not None}


def _object(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = item.get(name)
    return found if isinstance(found, Mapping) else {}


def _printable(title: Json) -> bool:
    return isinstance(title, str) and title.isprintable() and len(title) <= _LONGEST_ID


def _day(value: Any) -> str | None:
    found = _DAY.match(value) if isinstance(value, str) else None
    return None if found is None else found[0]


def _of_anthropic(item: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Its own names; `max_tokens` is a limit there and an option elsewhere."""
    if item.get("type") != "model":
        return
    yield "output_limit", _count((item,), ("max_tokens",))
    can = {
        name: told["supported"]
        for name, told in _object(item, "capabilities").items()
        if isinstance(told, Mapping) and isinstance(told.get("supported"), bool)
    }
    if can:
        yield "thinking", can.get("thinking")
        yield "structured", can.get("structured_outputs")
        media = (("image", "image_input"), ("file", "pdf_input"))
        yield "inputs", ["text", *(name for name, capability in media if can.get(capability))]


def _count(places: tuple[Mapping[str, Any], ...], names: tuple[str, ...]) -> int | None:
    for place in places:
        for name in names:
            value = place.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def _says(item: Mapping[str, Any], parameter: str, capability: str, word: str) -> bool | None:
    """By OpenRouter's list of parameters, Mistral's capabilities, or GitHub's list of words."""
    parameters, capabilities = item.get("supported_parameters"), item.get("capabilities")
    if isinstance(parameters, list) and parameters:
        return parameter in parameters
    if isinstance(capabilities, list) and capabilities:
        return word in capabilities or None
    value = capabilities.get(capability) if isinstance(capabilities, Mapping) else None
    return value if isinstance(value, bool) else None


def _modalities(item: Mapping[str, Any]) -> dict[str, Json]:
    place = _object(item, "architecture") or item
    found: dict[str, Json] = {}
    for name, lists in (
        ("inputs", ("input_modalities", "supported_input_modalities")),
        ("outputs", ("output_modalities", "supported_output_modalities")),
    ):
        values: list[Any] = next((place[each] for each in lists if isinstance(place.get(each), list)), [])
        if known := [value for value in _MODALITIES if value in values]:
            found[name] = known
    return found


def _next(dialect: Dialect, body: Json) -> dict[str, str]:
    if not isinstance(body, Mapping):
        return {}
    token, last = body.get("nextPageToken"), body.get("last_id")
    if dialect == "gemini-generate" and isinstance(token, str) and token:
        return {"pageToken": token}
    if dialect == "anthropic-messages" and body.get("has_more") is True and isinstance(last, str) and last:
        return {"after_id": last}
    return {}

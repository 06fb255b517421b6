"""The description of the API (OpenAPI 3.1), made from the routes' tables and the values' own types.

FastAPI lists the operations; what each takes and gives is added here, by the rules of codec.py: a field whose
default is None may be left out, `origin` is shown only where asked for, a few fields have another name.
Nothing is made until somebody asks for it.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from windowseat import codec
from windowseat.core.events import EVENTS
from windowseat.entrypoints.web.route import Query, Route, Stream

_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457). `code` is stable, `hint` says what to do.",
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "code", "detail", "hint")},
        "status": {"type": "integer"},
    },
    "required": ["type", "title", "status", "code", "detail", "hint"],
}
_SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    Decimal: {"type": "string", "format": "decimal"},
    type(None): {"type": "null"},
    Any: {},
}
"""How a simple type looks as JSON."""


def describe(app: FastAPI, routes: Iterable[Route]) -> dict[str, Any]:
    """The whole description."""
    described = get_openapi(
        title=app.title, version=app.version, routes=app.routes, description="Errors are problem+json."
    )
    shapes = Shapes()
    for route in routes:
        if not route.internal:
            operation = described["paths"][route.path][route.method.lower()]
            operation.pop("responses", None)
            operation.update(_operation(route, shapes))
    shapes.named["Problem"] = _PROBLEM
    described["components"] = {"schemas": dict(sorted(shapes.named.items()))}
    return described


def _operation(route: Route, shapes: Shapes) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if route.gives is not None:
        good["content"] = _content(route.gives, shapes)
    operation: dict[str, Any] = {
        "summary": (route.endpoint.__doc__ or "").strip().partition(".")[0],
        "description": re.sub(r"\s+", " ", route.endpoint.__doc__ or "").strip(),
        "responses": {
            str(route.status): good,
            "default": {
                "description": "A problem.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)", route.path)
    ]
    operation["parameters"] = [*path, *map(_parameter, route.query)]
    if route.takes is not None:
        operation["requestBody"] = {"required": True, "content": _content(route.takes, shapes)}
    return operation


def _parameter(query: Query) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": query.kind}
    return {
        "name": query.name,
        "in": "query",
        "required": query.required,
        "description": query.meaning,
        "schema": {"type": "array", "items": schema} if query.many else schema,
    }


def _content(hint: Any, shapes: Shapes) -> dict[str, Any]:
    if isinstance(hint, Stream):
        return {"text/event-stream": {"schema": shapes.of(hint.of)}}
    if isinstance(hint, str):
        return {hint: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": shapes.of(hint)}}


class Shapes:
    """JSON Schemas of types; dataclasses are collected in `named` and referred to by their names."""

    def __init__(self) -> None:
        self.named: dict[str, dict[str, Any]] = {}

    def of(self, hint: Any) -> dict[str, Any]:
        """The schema of a type hint."""
        if hint in _SIMPLE:
            return _SIMPLE[hint]
        kind, inner = get_origin(hint), get_args(hint)
        if kind in (Union, types.UnionType):
            return self._union(inner)
        if kind is Literal:
            return {"enum": list(inner)}
        if kind in (tuple, list, frozenset):
            return {"type": "array", "items": self.of(inner[0])}
        if kind is not None and issubclass(kind, Mapping):
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if hint is dict:
            return {"type": "object"}
        return self._named(hint)

    def _union(self, inner: tuple[Any, ...]) -> dict[str, Any]:
        return {"anyOf": [self.of(each) for each in inner]}

    def _named(self, cls: type[Any]) -> dict[str, Any]:
        name = cls.__name__
        if name not in self.named:
            self.named[name] = {}  # it may lie within itself
            self.named[name] = self._object(cls)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, cls: type[Any]) -> dict[str, Any]:
        hints = codec.hints_of(cls)
        properties: dict[str, Any] = {}
        required: list[str] = []
        if cls in EVENTS:
            properties |= {"n": _SIMPLE[int], "at": _SIMPLE[datetime]}
            required += ["n", "at"]
        for field in dataclasses.fields(cls):
            if field.name == "origin":
                continue
            name = codec.json_name(field.name)
            properties[name] = self.of(hints[field.name])
            if field.default is dataclasses.MISSING or field.name == "type":
                required.append(name)
        schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
        if cls.__doc__:
            schema["description"] = re.sub(r"\s+", " ", cls.__doc__).strip()
        return schema

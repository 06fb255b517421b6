"""The API as a page that people read, and as OpenAPI for programs; both only for who is signed in.

The page is plain HTML made from the description (openapi.py); no script, nothing from elsewhere.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.page import as_page
from windowseat.entrypoints.web.route import Route


async def get_openapi(request: Request) -> Response:
    """The whole API as OpenAPI 3.1."""
    return answer(request.app.openapi())


async def show_docs(request: Request) -> Response:
    """Every address, what it takes and what it gives."""
    described = request.app.openapi()
    operations = [
        _operation(method, path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    shapes = [
        f'<h3 id="{name}">{name}</h3><p>{escape(schema.get("description", ""))}</p>{_code(schema)}'
        for name, schema in described["components"]["schemas"].items()
    ]
    content = f"<h1>The API</h1><p>{_INTRODUCTION}</p>{''.join(operations)}<h2>Shapes</h2>{''.join(shapes)}"
    return as_page(request, "The API of Windowseat", content)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    takes = _schemas(operation.get("requestBody", {}))
    gives = [name for status in operation["responses"].values() for name in _schemas(status)]
    rows = [("takes", takes), ("gives", [name for name in gives if name != "Problem"])]
    links = "".join(f"<p>{label}: {', '.join(map(_link, names))}</p>" for label, names in rows if names)
    values = "".join(
        f"<li><code>{escape(each['name'])}</code> {escape(each.get('description', ''))}</li>"
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    )
    head = f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['description'])}</p>"
    return f"{head}<ul>{values}</ul>{links}" if values else head + links


def _schemas(holder: dict[str, Any]) -> list[str]:
    """The names of the shapes that a body is made of."""
    found: list[str] = []
    for content in holder.get("content", {}).values():
        schema = content["schema"]
        for each in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
            if "$ref" in each:
                found.append(each["$ref"].rpartition("/")[2])  # noqa: PERF401 - three levels are plainer so
    return found


def _link(name: str) -> str:
    return f'<a href="#{name}">{name}</a>'


def _code(schema: dict[str, Any]) -> str:
    shown = {name: value for name, value in schema.items() if name != "description"}
    return f"<pre><code>{escape(json.dumps(shown, indent=2, ensure_ascii=False))}</code></pre>"


_INTRODUCTION = (
    "Programs send a key as <code>Authorization: Bearer …</code> "
    "(<code>windowseat key new NAME --api</code> makes one). "
    "Ids are UUIDs, times RFC 3339 in UTC, and every error is application/problem+json. "
    'The same for programs: <a href="api/openapi.json">openapi.json</a>.'
)

ROUTES = (
    Route("GET", "/api/openapi.json", get_openapi, internal=True),
    Route("GET", "/docs", show_docs, internal=True),
)

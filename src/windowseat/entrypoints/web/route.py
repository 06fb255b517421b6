"""A route as a row of data: the address, what answers it, what it takes and what it gives.

Each resource has a table of them (`ROUTES`); asgi.py puts them into the app, openapi.py describes them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A value of the query; `many` where it may be given again and again."""

    name: str
    meaning: str
    kind: Literal["string", "integer", "boolean"] = "string"
    many: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is text/event-stream; `of` is the type hint of its events' data."""

    of: Any


@dataclass(frozen=True, slots=True)
class Route:
    """One address. The endpoint's name is the operation's id, its docstring the description.

    `takes` and `gives` are type hints of the JSON that comes and goes, None for none; a text is the media
    type of something that is not JSON. `internal` routes are pages, not part of the API.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE", "PUT"]
    path: str
    endpoint: Endpoint
    takes: Any = None
    gives: Any = None
    status: int = 200
    query: tuple[Query, ...] = ()
    internal: bool = False

"""What comes in: bodies and query values, checked before anything sees them.

A body is capped while it is read, must be JSON of sane depth, and becomes a value by its class. Who asks and
whether they may is security.py's.
"""

from __future__ import annotations

import uuid
from typing import Any, TypeVar

from starlette.requests import Request

from windowseat import codec
from windowseat.core.errors import Refused
from windowseat.platform import asgi_body

Value = TypeVar("Value")

MOST_BODY = 32 * 1024 * 1024
"""Bytes of a JSON body."""


async def read_body(request: Request, most: int = MOST_BODY) -> bytes:
    """All bytes of the body. Raises Refused `body_too_large` (413) as soon as there are more."""
    return await asgi_body.read_body(
        request, most, "Put large things in as files (POST /api/files) and name them."
    )


async def read_json(request: Request) -> Any:
    """The decoded body. Raises Refused `not_json` `json_too_deep` (400), `body_too_large` (413)."""
    body = await read_body(request)
    asgi_body.check_depth(body)
    return codec.load(body)


async def read_value(request: Request, cls: type[Value]) -> Value:
    """The body as a value of this class. Raises Refused `bad_shape` (422) and what `read_json` raises."""
    return codec.read(cls, await read_json(request))


def checked_id(given: str, what: str = "id") -> str:
    """An id as wire shapes have them. Raises Refused `bad_id` unless it is a UUID in its usual form."""
    try:
        usual = str(uuid.UUID(given)) == given
    except ValueError:
        usual = False
    if not usual:
        raise Refused(
            "bad_id",
            f"The {what} is no UUID in lower case with hyphens.",
            hint="Make one with any UUID library; version 7 sorts by time.",
        )
    return given


def query_number(
    request: Request, name: str, *, least: int = 0, most: int = 2**53, default: int | None = None
) -> int:
    """A whole number of the query. Raises Refused `bad_query`; also where it is missing without default."""
    given = request.query_params.get(name)
    if given is None and default is not None:
        return default
    number = as_number(given)
    if number is None or not least <= number <= most:
        raise bad_query(f"“{name}” has to be a whole number from {least} to {most}.")
    return number


def as_number(given: str | None) -> int | None:
    """The whole number that the text is, None where it is none."""
    if given is None or not (given.isascii() and given.isdigit()) or len(given) > 18:
        return None
    return int(given)


def bad_query(detail: str) -> Refused:
    """A query value is not what it should be."""
    return Refused("bad_query", detail, hint="See /docs for what this address takes.")

"""What comes in: bodies and query values, checked before anything sees them.

A body is capped while it is read, must be JSON of sane depth, and becomes a value by its class. Who asks and
whether they may is security.py's.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, TypeVar

from starlette.requests import Request

from windowseat import codec
from windowseat.core.errors import Refused

Value = TypeVar("Value")

MOST_BODY = 32 * 1024 * 1024
"""Bytes of a JSON body."""
MOST_DEPTH = 100
"""How deep lists and objects may lie in each other; what reads them later is recursive."""

_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{\]}]', re.DOTALL)


async def read_body(request: Request, most: int = MOST_BODY) -> bytes:
    """All bytes of the body. Raises Refused `body_too_large` (413) as soon as there are more."""
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > most:
        raise _too_large(most)
    body = bytearray()
    async for data in request.stream():
        body += data
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


async def read_json(request: Request) -> Any:
    """The decoded body. Raises Refused `not_json` `json_too_deep` (400), `body_too_large` (413)."""
    body = await read_body(request)
    _check_depth(body)
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


def _too_large(most: int) -> Refused:
    return Refused(
        "body_too_large",
        f"The body is larger than {most // (1024 * 1024)} MiB.",
        hint="Put large things in as files (POST /api/files) and name them.",
        status=413,
    )


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MOST_DEPTH:
        return
    depth = 0
    for found in _STRUCTURE.finditer(body):
        sign = found[0]
        if sign in (b"[", b"{"):
            depth += 1
            if depth > MOST_DEPTH:
                raise Refused(
                    "json_too_deep",
                    f"The body nests lists and objects more than {MOST_DEPTH} deep.",
                    hint="Send a flatter one.",
                    status=400,
                )
        elif sign in (b"]", b"}"):
            depth -= 1

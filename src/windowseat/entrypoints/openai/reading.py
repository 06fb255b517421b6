"""The body of a request: capped, decoded, an object."""

from __future__ import annotations

from starlette.requests import Request

from windowseat import codec
from windowseat.entrypoints.openai.fields import Fields
from windowseat.platform.asgi_body import check_depth, read_body

MOST_BODY = 64 * 1024 * 1024
"""Bytes of a body, the pictures and documents in it included."""


async def read_fields(request: Request) -> Fields:
    """The body's fields. Raises Refused `body_too_large` `json_too_deep` `not_json`, WrongRequest."""
    body = await read_body(request, MOST_BODY, "Send fewer or smaller files in one request.")
    check_depth(body)
    return Fields(codec.load(body))

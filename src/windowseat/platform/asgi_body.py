"""The body of a request, capped while it is read, and the depth of its JSON, checked before it is decoded.

Any ASGI app on Starlette can use it; what the bytes mean is the caller's.
"""

from __future__ import annotations

import re

from starlette.requests import Request

from windowseat.core.errors import Refused

MOST_DEPTH = 100
"""How deep lists and objects may lie in each other; what reads them later is recursive."""

_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{\]}]', re.DOTALL)


async def read_body(request: Request, most: int, hint: str) -> bytes:
    """All bytes of the body. Raises Refused `body_too_large` (413) with the hint once there are more."""
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > most:
        raise _too_large(most, hint)
    body = bytearray()
    async for data in request.stream():
        body += data
        if len(body) > most:
            raise _too_large(most, hint)
    return bytes(body)


def check_depth(body: bytes) -> None:
    """Raises Refused `json_too_deep` (400) for JSON that nests more than MOST_DEPTH levels."""
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


def _too_large(most: int, hint: str) -> Refused:
    return Refused(
        "body_too_large", f"The body is larger than {most // (1024 * 1024)} MiB.", hint=hint, status=413
    )

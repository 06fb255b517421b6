"""What goes back: values as JSON, and every error as application/problem+json.

Which address answers what is the resources' business; nothing here knows one.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from windowseat import codec
from windowseat.core.errors import Fault, ProviderFault

NO_CONTENT = 204


def answer(value: Any, *, status: int = 200, origin: bool = False) -> Response:
    """A value of the house, or a dictionary of such values, as JSON."""
    return Response(codec.to_json(value, origin=origin), status, media_type="application/json")


def nothing() -> Response:
    """Done, and there is nothing to say."""
    return Response(status_code=NO_CONTENT)


def problem(fault: Fault) -> Response:
    """The error as its JSON (RFC 9457), with the headers that belong to its status."""
    headers: dict[str, str] = {}
    if fault.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(fault, ProviderFault) and fault.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(fault.retry_after)))
    body = codec.to_json(fault.as_problem())
    return Response(body, fault.status, headers, media_type="application/problem+json")


def internal_error() -> Fault:
    """What a person is told of a fault of ours; the trace goes to the log alone."""
    return Fault(
        "internal_error",
        "Something went wrong in the server that should not.",
        hint="The server's log says more. Trying again may help; nothing that was stored is lost.",
    )

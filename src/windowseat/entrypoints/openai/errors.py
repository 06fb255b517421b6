"""Errors in the shape that clients of the OpenAI API know, with the status that makes them act rightly.

Every fault of the house becomes one here: by its stable code where clients know a word for it, else by its
status. Shape and words: https://platform.openai.com/docs/guides/error-codes/api-errors. What a fault means is
not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from windowseat import codec
from windowseat.core.errors import Fault, ProviderFault, Refused
from windowseat.core.events import NoticeGiven

_REQUEST = "invalid_request_error"
_SERVER = "server_error"


class WrongRequest(Refused):
    """A field of the request is missing, wrong, or cannot be done; `param` is its place."""

    status = 400

    def __init__(
        self, param: str | None, detail: str, *, code: str = "invalid_value", hint: str = ""
    ) -> None:
        super().__init__(code, detail, hint=hint)
        self.param = param


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiError:
    """An error as it is told. `retry_after` in seconds; `lasts`: asking again will not help."""

    status: int
    message: str
    type: str
    code: str | None
    param: str | None = None
    retry_after: float | None = None
    lasts: bool = False

    def plain(self) -> dict[str, Any]:
        """The error object."""
        return {"message": self.message, "type": self.type, "param": self.param, "code": self.code}


class ApiFault(Exception):
    """An error that was met before anything was sent."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class _Known:
    status: int
    type: str
    code: str
    param: str | None = None
    lasts: bool = False


_KEY = _Known(401, _REQUEST, "invalid_api_key")
_NO_MODEL = _Known(404, _REQUEST, "model_not_found", "model")
_KNOWN: dict[str, _Known] = {
    "key_not_valid": _KEY,
    "model_name": _NO_MODEL,
    "model_unknown": _NO_MODEL,
    "model_not_found": _NO_MODEL,
    "connection_unknown": _NO_MODEL,
    "local_model_unknown": _NO_MODEL,
    "local_model_missing": _NO_MODEL,
    "provider_not_found": _NO_MODEL,
    "window_overflow": _Known(400, _REQUEST, "context_length_exceeded", "messages"),
    "provider_rate_limit": _Known(429, "rate_limit_error", "rate_limit_exceeded"),
    "provider_no_credit": _Known(429, "insufficient_quota", "insufficient_quota", lasts=True),
    "provider_overloaded": _Known(503, _SERVER, "provider_overloaded"),
    "provider_timeout": _Known(504, _SERVER, "provider_timeout"),
    "provider_refused": _Known(400, _REQUEST, "provider_refused"),
    "provider_too_large": _Known(413, _REQUEST, "provider_too_large"),
    "file_too_large": _Known(413, _REQUEST, "file_too_large"),
    "model_cannot_take": _Known(400, _REQUEST, "unsupported_content"),
    "response_format": _Known(400, _REQUEST, "unsupported_value", "response_format"),
    "extra_field": _Known(400, _REQUEST, "unsupported_parameter"),
    # The caller's own key is good, so this is no 401; and it will be as wrong the next time.
    "provider_key_refused": _Known(502, _SERVER, "provider_key_refused", lasts=True),
}


def error_of(fault: Fault) -> ApiError:
    """The error that a fault is told as."""
    after = fault.retry_after if isinstance(fault, ProviderFault) else None
    param = fault.param if isinstance(fault, WrongRequest) else None
    status = 400 if fault.status == 422 else fault.status
    return _error(fault.code, str(fault), status, param, after)


def error_of_notice(notice: NoticeGiven, now: datetime) -> ApiError:
    """The error that ended a turn, as its last notice tells it."""
    after = None if notice.until is None else max(0.0, (notice.until - now).total_seconds())
    code = notice.fault or notice.code
    return _error(code, notice.text, 502, None, after)


def stopped(ending: bool) -> ApiError:
    """The error of an answer that did not come to its end because somebody stopped it."""
    if ending:
        return ApiError(status=503, message="The server is stopping.", type=_SERVER, code="stopping")
    return ApiError(status=500, message="The answer was stopped.", type=_SERVER, code="stopped", lasts=True)


def internal_error() -> ApiError:
    """The error of a fault of ours; the trace goes to the log alone."""
    words = "Something went wrong in the server that should not; its log says more."
    return ApiError(status=500, message=words, type=_SERVER, code="internal_error")


def answer(error: ApiError) -> Response:
    """The error as an answer, with the headers that belong to it."""
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if error.lasts:
        headers["X-Should-Retry"] = "false"  # the official clients heed it, and ask two more times without
    body = codec.to_json({"error": error.plain()})
    return Response(body, error.status, headers, media_type="application/json")


def _error(code: str, message: str, status: int, param: str | None, after: float | None) -> ApiError:
    known = _KNOWN.get(code)
    if known is not None:
        return ApiError(
            status=known.status,
            message=message,
            type=known.type,
            code=known.code,
            param=known.param,
            retry_after=after,
            lasts=known.lasts,
        )
    type = _SERVER if status >= 500 else _REQUEST
    return ApiError(status=status, message=message, type=type, code=code, param=param, retry_after=after)

"""The tree of errors that the whole house raises and shows.

Each error has a stable `code` (programs rely on it), a `detail` (what happened, with the
facts), a `hint` (the one thing to do) and an HTTP `status`. An entrypoint translates it
once: to problem+json, to an exit code, to a notice in a turn.

This file is not a logger and knows no transport; it imports nothing but the standard library.

    Fault                     anything that we say plainly to a person
    ├── Refused               the request cannot be done as asked (400 … 422)
    │   ├── NotFound          404
    │   └── Conflict          409
    ├── NotAllowed            401 or 403
    ├── StoreFault            the database or the disk: full, read-only, damaged, too new
    ├── ProviderFault         a provider failed or refused; may say when to come back
    └── ToolFault             a tool failed; the model reads `detail`
"""

from __future__ import annotations

from typing import Any


class Fault(Exception):
    """An error with a stable code, what happened, and the one thing to do.

    >>> Fault("home_in_use", "Process 12 uses this home.", hint="Stop it, or use its address.").code
    'home_in_use'
    """

    status = 500

    def __init__(self, code: str, detail: str, *, hint: str = "", status: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        if status is not None:
            self.status = status

    def __str__(self) -> str:
        return f"{self.detail} {self.hint}".strip()

    def as_problem(self) -> dict[str, Any]:
        """The body of application/problem+json (RFC 9457), with our `code` and `hint`."""
        return {
            "type": f"urn:windowseat:{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
        }


class Refused(Fault):
    """What was asked cannot be done as asked; nothing was changed."""

    status = 422


class NotFound(Refused):
    """No such thing, or not this user's; the two are not told apart."""

    status = 404


class Conflict(Refused):
    """It clashes with something that is already there; `code` says with what."""

    status = 409


class NotAllowed(Fault):
    """Not signed in (401), or signed in and not permitted (403)."""

    status = 403


class StoreFault(Fault):
    """The database or the disk failed; what was there before is intact."""

    status = 503


class ProviderFault(Fault):
    """A provider failed, refused, fell silent or sent what cannot be read.

    `retry_after` is in seconds, where the provider named a time; `answered` is the HTTP
    status that it answered with, None where no answer came.
    """

    status = 502

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        hint: str = "",
        answered: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, detail, hint=hint)
        self.answered = answered
        self.retry_after = retry_after


class ToolFault(Fault):
    """A tool failed; its `detail` is what the model reads as the result."""

    status = 502

"""A connection as its user sees it, and the rules for what one may be: pure, no secret in it.

A connection is a provider's documented base URL, a key and what else must go along. Keeping it is
connections.py's, the rows are store.py's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from windowseat.core.errors import Refused
from windowseat.core.model import DIALECTS, Dialect

RESERVED = frozenset({"local"})

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OURS = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "content-type"}
_SECRET_NAME = re.compile(r"key|token|secret|password|auth|sig", re.IGNORECASE)
_ENDPOINT = re.compile(r"/(?:chat/completions|responses|v1/messages)$")
_SHOWN = 4
_LEAST_HIDDEN = 12


By = Literal["user", "house", "environment", "found"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What may be shown of a connection: of its key the end, of its headers the names.

    A query value is shown unless its name says that it is secret. `by` is who put it there: its user, the
    house, the environment (the key is in `variable`), or a look at this machine; only a user's can be
    changed. `needs_key`: what is stored of its secrets cannot be read any more. `provider` is its name among
    the known ones.
    """

    id: str
    name: str
    dialect: Dialect
    url: str
    key_hint: str | None = None
    headers: tuple[str, ...] = ()
    query: Mapping[str, str] | None = None
    created: datetime | None = None
    by: By = "user"
    variable: str | None = None
    needs_key: bool = False
    provider: str | None = None
    version: int = 1

    @property
    def built_in(self) -> bool:
        """Whether it is no row of its user's, and so cannot be changed."""
        return self.by != "user"


def checked_name(name: str) -> str:
    """The name. Raises Refused `connection_name`, `connection_name_reserved`."""
    if name.lower() in RESERVED:
        raise Refused(
            "connection_name_reserved",
            f"“{name}” is the connection to the models on this machine.",
            hint="Give this one another name.",
        )
    if not _NAME.fullmatch(name):
        raise Refused(
            "connection_name",
            f"“{name[:80]}” cannot be the name of a connection.",
            hint="Use 1 to 64 of the letters A to Z, digits, hyphen, underscore and full stop.",
        )
    return name


def checked_dialect(dialect: str) -> Dialect:
    """The dialect. Raises Refused `dialect_unknown`."""
    for known in DIALECTS:
        if dialect == known:
            return known
    raise Refused(
        "dialect_unknown", f"“{dialect[:80]}” is not a dialect.", hint=f"Dialects are {', '.join(DIALECTS)}."
    )


def checked_url(url: str) -> str:
    """The base URL, without a slash at its end and without what a dialect adds there.

    Raises Refused `connection_url`.
    """
    url = url.strip()
    if len(url) > 2000 or _CONTROL.search(url) or " " in url:
        raise _wrong_url("The URL has spaces or control characters in it, or is very long.")
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong_url("The URL has to begin with http:// or https:// and name a host.")
    if "@" in parts.netloc:
        raise _wrong_url("The URL has a user or a password in it.", "Give the secret as the key.")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise _wrong_url(
            "The URL has a query or a fragment in it.", "Give query values apart, as --query NAME=VALUE."
        )
    return _ENDPOINT.sub("", url.rstrip("/"))


def checked_key(key: str) -> str | None:
    """The key, None for an empty one. Raises Refused `connection_key`, which does not show it."""
    if not key.isascii() or re.search(r"\s", key) or _CONTROL.search(key) or len(key) > 8000:
        raise Refused(
            "connection_key",
            "The key has spaces, line breaks or other characters in it that no key has.",
            hint="Copy it again, without what stands around it.",
        )
    return key or None


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that go along. Raises Refused `connection_header`."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise Refused(
                "connection_header",
                f"The header “{name[:80]}” cannot be set.",
                hint=f"It has to be a header's name, and none of {', '.join(sorted(_OURS))}.",
            )
        if _CONTROL.search(value) or not value.isascii() or len(value) > 8000:
            raise Refused(
                "connection_header",
                f"The value of the header “{name}” has line breaks or other characters that no header has.",
                hint="Copy it again, without what stands around it.",
            )
    return dict(headers)


def checked_query(query: Mapping[str, str]) -> dict[str, str]:
    """The query values that go along. Raises Refused `connection_query`."""
    for name, value in query.items():
        if not name or _CONTROL.search(name + value) or len(name + value) > 8000:
            raise Refused(
                "connection_query",
                f"The query value “{name[:80]}” has no name, or line breaks in it.",
                hint="Write it as NAME=VALUE.",
            )
    return dict(query)


def hint_of(secret: str | None) -> str | None:
    """The end of a secret, by which its user knows it; of a short one nothing."""
    if secret is None:
        return None
    return f"…{secret[-_SHOWN:]}" if len(secret) >= _LEAST_HIDDEN else "…"


def shown_query(query: Mapping[str, str]) -> dict[str, str]:
    """Query values as they may be shown."""
    return {
        name: (hint_of(value) or "") if _SECRET_NAME.search(name) else value for name, value in query.items()
    }


def same_host(one: str, other: str) -> bool:
    """Whether two checked URLs lead to the same scheme, host and port."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.netloc.lower()) == (second.scheme, second.netloc.lower())


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # ValueError where it is no port
    except ValueError:
        raise _wrong_url("The URL has a host or a port that cannot be.") from None
    return parts


def _wrong_url(detail: str, hint: str = "") -> Refused:
    return Refused(
        "connection_url",
        detail,
        hint=hint or "Give the base URL that the provider documents, such as https://api.openai.com/v1.",
    )

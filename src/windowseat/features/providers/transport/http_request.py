"""What the transport sends, as a value, and what of it must stay secret.

Not here: the sending, and how a dialect fills it.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from windowseat import __version__
from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport.faults import quoted

if TYPE_CHECKING:
    import httpx2

_PUBLIC_HEADERS = (
    "accept",
    "content-type",
    "user-agent",
    "anthropic-version",
    "anthropic-beta",
    "openai-beta",
)
_SHORTEST_SECRET = 6
_KEEPS_METHOD = (307, 308)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request to a provider. Its `repr` shows neither address, nor headers, nor body.

    `body` is the JSON in one piece, in pieces that are joined, or, where files make it too large
    to hold, a stream with its `length` in bytes (without one it goes out chunked, which not every
    provider takes). `stream` says which kind of answer is asked for; what comes decides.
    `silence` is how long, in seconds, the provider may send nothing at all. `verify` is false for a
    certificate that is not checked, or the path of the authority's file.
    """

    url: str = field(repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Sequence[bytes] | AsyncIterable[bytes] = field(default=b"", repr=False)
    length: int | None = None
    stream: bool = True
    silence: float = 300.0
    verify: bool | str = True

    @property
    def provider(self) -> str:
        """The host, and the port where one is named: what a person knows the provider by."""
        return urlsplit(self.url).netloc.rpartition("@")[2] or "The provider"

    @property
    def secrets(self) -> list[str]:
        """What of the headers and the query a provider's words must not carry into a log or onto a page."""
        values = [value for name, value in self.headers.items() if name.lower() not in _PUBLIC_HEADERS]
        values += [value.removeprefix("Bearer ") for value in values]
        values += [value for _, value in parse_qsl(urlsplit(self.url).query)]
        return [value for value in values if len(value) >= _SHORTEST_SECRET]

    def to(self, url: httpx2.URL, *, connect_timeout: float) -> httpx2.Request:
        """The request as httpx2 sends it to this address."""
        import httpx2

        headers = httpx2.Headers(
            {
                "Accept": "text/event-stream" if self.stream else "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"windowseat/{__version__}",
            }
        )
        if self.method != "GET":
            headers["Content-Type"] = "application/json"
        headers.update(self.headers)
        if self.length is not None:
            headers["Content-Length"] = str(self.length)
        body = self.body if isinstance(self.body, bytes | AsyncIterable) else b"".join(self.body)
        timeout = httpx2.Timeout(self.silence, connect=connect_timeout, pool=None)
        return httpx2.Request(
            self.method, url, headers=headers, content=body or None, extensions={"timeout": timeout.as_dict()}
        )

    def followed(self, url: httpx2.URL, target: httpx2.URL, *, status: int) -> httpx2.URL:
        """Where a redirect leads, when it stays on the host and the request can be sent again as it is.

        Raises ProviderFault `provider_redirected` for any other.
        """
        same = (target.scheme, target.host, target.port) == (url.scheme, url.host, url.port)
        # From http to https on the usual ports is the same host made safer.
        safer = (url.scheme, url.port) == ("http", None) and (target.scheme, target.port) == ("https", None)
        unchanged = status in _KEEPS_METHOD or self.method == "GET"
        if (
            (same or (safer and target.host == url.host))
            and unchanged
            and not isinstance(self.body, AsyncIterable)
        ):
            return target
        where = f"{target.scheme}://{target.host}{f':{target.port}' if target.port else ''}{target.path}"
        raise ProviderFault(
            "provider_redirected",
            f"{self.provider} redirects to {quoted(where, self.secrets)}, which was not followed.",
            hint="If that is where requests should go, make it the connection's address.",
            answered=status,
        )

"""Which way a request goes: directly or through the environment's proxy, and what TLS trusts.

Not here: the sending (`direct`, or httpx2's own transport for proxies) and what is sent.
"""

from __future__ import annotations

import ipaddress
import ssl
import urllib.request

import httpx2

from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport.direct import DirectTransport

Verify = bool | str
"""Whether certificates are checked, or the path of the authority's file to check them by."""


class Ways:
    """The transports of this process, one for each proxy and trust; each keeps its connections.

    With `trust_env` the usual HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY and SSL_CERT_FILE are
    heeded, never a proxy for this machine itself.
    """

    def __init__(self, *, trust_env: bool) -> None:
        self._trust_env = trust_env
        self._known: dict[tuple[Verify, str | None], httpx2.AsyncBaseTransport] = {}

    def to(self, url: httpx2.URL, verify: Verify) -> httpx2.AsyncBaseTransport:
        """The transport for this address. Raises ProviderFault when proxy or authority cannot be used."""
        proxy = _proxy_for(url) if self._trust_env else None
        way = self._known.get((verify, proxy))
        if way is None:
            way = self._known[(verify, proxy)] = self._new(verify, proxy)
        return way

    async def aclose(self) -> None:
        """Close every connection that rests."""
        known, self._known = self._known, {}
        for way in known.values():
            await way.aclose()

    def _new(self, verify: Verify, proxy: str | None) -> httpx2.AsyncBaseTransport:
        if proxy is None:
            return DirectTransport(tls=lambda: self._tls(verify))
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=32, keepalive_expiry=30.0)
        try:
            return httpx2.AsyncHTTPTransport(verify=self._tls(verify), limits=limits, proxy=proxy)
        except (ImportError, ValueError, httpx2.InvalidURL) as error:
            raise ProviderFault(
                "provider_unreachable",
                "The environment names a proxy that cannot be used.",
                hint="Set HTTPS_PROXY to an address that begins with http:// or https://.",
            ) from error

    def _tls(self, verify: Verify) -> ssl.SSLContext:
        if isinstance(verify, bool):
            return httpx2.create_ssl_context(verify=verify, trust_env=self._trust_env)
        try:
            return ssl.create_default_context(cafile=verify)
        except OSError as error:
            raise ProviderFault(
                "provider_certificate",
                f"The authority's file {verify} cannot be used: {error.strerror or error}.",
                hint="Name a PEM file that this program may read.",
            ) from error


def _proxy_for(url: httpx2.URL) -> str | None:
    if url.host == "localhost" or url.host.endswith(".localhost") or _is_loopback(url.host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or urllib.request.proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

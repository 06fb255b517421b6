"""Rules about names and addresses: who may be asked for by which name, which origin is ours, which proxy is
believed. Pure: texts in, answers out; security.py applies them to requests.

The name in a request is checked because of DNS rebinding: any web page can have its own name lead to this
machine, and the browser then takes our answers for that page's. It cannot make the browser send our name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal

from windowseat.core.errors import Fault

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_USUAL_PORT = {"http": "80", "https": "443"}

Scheme = Literal["http", "https"]


@dataclass(frozen=True, slots=True)
class Names:
    """The names by which this server may be asked for; ports do not matter."""

    known: frozenset[str]

    @classmethod
    def of(cls, host: str, hosts: Iterable[str]) -> Names:
        """Loopback names, the address that is listened on, and what the setting `hosts` says."""
        return cls(_LOOPBACK | {_bare(name) for name in (host, *hosts)})

    def allow(self, host: str, local: str | None) -> bool:
        """Whether a Host header may name us; `local` is the address at which the connection arrived.

        That address is allowed because it is an address: who asks for it by that was led by no name.
        """
        bare = _bare(host)
        return bool(bare) and (bare in self.known or (local is not None and bare == _bare(local)))


@dataclass(frozen=True, slots=True)
class Proxies:
    """Networks whose forwarded headers are believed."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, addresses: Iterable[str]) -> Proxies:
        """From the setting `trusted_proxies`. Raises Fault `setting_wrong`."""
        networks = []
        for address in addresses:
            try:
                networks.append(ip_network(address, strict=False))
            except ValueError:
                raise Fault(
                    "setting_wrong",
                    f"trusted_proxies names “{address}”, which is no address or network.",
                    hint="Write addresses or networks, as in 10.0.0.5 or 10.0.0.0/8.",
                ) from None
        return cls(tuple(networks))

    def trust(self, address: str | None) -> bool:
        """Whether whoever sits at that address is believed."""
        if not self.networks or address is None:
            return False
        try:
            ip = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(ip in network for network in self.networks)

    def client_of(self, forwarded_for: str) -> str | None:
        """The address that the nearest believed proxy saw: the last one that is no such proxy itself."""
        for address in reversed([each.strip() for each in forwarded_for.split(",")]):
            if not self.trust(address):
                return address or None
        return None


def same_origin(origin: str, scheme: str, host: str) -> bool:
    """Whether a page of that origin is one of ours, asked for by `host`.

    Where we are reached by plain HTTP, a page over HTTPS of the same name counts too: something in front of
    us may have ended TLS without our knowing.
    """
    theirs, separator, name = origin.lower().partition("://")
    if not separator or theirs not in _USUAL_PORT or scheme not in (theirs, "http"):
        return False
    return _with_port(name, theirs) == _with_port(host, theirs)


def _with_port(host: str, scheme: str) -> tuple[str, str]:
    bare = _bare(host)
    return bare, host.strip().lower()[len(bare) :].lstrip(".:") or _USUAL_PORT[scheme]


def _bare(host: str) -> str:
    """A host without its port, in lower case; an IPv6 address in brackets; "" for what is no host."""
    host = host.strip().lower()
    if host.startswith("["):
        address, bracket, rest = host.partition("]")
        return address + bracket if bracket and (not rest or rest.startswith(":")) else ""
    if host.count(":") > 1:
        return f"[{host}]"
    return host.partition(":")[0].rstrip(".")

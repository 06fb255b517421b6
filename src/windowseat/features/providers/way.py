"""How to reach a provider, with the secrets in the open; and connections that nobody keeps a row of.

Values only. Where a way comes from: connections.py (kept), environment.py, finding.py, reach.py (late).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from windowseat.core.model import Dialect
from windowseat.features.providers.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to reach a provider: a connection with its secrets in the open. Its repr shows none."""

    dialect: Dialect
    url: str
    key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A connection that the surroundings give, and the way to it: no row, no stored key."""

    shown: Connection
    way: Way = field(repr=False)

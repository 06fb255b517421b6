"""Connections that come from the environment: the usual variables of a provider's key make one of its own.

The key stays in the environment: it is read when it is used, and never kept. Such a connection belongs to
the person who runs the server. A connection that the user keeps under the same name stands over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from windowseat.core.errors import Refused
from windowseat.features.providers.connection import Connection, checked_key, checked_url, hint_of
from windowseat.features.providers.providers_data import PROVIDERS, KnownProvider
from windowseat.features.providers.way import Given, Way


def from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    """By name, one for each provider of which a variable holds a key; a key that cannot be one makes none."""
    return {each.shown.name: each for row in PROVIDERS for each in _of(row, environ)}


def _of(row: KnownProvider, environ: Mapping[str, str]) -> Iterator[Given]:
    variable = next((name for name in row.variables if environ.get(name, "").strip()), None)
    if variable is None:
        return
    try:
        key = checked_key(environ[variable].strip())
        url = _url(row, environ)
    except Refused:
        return
    if url:
        shown = Connection(
            id=row.name,
            name=row.name,
            dialect=row.dialect,
            url=url,
            key_hint=hint_of(key),
            by="environment",
            variable=variable,
            provider=row.name,
        )
        yield Given(shown=shown, way=Way(dialect=row.dialect, url=url, key=key))


def _url(row: KnownProvider, environ: Mapping[str, str]) -> str:
    given = environ.get(row.url_variable, "").strip() if row.url_variable else ""
    if not given:
        return row.url
    url = checked_url(given)
    return url if not row.url_ends or url.endswith(row.url_ends) else url + row.url_ends

"""Asking a provider for its list of models: a few pages, bounded in number and time.

What the list says is catalogue.py's, keeping it is service.py's.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from urllib.parse import urlencode

from windowseat import codec
from windowseat.core.errors import ProviderFault
from windowseat.core.model import Dialect
from windowseat.features.providers.catalogue import ListPage, page_of
from windowseat.features.providers.exchange import address_of, headers_of
from windowseat.features.providers.facts import catalogued_models
from windowseat.features.providers.providers_data import provider_of
from windowseat.features.providers.store import ListedModel
from windowseat.features.providers.transport.client import Transport, Whole
from windowseat.features.providers.transport.http_request import HttpRequest
from windowseat.features.providers.way import Way

MOST_MODELS = 5000
_MOST_PAGES = 20
_SECONDS = 30.0
_PATHS: dict[Dialect, str] = {
    "openai-chat": "/models",
    "openai-responses": "/models",
    "anthropic-messages": "/v1/models",
    "gemini-generate": "/v1beta/models",
}
_FIRST_PAGE: dict[Dialect, dict[str, str]] = {
    "anthropic-messages": {"limit": "1000"},
    "gemini-generate": {"pageSize": "1000"},
}
_VERSION = re.compile(r"/v\d+(?:(?:alpha|beta)\d*)?$")


async def fetch_list(sender: Transport, way: Way) -> tuple[ListedModel, ...]:
    """The models that the provider lists, 5,000 at the most; of one that lists none, those of the catalogue.

    Raises ProviderFault, Refused `models_unreadable`, `not_json`.
    """
    known = provider_of(way.url)
    if known is not None and not known.lists:
        return tuple(ListedModel(id=model, facts={}) for model in catalogued_models(known.facts))
    url = known.list_url if known is not None and known.list_url else list_url(way.dialect, way.url)
    try:
        async with asyncio.timeout(_SECONDS):
            return await _pages(sender, way, url)
    except TimeoutError:
        raise ProviderFault(
            "provider_timeout", "The provider's list of models took too long.", hint="Try again later."
        ) from None


def list_url(dialect: Dialect, base_url: str) -> str:
    """Where the models are listed, from the documented base; a version that ends it is not repeated."""
    path = _PATHS[dialect]
    if _VERSION.search(base_url) and path.count("/") > 1:
        path = "/models"
    return base_url + path


async def _pages(sender: Transport, way: Way, url: str) -> tuple[ListedModel, ...]:
    found: dict[str, ListedModel] = {}
    query = dict(_FIRST_PAGE.get(way.dialect, {}))
    for _ in range(_MOST_PAGES):
        body = await _body(sender, way, f"{url}?{urlencode(query)}" if query else url)
        page = await asyncio.to_thread(_read, way.dialect, body)
        found.update((model.id, model) for model in page.models)
        if not page.next or len(found) >= MOST_MODELS:
            break
        query.update(page.next)
    return tuple(found.values())[:MOST_MODELS]


def _read(dialect: Dialect, body: bytes) -> ListPage:
    return page_of(dialect, codec.load(body))


async def _body(sender: Transport, way: Way, url: str) -> bytes:
    request = HttpRequest(
        url=address_of(way, url), method="GET", headers=headers_of(way), stream=False, silence=_SECONDS
    )
    async with aclosing(sender.exchange(request)) as answer:
        async for received in answer:
            if isinstance(received, Whole):
                return received.body
    raise ProviderFault(
        "provider_wrong_type",
        "The provider answered with an event stream where its list of models was due.",
        hint="Check the connection's address.",
    )

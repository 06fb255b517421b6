"""What Gemini says of its sources: grounding becomes citations, and its own searches become tool calls.

Grounding is told beside the content, once the answer is complete, with places counted in bytes of
UTF-8; a citation counts characters. Shapes: https://ai.google.dev/api/generate-content#GroundingMetadata,
…#UrlContextMetadata and …#CitationMetadata, read 2026-11-25.

Not here: parts of the content itself (gemini_decode). None of this goes back to the provider.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from windowseat.core.parts import Citation, Display, Json, Part, Text, ToolCall, ToolResult
from windowseat.features.providers.dialects.decoding import as_dict, as_int, as_list, as_str

Texts = Sequence[tuple[int, str]]
"""The texts of the answer, each with its part's index."""


class _Place(NamedTuple):
    part: int
    start: int | None = None
    end: int | None = None


def citations(candidate: dict[str, Json], texts: Texts) -> Iterator[Citation]:
    """The sources of the answer: those that support a stretch of it, then those that name none."""
    if not texts:
        return
    grounding = as_dict(candidate.get("groundingMetadata"))
    sources = [_source(as_dict(chunk)) for chunk in as_list(grounding.get("groundingChunks"))]
    cited: set[int] = set()
    for support in map(as_dict, as_list(grounding.get("groundingSupports"))):
        place = _found(as_dict(support.get("segment")), texts)
        for number in as_list(support.get("groundingChunkIndices")):
            at = as_int(number)
            if at is not None and at < len(sources):
                cited.add(at)
                yield replace(sources[at], part=place.part, start=place.start, end=place.end)
    for at, source in enumerate(sources):
        if at not in cited:
            yield replace(source, part=texts[-1][0])
    recited = as_dict(candidate.get("citationMetadata"))
    for each in map(as_dict, as_list(recited.get("citationSources") or recited.get("citations"))):
        place = _found(each, texts)
        url, title = as_str(each.get("uri")) or None, as_str(each.get("title")) or None
        yield Citation(part=place.part, start=place.start, end=place.end, url=url, title=title)


def _source(chunk: dict[str, Json]) -> Citation:
    """A chunk as a citation of nothing yet: a page, a map, a picture, or a text of the user's own store."""
    found = next((as_dict(chunk[kind]) for kind in _KINDS if kind in chunk), {})
    title = next((name for key in _TITLES if (name := as_str(found.get(key)))), None)
    url = as_str(found.get("uri")) or as_str(found.get("sourceUri")) or None
    return Citation(part=0, title=title, url=url, quote=as_str(found.get("text")) or None)


_KINDS = ("web", "retrievedContext", "maps", "image")
_TITLES = ("title", "documentName", "fileSearchStore", "domain")


def _found(segment: dict[str, Json], texts: Texts) -> _Place:
    """Where a segment stands. Its own words decide where the numbers could mean several texts."""
    words = as_str(segment.get("text"))
    start, end = as_int(segment.get("startIndex")) or 0, as_int(segment.get("endIndex")) or 0
    whole = b"".join(text.encode() for _, text in texts)
    before = 0
    for part, text in texts:
        data = text.encode()
        for shift in (0, before):
            place = _cut(part, data, start - shift, end - shift)
            if place is not None and text[place.start : place.end] == words:
                return place
        before += len(data)
    for part, text in texts:
        if words and (at := text.find(words)) != -1:
            return _Place(part, at, at + len(words))
    alone = _cut(texts[0][0], whole, start, end) if len(texts) == 1 and not words else None
    return alone or _Place(texts[-1][0])


def _cut(part: int, data: bytes, start: int, end: int) -> _Place | None:
    if not 0 <= start < end <= len(data):
        return None
    return _Place(part, *(len(data[:at].decode(errors="ignore")) for at in (start, end)))


def own_tools(candidate: dict[str, Json]) -> Iterator[tuple[ToolCall, ToolResult]]:
    """The searches and pages that the provider says it used, as calls with results; ids are left empty."""
    grounding = as_dict(candidate.get("groundingMetadata"))
    queries = [query for query in as_list(grounding.get("webSearchQueries")) if isinstance(query, str)]
    if queries:
        rendered = as_str(as_dict(grounding.get("searchEntryPoint")).get("renderedContent"))
        # Google asks that its suggestions are shown: https://ai.google.dev/gemini-api/docs/google-search
        content: tuple[Part, ...] = (Text(text=_links(grounding)),)
        if rendered:
            content = (*content, Display(forms={"text/html": rendered, "text/plain": ", ".join(queries)}))
        yield _pair("google_search", {"queries": queries}, content)
    pages = [
        as_dict(page) for page in as_list(as_dict(candidate.get("urlContextMetadata")).get("urlMetadata"))
    ]
    if pages:
        told = [
            f"{as_str(page.get('retrievedUrl'))} {as_str(page.get('urlRetrievalStatus'))}" for page in pages
        ]
        urls = [as_str(page.get("retrievedUrl")) for page in pages]
        yield _pair("url_context", {"urls": urls}, (Text(text="\n".join(told)),))


def searches(candidate: dict[str, Json]) -> int:
    """How many searches were made; each has its price on newer models."""
    return len(as_list(as_dict(candidate.get("groundingMetadata")).get("webSearchQueries")))


def _links(grounding: dict[str, Json]) -> str:
    sources = [_source(as_dict(chunk)) for chunk in as_list(grounding.get("groundingChunks"))]
    return "\n".join(f"[{each.title or each.url}]({each.url})" for each in sources if each.url)


def _pair(name: str, arguments: dict[str, Json], content: tuple[Part, ...]) -> tuple[ToolCall, ToolResult]:
    return ToolCall(id="", name=name, arguments=arguments, by="provider"), ToolResult(id="", content=content)

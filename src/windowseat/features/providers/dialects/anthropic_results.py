"""What the tools that Anthropic runs itself gave back, as parts that a person and other models can read.

Each result block keeps its raw item elsewhere (anthropic_decode); this is only its neutral value.
Shapes: https://platform.claude.com/docs/en/agents-and-tools/tool-use/ (web search, web fetch, code
execution, tool search) and …/agents-and-tools/mcp-connector, read 2026-11-25.

Not here: results of tools that run with us, and sending anything back.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from windowseat.core.parts import File, Image, Json, Part, Text, ToolResult, text_of
from windowseat.features.providers.dialects.decoding import as_dict, as_list, as_str


def is_result(kind: str) -> bool:
    """Whether a block of this type is a result of a tool that ran at the provider."""
    return kind.endswith("_tool_result")


def result_of(block: dict[str, Json]) -> ToolResult:
    """The block as a result: its words, documents and pictures, and the error where there is one."""
    content = block.get("content")
    error = _error_of(block, content)
    return ToolResult(
        id=as_str(block.get("tool_use_id")), content=() if error else tuple(_parts(content)), error=error
    )


def _error_of(block: dict[str, Json], content: Json) -> str | None:
    if block.get("is_error") is True:
        return text_of(tuple(_parts(content))) or "The tool failed."
    inner = as_dict(content)
    if as_str(inner.get("type")).endswith("_error"):
        code, message = as_str(inner.get("error_code")), as_str(inner.get("error_message"))
        return ": ".join(each for each in (code, message) if each) or "The tool failed."
    return None


def _parts(content: Json) -> list[Part]:
    """What stands in a result: text, a list of anything, or one object that says its type."""
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    if isinstance(content, list):
        found = [part for each in content for part in _parts(each)]
        if content and all(as_dict(each).get("type") in _HITS for each in content):
            return [Text(text="\n".join(hit.text for hit in found if isinstance(hit, Text)))]
        return found
    block = as_dict(content)
    kind = as_str(block.get("type"))
    if kind.endswith("code_execution_result"):
        return _executed(block)
    if kind in _READERS:
        return _READERS[kind](block)
    return [Text(text=msgspec.json.encode(content).decode())] if block else []


_HITS = ("web_search_result", "tool_reference")
"""A list of these reads as one text, a hit a line."""


def _hit(block: dict[str, Json]) -> list[Part]:
    age = as_str(block.get("page_age"))
    link = _link(as_str(block.get("title")), as_str(block.get("url")))
    return [Text(text=f"{link} ({age})" if age else link)]


def _link(title: str, url: str) -> str:
    shown = title.replace("[", "(").replace("]", ")") or url
    return f"[{shown}]({url})" if url else shown


def _fetched(block: dict[str, Json]) -> list[Part]:
    url = as_str(block.get("url"))
    document = as_dict(block.get("content"))
    title = as_str(document.get("title"))
    return [Text(text=_link(title, url)), *_document(document, url)]


def _document(block: dict[str, Json], url: str) -> list[Part]:
    """A text document as its words; one in bytes as the address that it is from: the item has the bytes."""
    source = as_dict(block.get("source"))
    media_type = as_str(source.get("media_type"))
    if source.get("type") == "text":
        return _parts(as_str(source.get("data")))
    if source.get("type") == "content":
        return _parts(source.get("content"))
    address = as_str(source.get("url")) or url
    if address:
        name = as_str(block.get("title")) or None
        return [File(media_type=media_type or "application/pdf", url=address, name=name)]
    return []


def _image(block: dict[str, Json]) -> list[Part]:
    source = as_dict(block.get("source"))
    media_type, data = as_str(source.get("media_type")), as_str(source.get("data"))
    if source.get("type") == "base64" and data:
        return [Image(media_type=media_type, url=f"data:{media_type};base64,{data}")]
    url = as_str(source.get("url"))
    return [Image(media_type=media_type or "image/*", url=url)] if url else []


def _executed(block: dict[str, Json]) -> list[Part]:
    """Output and errors as a terminal shows them; files that were made are named by their id."""
    words = [as_str(block.get("stdout")), as_str(block.get("stderr")), as_str(block.get("content"))]
    words += ["\n".join(as_str(line) for line in as_list(block.get("lines")))]
    made = [as_str(as_dict(each).get("file_id")) for each in as_list(block.get("content"))]
    words += [f"(file {id})" for id in made if id]
    code = block.get("return_code")
    if isinstance(code, int) and code != 0:
        words.append(f"(exit code {code})")
    return [Text(text=text)] if (text := "\n".join(word.rstrip("\n") for word in words if word)) else []


_READERS: dict[str, Callable[[dict[str, Json]], list[Part]]] = {
    "text": lambda block: _parts(as_str(block.get("text"))),
    "web_search_result": _hit,
    "web_fetch_result": _fetched,
    "tool_reference": lambda block: _parts(as_str(block.get("tool_name"))),
    "tool_search_tool_search_result": lambda block: _parts(as_list(block.get("tool_references"))),
    "document": lambda block: _document(block, ""),
    "image": _image,
}

"""Tools that ran at the provider, as `openai-responses` tells of them: one item is both call and result.

Kinds and fields: https://platform.openai.com/docs/api-reference/responses/object
Not here: when an item begins and ends, and calls that we are to run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from windowseat.core.parts import Image, Json, Part, Text
from windowseat.features.providers.dialects.decoding import (
    as_dict,
    as_list,
    as_str,
    media_type_of,
    parsed_arguments,
)


@dataclass(frozen=True, slots=True)
class RanThere:
    """A call and what came of it; no content where the provider does not show it."""

    name: str
    arguments: dict[str, Json] | str
    content: tuple[Part, ...] = ()
    error: str | None = None


def ran_there(item: dict[str, Any]) -> RanThere | None:
    """What the item says; None where it is no tool that ran there."""
    read = _READERS.get(as_str(item.get("type")))
    return read(item) if read is not None else None


def without_result(item: dict[str, Any]) -> dict[str, Any]:
    """The item without the bytes of a picture, which stand in the result's part already."""
    return {name: value for name, value in item.items() if (item.get("type"), name) != _PICTURE}


_PICTURE = ("image_generation_call", "result")


def _search(item: dict[str, Any]) -> RanThere:
    action = as_dict(item.get("action"))
    sources = [as_str(as_dict(each).get("url")) for each in as_list(action.get("sources"))]
    asked = {name: value for name, value in action.items() if name != "sources"}
    return RanThere("web_search", asked, _words("\n".join(filter(None, sources))))


def _files(item: dict[str, Any]) -> RanThere:
    found = [as_dict(each) for each in as_list(item.get("results"))]
    words = "\n\n".join(
        f"{as_str(each.get('filename'))}\n{as_str(each.get('text'))}".strip() for each in found
    )
    return RanThere("file_search", {"queries": as_list(item.get("queries"))}, _words(words))


def _code(item: dict[str, Any]) -> RanThere:
    outputs = [as_dict(each) for each in as_list(item.get("outputs"))]
    content: list[Part] = []
    for output in outputs:
        content += _words(as_str(output.get("logs")))
        if url := as_str(output.get("url")):
            content.append(Image(media_type=media_type_of(url, "image/png"), url=url))
    return RanThere("code_interpreter", {"code": as_str(item.get("code"))}, tuple(content))


def _image(item: dict[str, Any]) -> RanThere:
    asked = {name: item[name] for name in ("revised_prompt", "size", "quality") if item.get(name)}
    kind = f"image/{as_str(item.get('output_format')) or 'png'}"
    data = as_str(item.get("result"))
    drawn = (Image(media_type=kind, url=f"data:{kind};base64,{data}"),) if data else ()
    return RanThere("image_generation", asked, drawn)


def _mcp(item: dict[str, Any]) -> RanThere:
    arguments = parsed_arguments(as_str(item.get("arguments")))
    error = item.get("error")
    why = as_str(error) or as_str(as_dict(error).get("message")) or (str(error) if error else None)
    return RanThere(as_str(item.get("name")), arguments, _words(as_str(item.get("output"))), why)


def _words(text: str) -> tuple[Part, ...]:
    return (Text(text=text),) if text else ()


_READERS = {
    "web_search_call": _search,
    "file_search_call": _files,
    "code_interpreter_call": _code,
    "image_generation_call": _image,
    "mcp_call": _mcp,
}

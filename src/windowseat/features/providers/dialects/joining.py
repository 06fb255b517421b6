"""Pieces of one value that came one after another, as one value: fields, base64, details of a thought.

Not here: text, thoughts and arguments, which grow part by part (decoding.py).
"""

from __future__ import annotations

import base64
from typing import Any

from windowseat.core.parts import Json
from windowseat.features.providers.dialects.decoding import as_str


def add_detail(details: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    """Join a streamed piece of OpenRouter's `reasoning_details` to the entry that it goes on.

    https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
    """
    last = details[-1] if details else None
    if last is None or any(last.get(name) != piece.get(name) for name in ("type", "index")):
        details.append(dict(piece))
        return
    for name, value in piece.items():
        if name in ("text", "summary", "data") and isinstance(value, str):
            last[name] = as_str(last.get(name)) + value
        elif value is not None:
            last[name] = value


def joined(values: list[Json]) -> Json:
    """One value of all that a field brought: the same each time, else joined as its kind can be."""
    first = values[0]
    if all(value == first for value in values):
        return first
    if all(isinstance(value, str) for value in values):
        return "".join(values)
    if all(isinstance(value, list) for value in values):
        return [each for value in values for each in value]
    if all(isinstance(value, dict) for value in values):
        return {name: each for value in values for name, each in value.items()}
    return values[-1]


def base64_joined(pieces: list[str]) -> str:
    """Pieces of base64 as one: a piece in the middle may be padded, then only its bytes can be joined."""
    if any(piece.endswith("=") for piece in pieces[:-1]):
        try:
            return base64.b64encode(b"".join(map(base64.b64decode, pieces))).decode()
        except ValueError:
            pass
    return "".join(pieces)


def sound_type(data: str) -> str:
    """The media type by the first bytes; what has no head is raw 16-bit PCM, the form that streams."""
    heads = {"UklGR": "audio/wav", "T2dn": "audio/ogg", "ZkxhQ": "audio/flac", "SUQz": "audio/mpeg"}
    known = [kind for head, kind in heads.items() if data.startswith(head)]
    return known[0] if known else "audio/mpeg" if data.startswith("//") else "audio/pcm"

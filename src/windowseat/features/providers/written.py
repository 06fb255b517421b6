"""Parts of a message that a program wrote on a provider's own wire, so that it can go on as it was written.

The parts say what the message means, for every dialect; their origin holds the message itself, for the one
that it was written in. Reading a wire is its entrypoint's business, sending one its dialect's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from windowseat.core.model import Model
from windowseat.core.parts import Json, Origin, Part
from windowseat.features.providers.dialects.said import WHOLE


def as_message(parts: Sequence[Part], model: Model, message: Json) -> tuple[Part, ...]:
    """All parts of a whole message (with `openai-responses` of a user's, or of a result) and the message."""
    return _with_origin(parts, model, WHOLE, message)


def as_item(parts: Sequence[Part], model: Model, item: Json, place: int) -> tuple[Part, ...]:
    """All parts of one item of an answer on `openai-responses`; `place` counts its items from 0."""
    return _with_origin(parts, model, f"item/{place}", item)


def _with_origin(parts: Sequence[Part], model: Model, key: str, item: Json) -> tuple[Part, ...]:
    rest = Origin(
        dialect=model.dialect, connection=model.connection, model=model.id, key=key, shares=len(parts)
    )
    first = replace(rest, item=item)
    return tuple(replace(part, origin=rest if index else first) for index, part in enumerate(parts))

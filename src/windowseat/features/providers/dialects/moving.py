"""Media that a wire has no place for where they stand: out of results and answers, to the next user message.

A message that is there takes them in front of its own parts; else one is made for them, before the
assistant speaks again or at the end, so that what was sent before stays as it was sent.

Not here: which media a wire or a model takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from windowseat.core.parts import Media, Part, Text
from windowseat.features.providers.dialects.said import Keyed, Said

Moves = Callable[[Said, Part], Sequence[Media]]
"""What of one part of an answer or a result has to move."""


def media_moved(said: Iterable[Said], moves: Moves) -> list[Said]:
    """What was said, with the media that have to move in user messages."""
    out: list[Said] = []
    moved: list[Keyed] = []
    for each in said:
        if each.role == "user":
            out.append(replace(each, parts=(*moved, *each.parts)))
            moved = []
            continue
        if each.role == "assistant" and moved:
            out.append(Said(role="user", parts=tuple(moved)))
            moved = []
        for key, part in each.parts:
            moved += _labelled(key, each, moves(each, part))
        out.append(each)
    if moved:
        out.append(Said(role="user", parts=tuple(moved)))
    return out


def _labelled(key: str, said: Said, media: Sequence[Media]) -> list[Keyed]:
    if not media:
        return []
    whose = "a tool" if said.role == "tool" else "your answer above"
    return [(key, Text(text=f"(This is from {whose}.)")), *((key, each) for each in media)]

"""Blocks: what one part looks like on a wire whose messages are lists, ready to be written in pieces.

A block is bytes with the ids of files between them, whose base64 stands there. Its last brace is left
off, so that a cache mark may follow it without a change to its pieces.

Not here: what a block says (the dialects).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from windowseat.core.parts import Json
from windowseat.features.providers.dialects.encoding import Body


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The base64 text of a file's bytes stands here."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block without its last brace, and the segment that it stands for."""

    key: str
    data: tuple[bytes | FileBytes, ...]


def of_json(key: str, value: dict[str, Json]) -> Block:
    """A block that is known as a whole."""
    return Block(key=key, data=(msgspec.json.encode(value)[:-1],))


def joined(blocks: Sequence[Block]) -> tuple[bytes | FileBytes, ...]:
    """Blocks as the entries of a list that stands within another block."""
    data: list[bytes | FileBytes] = []
    for index, block in enumerate(blocks):
        data += [b"," if index else b"", *block.data, b"}"]
    return tuple(data)


def write(body: Body, opening: bytes, blocks: Sequence[Block], *, mark: bytes = b"") -> None:
    """Append blocks as a list after `opening`, the last one with the mark; nothing for no blocks."""
    for index, block in enumerate(blocks):
        body.add("", b"," if index else opening)
        for data in block.data:
            if isinstance(data, FileBytes):
                body.file(block.key, data.id)
            else:
                body.add(block.key, data)
        if mark and index == len(blocks) - 1:
            body.apart(mark)
        body.add("", b"}")
    if blocks:
        body.add("", b"]")

"""A request: the exact body that goes to a provider, made of pieces, each with its segment.

Joined in order the pieces are the body, byte for byte. A file's bytes are a reference in it, not
base64 once more, so that every request can be kept. Building a body is the dialects' business;
keeping and sending one is not done here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from windowseat.core.model import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of the body and the key of the segment that it stands for ("" for what frames them).

    Either `data`, or the id of a `file` whose bytes stand here in base64.
    """

    segment: str
    data: bytes = b""
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent in one step. `stream`: whether one whole answer or a stream was asked for."""

    dialect: Dialect
    connection: str
    model: str
    stream: bool
    pieces: tuple[Piece, ...]

    def body(self, base64_of: Callable[[str], bytes]) -> bytes:
        """The body; `base64_of` gives the base64 text of a file's bytes."""
        return b"".join(piece.data if piece.file is None else base64_of(piece.file) for piece in self.pieces)

"""The dialect `anthropic-messages`: POST …/v1/messages, as Anthropic and a few others speak it.

Its face: the address, and which file does what. A window is encoded in anthropic_encode.py, with its
blocks in anthropic_blocks.py; answers are decoded in anthropic_decode.py; models differ by data
(quirks_claude_gemini.py). What the wire carries and loses: docs/features/dialect-anthropic-gemini.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import msgspec

from windowseat.core.exchange import FileFacts
from windowseat.core.model import Dialect, Model, Options
from windowseat.core.parts import Json
from windowseat.core.request import Piece
from windowseat.core.window import Window
from windowseat.features.providers.dialects.anthropic_decode import AnthropicDecoder
from windowseat.features.providers.dialects.anthropic_encode import encode
from windowseat.features.providers.dialects.encoding import GO_ON, asked


class AnthropicMessages:
    """Pure encode and decode. `host` is the connection's, by which its quirks are found."""

    name: Dialect = "anthropic-messages"

    def __init__(self, host: str = "") -> None:
        self.host = host

    def address(self, base_url: str, model: str, *, stream: bool) -> str:  # noqa: ARG002 - one for all
        """The base URL with `/v1/messages`; a version that ends it already is not repeated, a query stays."""
        parts = urlsplit(base_url)
        base = parts.path.rstrip("/").removesuffix("/messages").removesuffix("/v1")
        return urlunsplit(parts._replace(path=f"{base}/v1/messages"))

    def encode(
        self, window: Window, model: Model, options: Options, files: Mapping[str, FileFacts]
    ) -> tuple[Piece, ...]:
        """The body as pieces.

        Raises Refused `model_cannot_take`, `file_too_large`, `file_not_found`, `extra_field`,
        `response_format`.
        """
        return encode(self.host, window, model, asked(model, options), files)

    def go_on(self, pieces: tuple[Piece, ...], said: str, *, prefill: bool) -> tuple[Piece, ...]:
        """The body with `said` as the begun answer, and where it is no prefill the wish to go on from it.

        The wire refuses text that is blank, and space at the end of a begun answer.
        """
        words = said.rstrip()
        if not words:
            return pieces
        added = [_message("assistant", words)]
        if not prefill:
            added.append(_message("user", GO_ON))
        more = b"".join(b"," + msgspec.json.encode(message) for message in added)
        return (*pieces[:-1], Piece(segment="", data=more), pieces[-1])

    def decoder(self, connection: str, model: str) -> AnthropicDecoder:
        """A decoder for one answer."""
        return AnthropicDecoder(connection, model)


def _message(role: str, text: str) -> dict[str, Json]:
    return {"role": role, "content": [{"type": "text", "text": text}]}

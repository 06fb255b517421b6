"""The dialect `gemini-generate`: POST …/models/ID:generateContent and …:streamGenerateContent, of Google.

Its face: the address, and which file does what. A window is encoded in gemini_encode.py, with its parts
in gemini_parts.py; answers are decoded in gemini_decode.py, their sources in gemini_grounding.py; models
differ by data (quirks_claude_gemini.py). What the wire carries and loses:
docs/features/dialect-anthropic-gemini.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from windowseat.core.exchange import FileFacts
from windowseat.core.model import Dialect, Model, Options
from windowseat.core.parts import Json
from windowseat.core.request import Piece
from windowseat.core.window import Window
from windowseat.features.providers.dialects.encoding import GO_ON, asked
from windowseat.features.providers.dialects.gemini_decode import GeminiDecoder
from windowseat.features.providers.dialects.gemini_encode import encode

_VERSION = re.compile(r"v\d+((alpha|beta)\d*)?")


class GeminiGenerate:
    """Pure encode and decode. `host` is the connection's, by which its quirks are found."""

    name: Dialect = "gemini-generate"

    def __init__(self, host: str = "") -> None:
        self.host = host

    def address(self, base_url: str, model: str, *, stream: bool) -> str:
        """`/v1beta/models/ID:method` after the base URL.

        A version that the URL has is not repeated, so that the base of Vertex AI, which ends with
        `/publishers/google`, serves too. An id that names its own collection (`tunedModels/x`) keeps it.
        """
        parts = urlsplit(base_url)
        base = parts.path.rstrip("/").removesuffix("/models")
        if not any(_VERSION.fullmatch(segment) for segment in base.split("/")):
            base += "/v1beta"
        collection = "" if "/" in model else "models/"
        method = "streamGenerateContent" if stream else "generateContent"
        path = f"{base}/{collection}{quote(model, safe='/-._~@')}:{method}"
        query = "&".join(each for each in (parts.query, "alt=sse" if stream else "") if each)
        return urlunsplit(parts._replace(path=path, query=query))

    def encode(
        self, window: Window, model: Model, options: Options, files: Mapping[str, FileFacts]
    ) -> tuple[Piece, ...]:
        """The body as pieces.

        Raises Refused `model_cannot_take`, `file_too_large`, `file_not_found`, `extra_field`,
        `response_format`.
        """
        return encode(self.host, window, model, asked(model, options), files)

    def go_on(self, pieces: tuple[Piece, ...], said: str, *, prefill: bool) -> tuple[Piece, ...]:
        """The body with `said` as the begun answer, and where it is no prefill the wish to go on from it."""
        added = [_content("model", said)]
        if not prefill:
            added.append(_content("user", GO_ON))
        more = b"".join(b"," + msgspec.json.encode(content) for content in added)
        return (*pieces[:-1], Piece(segment="", data=more), pieces[-1])

    def decoder(self, connection: str, model: str) -> GeminiDecoder:
        """A decoder for one answer."""
        return GeminiDecoder(connection, model)


def _content(role: str, text: str) -> dict[str, Json]:
    return {"role": role, "parts": [{"text": text}]}

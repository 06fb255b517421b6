"""The official clients of the providers, doing what benchmarks/dialects.py measures: for reference.

Each reads a stream, or writes a thread, with a transport in memory; its own work is all there is. The clients
are no dependency of the project: they are taken from a folder that has them, such as the one that the tests
make (`.cache/clients/validators`), behind our own packages. Nothing is measured here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from windowseat.core.model import Dialect

Work = Callable[[], object]
_ASKED = [{"role": "user", "content": "?"}]
_SAID = {"role": "assistant", "content": [{"type": "text", "text": "."}]}
_WHOLE: dict[Dialect, dict[str, Any]] = {
    "openai-chat": {
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "."}}],
    },
    "openai-responses": {"id": "x", "object": "response", "created_at": 1, "model": "m", "output": []},
    "anthropic-messages": {
        "id": "x", "type": "message", "model": "m", **_SAID, "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "gemini-generate": {"candidates": [{"content": {"role": "model", "parts": [{"text": "."}]}}]},
}  # fmt: skip
"""A short whole answer of each wire."""


def find(folder: Path) -> bool:
    """Put the packages of a virtual environment behind our own; whether the clients can be imported then."""
    sys.path += [str(found) for found in folder.glob("lib/python*/site-packages")]
    try:
        import anthropic  # noqa: F401
        import openai  # noqa: F401
        from google import genai  # noqa: F401
    except ImportError:
        return False
    return True


def reading(dialect: Dialect, stream: bytes) -> Work:
    """Reads the stream to its end, a value for each event."""
    client = _client(dialect, stream, "text/event-stream")
    if dialect == "openai-chat":
        return lambda: _count(client.chat.completions.create(model="m", messages=_ASKED, stream=True))
    if dialect == "openai-responses":
        return lambda: _count(client.responses.create(model="m", input="?", stream=True))
    if dialect == "anthropic-messages":
        return lambda: _count(client.messages.create(model="m", max_tokens=9, messages=_ASKED, stream=True))
    return lambda: _count(client.models.generate_content_stream(model="m", contents="?"))


def writing(dialect: Dialect, texts: Sequence[str]) -> Work:
    """Writes the thread, user and model in turn, and reads an answer of one character."""
    client = _client(dialect, json.dumps(_WHOLE[dialect]).encode(), "application/json")
    said = [{"role": "assistant" if n % 2 else "user", "content": text} for n, text in enumerate(texts)]
    if dialect == "openai-chat":
        return lambda: client.chat.completions.create(model="m", messages=said)
    if dialect == "openai-responses":
        return lambda: client.responses.create(model="m", input=said)
    if dialect == "anthropic-messages":
        return lambda: client.messages.create(model="m", max_tokens=9, messages=said)
    contents = [
        {"role": "model" if n % 2 else "user", "parts": [{"text": text}]} for n, text in enumerate(texts)
    ]
    return lambda: client.models.generate_content(model="m", contents=contents)


def _count(events: Any) -> int:
    return sum(1 for _ in events)


def _client(dialect: Dialect, body: bytes, media_type: str) -> Any:
    import httpx2

    headers = {"content-type": media_type}
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(body))
    )
    http = httpx2.Client(transport=transport)
    if dialect == "anthropic-messages":
        import anthropic

        return anthropic.Anthropic(api_key="none", http_client=http)
    if dialect == "gemini-generate":
        from google import genai

        return genai.Client(api_key="none", http_options=genai.types.HttpOptions(httpx_client=http))
    import openai

    return openai.OpenAI(api_key="none", http_client=http)

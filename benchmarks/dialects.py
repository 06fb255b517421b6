"""What a dialect costs: a streamed word, and a long thread encoded; beside `json.loads` of the same bytes.

    python benchmarks/dialects.py [--rounds 7] [--clients .cache/clients/validators] [--json FILE]

Each round decodes a stream of 2,000 words, an event a read, from bytes to events; and encodes a thread of
400 messages, about 200,000 tokens. The reference reads the same JSON in the same round and does nothing with
it. Where the official clients of the providers are there (official_clients.py), they do the same work in
the same round.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import official_clients
import report
from report import Spread

from windowseat.core.exchange import DialectCodec
from windowseat.core.message import Message
from windowseat.core.model import Dialect, Model, Options
from windowseat.core.parts import Text, text_of
from windowseat.core.window import assemble
from windowseat.features.providers.dialects.anthropic_messages import AnthropicMessages
from windowseat.features.providers.dialects.gemini_generate import GeminiGenerate
from windowseat.features.providers.dialects.openai_chat import OpenaiChat
from windowseat.features.providers.dialects.openai_responses import OpenaiResponses
from windowseat.features.providers.transport.sse import SseParser

_WORDS = 2000
_MESSAGES = 400
_LINE = "The quick brown fox “jumps” over the lazy dog.\n"

CODECS: dict[Dialect, Callable[[], DialectCodec]] = {
    "openai-chat": OpenaiChat,
    "openai-responses": OpenaiResponses,
    "anthropic-messages": AnthropicMessages,
    "gemini-generate": GeminiGenerate,
}


def _chat(delta: dict[str, Any], stop: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": stop}
    head = {
        "id": "chatcmpl-0",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o",
        "usage": None,
    }
    return {**head, "system_fingerprint": "fp_0", "choices": [choice]}


def _gemini(text: str, **more: Any) -> dict[str, Any]:
    candidate = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}, **more}
    return {"candidates": [candidate], "modelVersion": "gemini-3-pro", "responseId": "x"}


_RESPONSE = {"id": "resp_0", "status": "completed", "output": [], "usage": None}
STREAMS: dict[Dialect, tuple[list[Any], Any, list[Any]]] = {
    "openai-chat": ([_chat({"role": "assistant"})], _chat({"content": " word"}), [_chat({}, "stop")]),
    "openai-responses": (
        [],
        {
            "type": "response.output_text.delta", "sequence_number": 9, "item_id": "msg_0", "output_index": 0,
            "content_index": 0, "delta": " word", "logprobs": [], "obfuscation": "Vk0HCjd5u0Ukrjt",
        },
        [{"type": "response.completed", "response": _RESPONSE}],
    ),
    "anthropic-messages": (
        [
            {"type": "message_start", "message": {"role": "assistant", "usage": {"input_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ],
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " word"}},
        [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ],
    ),
    "gemini-generate": ([], _gemini(" word"), [_gemini("", finishReason="STOP")]),
}  # fmt: skip
"""What begins a stream, what brings each word, and what ends it."""


def reads_of(dialect: Dialect) -> list[bytes]:
    """The stream as reads of the network, an event each."""
    begin, word, end = STREAMS[dialect]
    events = [*begin, *[word] * _WORDS, *end]
    named = dialect in ("openai-responses", "anthropic-messages")
    return [
        (f"event: {each['type']}\n" if named else "").encode() + f"data: {json.dumps(each)}\n\n".encode()
        for each in events
    ]


def decode(dialect: Dialect, reads: list[bytes]) -> int:
    """How many events the stream makes."""
    parser, decoder, made = SseParser(), CODECS[dialect]().decoder("there", "m"), 0
    for read in reads:
        for event, data, _ in parser.feed(read):
            made += len(decoder.feed("" if event == "message" else event, data))
    return made + len(decoder.end())


def thread() -> list[Message]:
    """Questions and answers of about 500 tokens each."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    text = (Text(text=_LINE * 45),)
    return [
        Message(
            id=str(n), thread="t", parent=None, role="assistant" if n % 2 else "user", parts=text, created=now
        )
        for n in range(_MESSAGES)
    ]


def seconds(work: Callable[[], object]) -> float:
    """How long it takes once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measured(dialect: Dialect, rounds: int, *, clients: bool) -> dict[str, Spread]:
    """Microseconds a word and milliseconds a thread, ours and the references'."""
    reads, codec = reads_of(dialect), CODECS[dialect]()
    data = [read.partition(b"data: ")[2] for read in reads]
    texts = [text_of(message.parts) for message in thread()]
    window, model = assemble([], thread()), Model(connection="c", id="m", dialect=dialect)
    body = b"".join(piece.data for piece in codec.encode(window, model, Options(), {}))
    assert decode(dialect, reads) > _WORDS
    works: dict[str, tuple[Callable[[], object], float]] = {
        "word": (lambda: decode(dialect, reads), 1e6 / _WORDS),
        "word, json.loads": (lambda: [json.loads(each) for each in data], 1e6 / _WORDS),
        "thread": (lambda: codec.encode(window, model, Options(), {}), 1e3),
        "thread, json.loads": (lambda: json.loads(body), 1e3),
    }
    if clients:
        works["word, client"] = (official_clients.reading(dialect, b"".join(reads)), 1e6 / _WORDS)
        works["thread, client"] = (official_clients.writing(dialect, texts), 1e3)
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, (work, scale) in works.items():
            times[name].append(seconds(work) * scale)
    return {name: Spread.of(values) for name, values in times.items()}


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clients", type=Path, default=Path(".cache/clients/validators"))


def main() -> None:
    asked = report.options(__doc__, _more)
    clients = official_clients.find(asked.clients)
    found = {dialect: measured(dialect, asked.rounds, clients=clients) for dialect in CODECS}
    headers = ["dialect", "µs a word", "json.loads", "client", "ms a thread", "json.loads", "client"]
    names = [f"{what}{whose}" for what in ("word", "thread") for whose in ("", ", json.loads", ", client")]
    rows = [[d, *(s[n].show() if n in s else "" for n in names)] for d, s in found.items()]
    report.tell("Dialects", report.table(headers, rows), {"dialects": found}, asked.json)


if __name__ == "__main__":
    main()

"""What the tests of local models share: a GGUF file made on the spot, so small that it loads at once.

It is a real model for the real engine (a llama with one layer and weights without meaning), not a fake
of the engine. What it answers is nonsense; that the first model answers sense is tested with that one.
"""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from windowseat.features.local_models.engine import Engine
from windowseat.features.local_models.plan import Plan
from windowseat.features.local_models.process import Address

UINT32, INT32, FLOAT32, STRING, ARRAY = 4, 5, 6, 8, 9
ALIGNMENT = 32

MakeGguf = Callable[..., Path]
MakeEngine = Callable[..., Engine]


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value(content: object) -> bytes:
    match content:
        case str():
            return struct.pack("<I", STRING) + text(content)
        case int():
            return struct.pack("<II", UINT32, content)
        case float():
            return struct.pack("<If", FLOAT32, content)
        case [str(), *_]:
            return struct.pack("<IIQ", ARRAY, STRING, len(content)) + b"".join(map(text, content))
        case [int(), *_]:
            return struct.pack(f"<IIQ{len(content)}i", ARRAY, INT32, len(content), *content)
        case [float(), *_]:
            return struct.pack(f"<IIQ{len(content)}f", ARRAY, FLOAT32, len(content), *content)
    raise TypeError(f"no GGUF value for {content!r}")


def metadata(pairs: dict[str, object], tensors: int = 0) -> bytes:
    """A GGUF head of version 3."""
    head = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(pairs))
    return head + b"".join(text(key) + value(content) for key, content in pairs.items())


def small_llama(head_size: int, window: int) -> bytes:
    """A llama of one layer and two heads, whose tokens are the 256 bytes."""
    width, wide = 2 * head_size, 64
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    pairs: dict[str, object] = {
        "general.architecture": "llama",
        "general.name": "A small llama",
        "general.license": "cc0-1.0",
        "llama.context_length": window,
        "llama.embedding_length": width,
        "llama.block_count": 1,
        "llama.feed_forward_length": wide,
        "llama.attention.head_count": 2,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": head_size,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * len(tokens),
        "tokenizer.ggml.token_type": [2, 3, 3, *[6] * 256, 1],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    shapes = {
        "token_embd.weight": (width, len(tokens)),
        "output_norm.weight": (width,),
        "blk.0.attn_norm.weight": (width,),
        "blk.0.attn_q.weight": (width, width),
        "blk.0.attn_k.weight": (width, width),
        "blk.0.attn_v.weight": (width, width),
        "blk.0.attn_output.weight": (width, width),
        "blk.0.ffn_norm.weight": (width,),
        "blk.0.ffn_gate.weight": (width, wide),
        "blk.0.ffn_up.weight": (width, wide),
        "blk.0.ffn_down.weight": (wide, width),
    }
    names, data = b"", b""
    for name, shape in shapes.items():
        names += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        weights = [((7 * place) % 13 - 6) / 20 for place in range(count)]
        data += struct.pack(f"<{count}f", *weights)
        data += bytes(-len(data) % ALIGNMENT)
    head = metadata(pairs, tensors=len(shapes)) + names
    return head + bytes(-len(head) % ALIGNMENT) + data


@pytest.fixture
def make_gguf(tmp_path: Path) -> MakeGguf:
    """Writes a GGUF file: a small model that works, or only a head with the `pairs` given."""

    def make(
        name: str = "small.gguf",
        *,
        pairs: dict[str, object] | None = None,
        head_size: int = 32,
        window: int = 512,
    ) -> Path:
        path = tmp_path / "models" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(metadata(pairs) if pairs is not None else small_llama(head_size, window))
        return path

    return make


@pytest.fixture
def small_engine(make_gguf: MakeGguf) -> MakeEngine:
    """Makes an engine for a small model that works; its plan is for any machine."""

    def make(*, path: Path | None = None, **options: float) -> Engine:
        plan = Plan(window=512, slots=2, cache="q8_0", prompt_cache=8, threads=1)
        return Engine(path or make_gguf(), "small", plan, **options)

    return make


def silent(_: object) -> None:
    """A progress that nobody watches."""


async def ask(address: Address, question: str = "Hi", **options: object) -> str:
    """The answer to one question, over HTTP as any program would ask."""
    async with client(address) as http:
        answer = await http.post("/chat/completions", json=body(question, **options))
        answer.raise_for_status()
        return str(answer.json()["choices"][0]["message"]["content"])


async def ask_streamed(address: Address, question: str = "Hi", **options: object) -> str:
    """The same, as a stream; its pieces put together."""
    pieces: list[str] = []
    asked = body(question, stream=True, **options)
    async with client(address) as http, http.stream("POST", "/chat/completions", json=asked) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                for choice in json.loads(line.removeprefix("data: "))["choices"]:
                    pieces.append(choice["delta"].get("content") or "")
    return "".join(pieces)


def client(address: Address) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {address.api_key}"}
    return httpx2.AsyncClient(base_url=address.base_url, headers=headers, timeout=60)


def body(question: str, **options: object) -> dict[str, object]:
    messages = [{"role": "user", "content": question}]
    return {"messages": messages, "temperature": 0, "max_tokens": 4, **options}


def alive(pid: int | None) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    assert pid
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip() != "" and not state.stdout.strip().startswith("Z")


async def until(condition: Callable[[], object], seconds: float = 5) -> float:
    """Waits for a condition; the seconds that it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, "it did not happen in time"
        await asyncio.sleep(0.02)
    return time.monotonic() - begin

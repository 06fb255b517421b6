"""A house that answers programs over real HTTP, with a scripted provider behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.world import Running, running_house

HI = [{"role": "user", "content": "The sky is blue"}]


@dataclass(frozen=True)
class Program:
    """A program with a key, and the provider that its requests reach."""

    running: Running
    provider: ScriptedProvider
    http: httpx2.AsyncClient
    key: str

    async def chat(self, **body: Any) -> httpx2.Response:
        """Ask for a completion; of `test/echo`, with a message, unless it says otherwise."""
        return await self.http.post("/chat/completions", json={"model": "test/echo", "messages": HI, **body})

    async def respond(self, **body: Any) -> httpx2.Response:
        """Ask for a response; of `test/echo` unless it says otherwise."""
        return await self.http.post("/responses", json={"model": "test/echo", "input": "Hello", **body})

    @property
    def sent(self) -> dict[str, Any]:
        """The body that the provider got last."""
        body: dict[str, Any] = self.provider.requests[-1].json
        return body

    async def ledger(self) -> list[dict[str, Any]]:
        """The ledger's rows, the newest first."""
        rows: list[dict[str, Any]] = (await self.running.program.get("/api/ledger")).json()["rows"]
        return rows


def events(answer: httpx2.Response) -> list[dict[str, Any]]:
    """The data of a stream's events, `[DONE]` left out."""
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def deltas(answer: httpx2.Response) -> list[dict[str, Any]]:
    """The deltas of a streamed completion."""
    return [choice["delta"] for chunk in events(answer) for choice in chunk["choices"]]


def joined(answer: httpx2.Response, name: str = "content") -> str:
    """A text that a streamed completion adds up to."""
    return "".join(delta.get(name) or "" for delta in deltas(answer))


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    """The error, whose shape is that of the API."""
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as provider:
        yield provider


@pytest.fixture
async def program(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Program]:
    async with running_house(tmp_path / "home", provider=provider.url) as running:
        key = (await running.house.users.new_key(running.house.owner, "program")).secret
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(base_url=f"{running.address}/v1", headers=headers, timeout=30) as http:
            yield Program(running, provider, http, key)

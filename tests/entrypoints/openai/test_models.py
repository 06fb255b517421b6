"""The list of models, and embeddings that are passed through."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.entrypoints.openai.conftest import Program, error_of

from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

VECTORS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -1e-9, 3]}],
    "model": "text-embedding",
    "usage": {"prompt_tokens": 5, "total_tokens": 5},
    "more": {"x": 1},
}


async def test_models_are_listed_by_the_names_under_which_they_are_asked(program: Program) -> None:
    listed = (await program.http.get("/models")).json()
    assert listed["object"] == "list"
    assert {"id": "test/echo", "object": "model", "created": 0, "owned_by": "test"} in listed["data"]


async def test_a_connection_that_cannot_be_asked_hides_no_other(program: Program) -> None:
    house = program.running.house
    await house.providers.connections.add(
        house.owner, name="gone", dialect="openai-chat", url="http://127.0.0.1:9/v1"
    )
    listed = (await program.http.get("/models")).json()["data"]
    assert {model["owned_by"] for model in listed} == {"test"}


async def test_one_model_can_be_looked_at(program: Program) -> None:
    assert (await program.http.get("/models/test/echo")).json()["id"] == "test/echo"
    assert (await program.http.get("/models/test/not-listed/x")).json()["id"] == "test/not-listed/x"
    gone = await program.http.get("/models/nobody/echo")
    assert (gone.status_code, error_of(gone)["code"]) == (404, "model_not_found")


@pytest.fixture
async def embedder(program: Program) -> AsyncIterator[list[HttpReceived]]:
    """A provider of embeddings, as the connection `vectors`; what it was asked."""
    asked: list[HttpReceived] = []

    async def handle(request: HttpReceived, reply: HttpReply) -> None:
        asked.append(request)
        failed = request.json["input"] == "fail"
        body: Any = {"error": {"message": "No."}} if failed else VECTORS
        reply.whole(400 if failed else 200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    house = program.running.house
    async with LoopbackServer(handle) as server:
        for name, dialect in (("vectors", "openai-chat"), ("claude", "anthropic-messages")):
            await house.providers.connections.add(
                house.owner, name=name, dialect=dialect, url=f"{server.url}/v1", key="k-012345"
            )
        yield asked


async def embed(program: Program, **body: Any) -> Any:
    return await program.http.post(
        "/embeddings", json={"model": "vectors/text-embedding", "input": "x", **body}
    )


async def test_embeddings_are_passed_through_both_ways(
    program: Program, embedder: list[HttpReceived]
) -> None:
    answered = await embed(program, input=["a", "b"], dimensions=3, user=None)
    assert answered.json() == {**VECTORS, "model": "vectors/text-embedding"}
    (request,) = embedder
    assert (request.method, request.path) == ("POST", "/v1/embeddings")
    assert request.headers["authorization"] == "Bearer k-012345"
    assert request.json == {"model": "text-embedding", "input": ["a", "b"], "dimensions": 3}
    (row,) = await program.ledger()
    assert (row["purpose"], row["model"], row["usage"]["input_tokens"]) == (
        "api",
        "vectors/text-embedding",
        5,
    )


async def test_a_refused_embedding_is_an_error(program: Program, embedder: list[HttpReceived]) -> None:
    refused = await embed(program, input="fail")
    assert (refused.status_code, error_of(refused)["code"]) == (400, "provider_refused")


@pytest.mark.parametrize(
    ("body", "code"),
    [({"input": None}, "missing_required_parameter"), ({"model": "claude/x"}, "model_cannot_embed")],
)
async def test_an_embedding_that_cannot_be(
    program: Program, embedder: list[HttpReceived], body: dict[str, Any], code: str
) -> None:
    refused = await embed(program, **body)
    assert (refused.status_code, error_of(refused)["code"]) == (400, code)
    assert embedder == []

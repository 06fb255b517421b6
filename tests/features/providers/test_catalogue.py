"""Lists of models are read in every shape in use, and facts are taken only where somebody said them."""

from __future__ import annotations

from typing import Any

import pytest

from windowseat.core.errors import Refused
from windowseat.core.model import Model
from windowseat.features.providers.catalogue import model_of, page_of
from windowseat.features.providers.listing import list_url


def facts(item: dict[str, Any], dialect: Any = "openai-chat") -> dict[str, Any]:
    (model,) = page_of(dialect, {"data": [item]}).models
    return dict(model.facts)


def test_the_plain_list_tells_ids_and_no_facts() -> None:
    body = {
        "object": "list",
        "data": [{"id": "a", "object": "model", "created": 1}, {"id": "b"}, {"id": "a"}],
    }
    page = page_of("openai-chat", body)
    assert [(model.id, model.facts) for model in page.models] == [("a", {}), ("b", {})]
    assert page.next == {}


def test_openrouter_tells_window_modalities_and_what_may_be_asked() -> None:
    told = facts(
        {
            "id": "lab/model",
            "name": "Lab: Model",
            "context_length": 128_000,
            "architecture": {"input_modalities": ["text", "image", "smell"], "output_modalities": ["text"]},
            "top_provider": {"context_length": 99, "max_completion_tokens": 4096},
            "supported_parameters": ["tools", "temperature"],
        }
    )
    assert told == {
        "title": "Lab: Model",
        "window": 128_000,
        "output_limit": 4096,
        "inputs": ["text", "image"],
        "outputs": ["text"],
        "tools": True,
        "thinking": False,
        "structured": False,
    }


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"id": "m", "max_model_len": 4096}, {"window": 4096}),
        (
            {"id": "m", "context_window": 8192, "max_completion_tokens": 100},
            {"window": 8192, "output_limit": 100},
        ),
        (
            {"id": "m", "max_context_length": 32768, "capabilities": {"function_calling": True}},
            {"window": 32768, "tools": True},
        ),
        ({"id": "m", "name": "m", "context_length": True, "max_output_tokens": -1}, {}),
        (
            {
                "id": "m",
                "architecture": "x",
                "capabilities": [],
                "supported_parameters": {},
                "display_name": 3,
            },
            {},
        ),
    ],
)
def test_other_shapes_are_known_and_strange_ones_tell_nothing(
    item: dict[str, Any], told: dict[str, Any]
) -> None:
    assert facts(item) == told


def test_anthropic_has_titles_and_pages() -> None:
    body = {
        "data": [{"type": "model", "id": "c-1", "display_name": "C 1", "created_at": "2026-01-01T00:00:00Z"}],
        "has_more": True,
        "first_id": "c-1",
        "last_id": "c-1",
    }
    page = page_of("anthropic-messages", body)
    assert [(model.id, model.facts) for model in page.models] == [("c-1", {"title": "C 1"})]
    assert page.next == {"after_id": "c-1"}
    assert page_of("anthropic-messages", {**body, "has_more": False}).next == {}


def test_gemini_has_names_limits_pages_and_models_that_do_not_talk() -> None:
    body = {
        "models": [
            {
                "name": "models/g-1",
                "displayName": "G 1",
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
                "thinking": True,
            },
            {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]},
        ],
        "nextPageToken": "n",
    }
    page = page_of("gemini-generate", body)
    wanted = {"title": "G 1", "window": 1_048_576, "output_limit": 65_536, "thinking": True}
    assert [(model.id, model.facts) for model in page.models] == [("g-1", wanted)]
    assert page.next == {"pageToken": "n"}


def test_a_bare_list_is_a_list_and_what_is_no_model_is_passed_over() -> None:
    page = page_of(
        "openai-chat", [{"id": "a"}, None, "b", {"id": 3}, {"id": ""}, {"id": "x" * 301}, {"id": "a\nb"}]
    )
    assert [model.id for model in page.models] == ["a"]


@pytest.mark.parametrize("body", [None, 3, "x", {}, {"data": "x"}, {"error": {"message": "no"}}])
def test_what_holds_no_list_is_refused(body: Any) -> None:
    with pytest.raises(Refused) as fault:
        page_of("openai-chat", body)
    assert fault.value.code == "models_unreadable"


def test_facts_become_a_model_and_those_that_cannot_be_read_are_unknown() -> None:
    good = model_of(
        "work", "openai-chat", "a/b", {"window": 10, "inputs": ["text"], "title": "A", "tools": True}
    )
    assert good == Model(
        connection="work",
        id="a/b",
        dialect="openai-chat",
        window=10,
        inputs=frozenset({"text"}),
        title="A",
        tools=True,
    )
    plain = Model(connection="work", id="x", dialect="openai-chat")
    for strange in ({"window": "many"}, {"smell": 1}, {"inputs": ["smell"]}):
        assert model_of("work", "openai-chat", "x", strange) == plain
    assert model_of("work", "openai-chat", "x", {"id": "y", "connection": "local"}) == plain


@pytest.mark.parametrize(
    ("dialect", "base", "url"),
    [
        ("openai-chat", "https://x.example/v1", "https://x.example/v1/models"),
        ("openai-responses", "https://x.example", "https://x.example/models"),
        ("anthropic-messages", "https://x.example", "https://x.example/v1/models"),
        ("anthropic-messages", "https://x.example/v1", "https://x.example/v1/models"),
        ("gemini-generate", "https://x.example", "https://x.example/v1beta/models"),
        ("gemini-generate", "https://x.example/v1beta", "https://x.example/v1beta/models"),
        ("gemini-generate", "https://x.example/v1", "https://x.example/v1/models"),
    ],
)
def test_a_version_that_ends_the_base_is_not_repeated(dialect: Any, base: str, url: str) -> None:
    assert list_url(dialect, base) == url

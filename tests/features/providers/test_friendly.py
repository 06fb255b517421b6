"""Names that people use mean the current model of whoever is connected."""

from __future__ import annotations

import pytest

from windowseat.features.providers.facts import catalogued_models
from windowseat.features.providers.friendly import FAMILIES, Candidate, resolved


def catalogue(*providers: str) -> list[Candidate]:
    """All that the catalogue has of these, each as a connection of the provider's name."""
    return [
        Candidate(connection=name, provider=name, id=model)
        for name in providers
        for model in catalogued_models(name)
    ]


EVERYONE = catalogue(
    "openai", "anthropic", "google", "xai", "meta", "mistral", "deepseek", "perplexity", "groq"
)


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("gpt", "openai/gpt-6.1-sol"),
        ("GPT", "openai/gpt-6.1-sol"),
        ("gpt-mini", "openai/gpt-6.1-terra"),
        ("openai", "openai/gpt-6.1-sol"),
        ("claude", "anthropic/claude-sonnet-5-5"),
        ("claude opus", "anthropic/claude-opus-5-5"),
        ("claude  haiku", "anthropic/claude-haiku-5-5"),
        ("gemini", "google/gemini-4-argon"),
        ("gemini flash", "google/gemini-3.8-flash"),
        ("gemini flash lite", "google/gemini-3.5-flash-lite"),
        ("grok", "xai/grok-4.7"),
        ("deepseek", "deepseek/deepseek-v4-pro"),
        ("mistral", "mistral/mistral-large-4"),
        ("muse", "meta/muse-spark-1.3"),
        ("perplexity", "perplexity/sonar"),
        ("gpt-5.5", "openai/gpt-5.5"),
    ],
)
def test_a_name_means_the_newest_of_its_family(name: str, means: str) -> None:
    found = resolved(name, EVERYONE)
    assert found is not None
    assert f"{found.connection}/{found.id}" == means


def test_a_model_that_is_listed_tomorrow_is_current_tomorrow() -> None:
    newer = Candidate(connection="anthropic", provider="anthropic", id="claude-sonnet-6")
    assert resolved("claude", [*EVERYONE, newer]) == newer


def test_the_makers_own_connection_comes_before_a_routers_and_a_router_will_do() -> None:
    routed = Candidate(connection="router", provider="openrouter", id="anthropic/claude-sonnet-6")
    assert resolved("claude", [*EVERYONE, routed]) != routed
    assert resolved("claude", [routed]) == routed


@pytest.mark.parametrize("name", ["", "nothing", "claude ultra", "../x", "gpt" * 1000])
def test_a_name_that_nobody_has_means_nothing(name: str) -> None:
    assert resolved(name, EVERYONE) is None


def test_no_two_families_have_one_name() -> None:
    names = [name for family in FAMILIES for name in family.names]
    assert sorted(names) == sorted(set(names))

"""The catalogue is whole and says who told what; efforts and search are what can be asked for, not more."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

import pytest

from windowseat import codec
from windowseat.app import _codec
from windowseat.core.errors import Refused
from windowseat.core.message import Message
from windowseat.core.model import Dialect, Effort, Model, Options
from windowseat.core.parts import Text
from windowseat.core.tool import Tool
from windowseat.core.window import Insert, assemble
from windowseat.features.providers.facts import (
    EFFORTS,
    checked_facts,
    facts_of,
    quirks_for,
    values_of,
    with_search,
)
from windowseat.features.providers.providers_data import PROVIDERS

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
LINES = [
    json.loads(line)
    for line in files("windowseat.features.providers").joinpath("facts.jsonl").read_text("utf-8").splitlines()
]


def known(dialect: Dialect, url: str, model: str, provider: str | None = None, **more: Any) -> Model:
    """The model with all that is known of it."""
    facts = facts_of(
        dialect=dialect, url=url, model=model, provider=provider, listed=more.get("listed", {}),
        listed_at=NOW, told=more.get("told", {}), told_at=NOW,
    )  # fmt: skip
    base = {"connection": "c", "id": model, "dialect": dialect}
    return codec.read(Model, {**values_of(facts), **base})


def test_every_line_of_the_catalogue_has_its_source_with_a_day_and_says_only_what_may_be_said() -> None:
    sources = [line for line in LINES if "source" in line]
    assert all(date.fromisoformat(source["date"]) for source in sources)
    assert [source["date"] for source in sources] == sorted(source["date"] for source in sources)
    providers = {row.facts for row in PROVIDERS}
    for line in LINES[len(sources) :]:
        assert 0 <= line["from"] < len(sources)
        assert line["provider"] in providers
        checked_facts({name: line[name] for name in line.keys() - {"from", "provider", "id"}})


@pytest.mark.parametrize(
    ("provider", "model", "window"),
    [
        ("anthropic", "claude-opus-5-5", 1_000_000),
        ("google", "gemini-4-argon", 1_048_576),
        ("openai", "gpt-5", 400_000),
        ("openai", "gpt-5.5-2026-04-23", 1_050_000),
        ("xai", "grok-4.7", 500_000),
    ],
)
def test_the_catalogue_knows_current_models(provider: str, model: str, window: int) -> None:
    found = known("openai-chat", "https://x.example", model, provider)
    assert (found.window, found.tools, found.thinking) == (window, True, True)


def test_facts_of_three_sources_each_keep_their_own() -> None:
    facts = facts_of(
        dialect="openai-chat", url="https://api.x.ai/v1", model="grok-4.7", provider="xai",
        listed={"window": 7}, listed_at=NOW, told={"tools": False}, told_at=NOW,
    )  # fmt: skip
    assert (facts["window"].value, facts["window"].source) == (7, "the provider's list")
    assert (facts["tools"].value, facts["tools"].source, facts["tools"].date) == (False, "you", NOW.date())
    assert facts["output_limit"].source == "litellm 1.109.1"


HOSTS: tuple[tuple[Dialect, str, str], ...] = (
    ("openai-responses", "https://api.openai.com/v1", "gpt-6.1-sol"),
    ("openai-chat", "https://api.openai.com/v1", "gpt-5.5"),
    ("anthropic-messages", "https://api.anthropic.com", "claude-opus-5-5"),
    ("gemini-generate", "https://generativelanguage.googleapis.com", "gemini-3.8-flash"),
    ("openai-chat", "https://api.x.ai/v1", "grok-4.7"),
    ("openai-chat", "https://api.mistral.ai/v1", "mistral-large-4"),
    ("openai-chat", "https://openrouter.ai/api/v1", "openai/gpt-5.5"),
)


def body_of(model: Model, url: str, options: Options, tools: tuple[Tool, ...] = ()) -> dict[str, Any]:
    host = url.split("/")[2]
    asked = with_search(options, model, quirks_for(model.dialect, host, model.id))
    said = Message(id="m", thread="t", parent=None, role="user", parts=(Text(text="Hi"),), created=NOW)
    inserts = [Insert(key=f"tool:{tool.name}", kind="tool", label=tool.name, content=tool) for tool in tools]
    pieces = _codec(model.dialect, host).encode(assemble(inserts, [said]), model, asked, {})
    found: dict[str, Any] = json.loads(b"".join(piece.data for piece in pieces))
    return found


@pytest.mark.parametrize(("dialect", "url", "id"), HOSTS, ids=[id for _, _, id in HOSTS])
def test_each_effort_that_a_model_is_said_to_take_is_asked_for_in_its_own_way(
    dialect: Dialect, url: str, id: str
) -> None:
    model = known(dialect, url, id, listed={"thinking": True})
    assert model.efforts
    assert list(model.efforts) == [effort for effort in EFFORTS if effort in model.efforts]
    bodies = {effort: body_of(model, url, Options(effort=effort)) for effort in model.efforts}
    assert len({json.dumps(body) for body in bodies.values()}) >= len(model.efforts) - 1  # minimal may be low


@pytest.mark.parametrize("effort", EFFORTS)
def test_a_model_that_does_not_think_is_told_nothing_of_thinking(effort: Effort) -> None:
    for dialect, url, id in HOSTS:
        model = known(dialect, url, id, told={"thinking": False})
        assert model.efforts == ()
        assert body_of(model, url, Options(effort=effort)) == body_of(model, url, Options())


SEARCHED: dict[tuple[Dialect, str, str], dict[str, Any]] = {
    ("openai-responses", "https://api.openai.com/v1", "gpt-5.5"): {"type": "web_search"},
    ("anthropic-messages", "https://api.anthropic.com", "claude-opus-5-5"): {
        "type": "web_search_20250305", "name": "web_search",
    },
    ("gemini-generate", "https://generativelanguage.googleapis.com", "gemini-3.8-flash"): {
        "googleSearch": {},
    },
}  # fmt: skip


@pytest.mark.parametrize("place", SEARCHED, ids=[place[0] for place in SEARCHED])
def test_search_is_asked_for_in_the_providers_words(
    place: tuple[Dialect, str, str],
) -> None:
    dialect, url, id = place
    model = known(dialect, url, id)
    tool = Tool(name="open_file", description="Opens.", schema={"type": "object", "properties": {}})
    tools = body_of(model, url, Options(search=True), (tool,))["tools"]
    assert [each for each in tools if SEARCHED[place].items() <= each.items()]
    assert "open_file" in json.dumps(tools)
    plain = body_of(model, url, Options(), (tool,))["tools"]
    assert [each for each in plain if SEARCHED[place].items() <= each.items()] == []
    cannot = known(*place, told={"search": False})
    assert body_of(cannot, url, Options(search=True)) == body_of(cannot, url, Options())


def test_where_search_cannot_be_asked_for_it_is_not_and_the_facts_say_so() -> None:
    url = "https://api.openai.com/v1"
    model = known("openai-chat", url, "gpt-5.5", "openai")
    assert model.search is False
    assert body_of(model, url, Options(search=True)) == body_of(model, url, Options())
    routed = known("openai-chat", "https://openrouter.ai/api/v1", "openai/gpt-5.5")
    assert body_of(routed, "https://openrouter.ai/api/v1", Options(search=True))["plugins"] == [{"id": "web"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": -1}, {"window": True}, {"window": "1"}, {"inputs": ["smell"]}, {"inputs": "text"},
        {"tools": "yes"}, {"title": ""}, {"title": "a\nb"}, {"retires": "soon"}, {"silence": 0},
        {"dialect": "openai-chat"}, {"unknown": 1}, {"efforts": ["enormous"]},
    ],
)  # fmt: skip
def test_only_facts_can_be_said_and_only_as_what_they_are(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refused) as fault:
        checked_facts(wrong)
    assert fault.value.code == "model_fact"

"""Providers, connections, models and money over HTTP: what is told, tested, summed; and no key anywhere."""

from __future__ import annotations

import csv
import io
import json
import logging
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from tests.entrypoints.web.conftest import read_events

from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import error
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer
from windowseat.testing.world import Running, running_house

KEY = "sk-planted-0123456789abcdef-9876"
ENVIRONMENT_KEY = "sk-environment-abcdef0123456789-5432"
HEADER = "header-secret-0123456789-1357"


async def add(running: Running, provider: ScriptedProvider, name: str = "planted") -> None:
    body = {"name": name, "dialect": "openai-chat", "url": provider.url, "key": KEY}
    assert (await running.program.post("/api/connections", json=body)).status_code == 201


async def test_known_providers_say_where_to_get_a_key_and_who_told(running: Running) -> None:
    told = (await running.program.get("/api/providers")).json()["providers"]
    names = {each["name"] for each in told}
    assert names >= {
        "openai", "anthropic", "google", "xai", "meta", "azure", "github", "groq", "mistral", "deepseek",
        "openrouter", "cerebras", "together", "huggingface", "perplexity", "cohere", "ollama", "lm-studio",
        "llama-cpp", "vllm",
    }  # fmt: skip
    for each in told:
        assert each["source"]
        assert each["read"]
        assert each["key_url"].startswith("https://")
        assert each["url"] or each["url_example"]


async def test_a_known_provider_needs_only_a_key(running: Running) -> None:
    added = await running.program.post("/api/connections", json={"provider": "anthropic", "key": KEY})
    shown = added.json()
    assert (shown["name"], shown["dialect"], shown["url"]) == (
        "anthropic", "anthropic-messages", "https://api.anthropic.com",
    )  # fmt: skip
    assert (shown["provider"], shown["by"], shown["needs_key"]) == ("anthropic", "user", False)
    azure = await running.program.post("/api/connections", json={"provider": "azure", "key": KEY})
    assert (azure.status_code, azure.json()["code"]) == (422, "connection_url")
    assert "YOUR-RESOURCE" in azure.json()["hint"]


async def test_a_test_answers_in_words_and_has_its_row_in_the_ledger(
    running: Running, provider: ScriptedProvider
) -> None:
    await add(running, provider)
    good = (await running.program.post("/api/connections/planted/test", json={})).json()
    assert good["ok"], good
    assert good["model"].startswith("planted/")
    rows = (await running.program.get("/api/ledger")).json()["rows"]
    assert [(row["purpose"], row["model"], row["thread"]) for row in rows] == [("test", good["model"], None)]
    provider.script([error(401, "Incorrect API key provided: " + KEY)])
    bad = (await running.program.post("/api/connections/planted/test", json={"model": "echo"})).json()
    assert (bad["ok"], bad["code"]) == (False, "provider_key_refused")
    assert bad["hint"]
    assert KEY not in str(bad)


async def test_facts_of_a_model_say_who_told_them_and_the_users_word_stands_over_all(
    running: Running,
) -> None:
    await running.program.post("/api/connections", json={"provider": "openai", "key": KEY})
    address = "/api/models/facts?model=openai/gpt-5.5"
    before = (await running.program.get(address)).json()["facts"]
    assert before["window"]["value"] == 1_050_000
    assert "litellm" in before["window"]["source"]
    assert before["window"]["date"] == "2026-11-12"
    after = await running.program.patch(address, json={"facts": {"window": 5000, "tools": False}})
    assert (after.json()["facts"]["window"]["value"], after.json()["facts"]["window"]["source"]) == (
        5000,
        "you",
    )
    models = (await running.program.get("/api/models")).json()["models"]
    (model,) = [each for each in models if each["name"] == "openai/gpt-5.5"]
    assert (model["window"], model["tools"]) == (5000, False)
    back = await running.program.patch(address, json={"facts": {"window": None, "tools": None}})
    assert back.json()["facts"] == before
    wrong = await running.program.patch(address, json={"facts": {"window": "large"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "model_fact")


async def test_rates_are_told_and_can_be_set(running: Running, provider: ScriptedProvider) -> None:
    await running.program.post("/api/connections", json={"provider": "openai", "key": KEY})
    await add(running, provider)
    names = ["openai/gpt-5.5", "planted/echo", "local/smollm2"]
    told = (await running.program.get("/api/models/rates", params={"model": names[:2]})).json()["models"]
    assert told[0]["rates"]["input_mtok"] == "5"
    assert told[1]["rates"] is None
    rates = {"input": "2", "output": "4"}
    put = await running.program.put("/api/models/rates?model=planted/echo", json=rates)
    assert put.status_code == 204
    (mine,) = (await running.program.get("/api/models/rates?model=planted/echo")).json()["models"]
    assert (mine["rates"], mine["source"]) == ({"input_mtok": "2", "output_mtok": "4"}, "you")


async def test_a_priced_turn_tells_its_price_and_the_sums_agree(
    running: Running, provider: ScriptedProvider
) -> None:
    await add(running, provider)
    await running.program.put("/api/models/rates?model=planted/echo", json={"input": "1", "output": "1000"})
    begun = await running.start("Say it again, please.", model="planted/echo")
    events = await read_events(running.program, f"/api/turns/{begun['turn']}/events", until="turn_settled")
    price = events[-1][1]["price"]
    (message,) = [
        each
        for each in (await running.program.get(f"/api/threads/{begun['thread']}/messages")).json()["messages"]
        if each["id"] == begun["message"]
    ]
    assert Decimal(price["amount"]) > 0
    assert message["price"] == price
    sums = (await running.program.get("/api/ledger/sums?by=thread")).json()["sums"]
    assert [each["price"]["amount"] for each in sums] == [price["amount"]]
    text = (await running.program.get("/api/ledger/export")).text
    assert [Decimal(line["price"]) for line in csv.DictReader(io.StringIO(text))] == [
        Decimal(price["amount"])
    ]
    speeds = (await running.program.get("/api/models/speeds")).json()["speeds"]
    assert speeds["planted/echo"]["requests"] == 1
    wrong = await running.program.get("/api/ledger/sums?by=mood")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bad_query")


async def test_nobody_sees_the_facts_rates_or_sums_of_another(
    running: Running, provider: ScriptedProvider, other: httpx2.AsyncClient
) -> None:
    await add(running, provider)
    assert (await other.get("/api/models/facts?model=planted/echo")).status_code == 422
    assert (await other.get("/api/models/rates?model=planted/echo")).status_code == 422
    assert (await other.post("/api/connections/planted/test", json={})).status_code == 422
    assert (await other.get("/api/ledger/sums")).json() == {"sums": []}


async def test_no_planted_key_is_in_any_answer_log_error_or_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider quotes all that it was sent, in errors of every kind; everything that we say is searched."""
    got: list[str] = []

    async def quote(asked: HttpReceived, reply: HttpReply) -> None:
        got.append(f"{asked.path} {dict(asked.headers)}")
        if asked.method == "GET":
            return reply.whole(200, b'{"data":[{"id":"echo"}]}', {"Content-Type": "application/json"})
        status, kind = ((400, "application/json"), (401, "text/html"), (500, "text/plain"))[len(got) % 3]
        return reply.whole(
            status, json.dumps({"error": {"message": got[-1]}}).encode(), {"Content-Type": kind}
        )

    caplog.set_level(logging.DEBUG)
    async with LoopbackServer(quote) as server:
        url = f"{server.url}/v1"
        monkeypatch.setenv("OPENAI_API_KEY", ENVIRONMENT_KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        async with running_house(tmp_path / "home", provider=url) as running:
            program = running.program
            more = {"headers": {"x-own": HEADER}, "query": {"api-key": HEADER}}
            seen = [
                await program.post("/api/connections", json=body)
                for body in (
                    {"name": "planted", "dialect": "openai-chat", "url": url, "key": KEY},
                    {"name": "headed", "dialect": "openai-chat", "url": url, **more},
                    {"provider": "xai", "key": f"{KEY} two"},
                )
            ]
            seen.append(await program.patch("/api/connections/planted", json={"url": "https://x.example/v1"}))
            for name in ("planted", "openai", "headed") * 3:
                seen.append(await program.post(f"/api/connections/{name}/test", json={"model": "echo"}))
                begun = await running.start("Hello", model=f"{name}/echo")
                seen.append(await program.get(f"/api/turns/{begun['turn']}/events"))
                seen.append(await program.get(f"/api/turns/{begun['turn']}/requests/1"))
            for path in (
                "connections", "models", "models?connection=planted", "ledger", "ledger/sums",
                "ledger/export", "settings", "providers", "threads", "models/facts?model=planted/echo",
                "models/rates?model=openai/echo", "models/speeds", "fallbacks",
            ):  # fmt: skip
                seen.append(await program.get(f"/api/{path}"))
            connections = await running.house.providers.connections.list(running.house.owner)
            shown = repr(running.house) + repr(connections)
    for secret in (KEY, ENVIRONMENT_KEY, HEADER):
        assert "\n".join(each.text for each in seen if secret in each.text) == ""
        assert secret not in caplog.text
        assert secret not in shown
        held = [file for file in tmp_path.rglob("*") if file.is_file()]
        assert [file for file in held if secret.encode() in file.read_bytes()] == []
        assert [each for each in got if secret in each] != [], "it went where it belongs"


async def test_who_takes_over_is_set_for_all_threads_or_one_and_the_answer_says_so(
    running: Running, provider: ScriptedProvider
) -> None:
    await add(running, provider)
    body = {"models": ["planted/echo"]}
    assert (await running.program.put("/api/fallbacks", json=body)).json() == body
    assert (await running.program.get("/api/fallbacks")).json() == body
    provider.script([error(529, "Overloaded", headers={"Retry-After": "600"})])
    begun = await running.start("Who is there?", model="test/echo")
    events = await read_events(running.program, f"/api/turns/{begun['turn']}/events", until="turn_settled")
    assert [event["code"] for _, event in events if event["type"] == "notice"] == ["fallback"]
    assert [event["model"] for _, event in events if event["type"] == "step_started"] == [
        "test/echo", "planted/echo",
    ]  # fmt: skip
    assert events[-1][1]["stop_reason"] == "end"
    nowhere = await running.program.put("/api/fallbacks?thread=nowhere", json=body)
    assert nowhere.status_code == 404
    unknown = await running.program.put("/api/fallbacks", json={"models": ["nobody/x"]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "connection_unknown")

"""Connections that nobody adds: from the environment's variables, and from programs on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from windowseat.core.errors import Refused
from windowseat.core.model import DIALECTS
from windowseat.features.providers.environment import from_environment
from windowseat.features.providers.finding import LOCAL, find_local
from windowseat.features.providers.providers_data import PROVIDERS, known_provider, provider_of
from windowseat.features.providers.transport.client import Transport
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

KEY = "sk-environment-0123456789"


# -- providers known by name ----------------------------------------------------------------------


@pytest.mark.parametrize("row", PROVIDERS, ids=lambda row: row.name)
def test_a_known_provider_is_whole(row) -> None:
    assert row.dialect in DIALECTS
    assert row.source
    assert row.key_url.startswith("https://")
    assert not row.tried_live, "say so in the row's source when one was tried with a key"
    if row.port is None:
        assert row.url.startswith("https://") or row.url_example.startswith("https://")
        assert provider_of(row.url or row.url_example) is row
        assert row.variables
    else:
        assert urlsplit(row.url).port == row.port
        assert row.sign is not None


def test_an_azure_resource_is_known_by_the_end_of_its_host_and_a_stranger_is_not() -> None:
    azure = provider_of("https://some-firm.openai.azure.com/openai/v1")
    assert azure is not None
    assert azure.name == "azure"
    for stranger in (
        "https://api.openai.com.evil.example/v1",
        "https://models.example.org",
        "http://127.0.0.1:11434/v1",
    ):
        assert provider_of(stranger) is None
    with pytest.raises(Refused) as fault:
        known_provider("nobody")
    assert "openai" in fault.value.hint


# -- the environment ------------------------------------------------------------------------------


def test_a_key_in_the_usual_variable_is_a_connection_that_says_so_and_hides_the_key() -> None:
    given = from_environment({"ANTHROPIC_API_KEY": f" {KEY}\n", "PATH": "/bin"})
    assert list(given) == ["anthropic"]
    shown = given["anthropic"].shown
    assert (shown.by, shown.variable, shown.built_in) == ("environment", "ANTHROPIC_API_KEY", True)
    assert given["anthropic"].way.key == KEY
    assert KEY not in repr(given)


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"OPENAI_API_KEY": KEY}, "https://api.openai.com/v1"),
        ({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:4000/v1/"}, "http://127.0.0.1:4000/v1"),
        (
            {"AZURE_OPENAI_API_KEY": KEY, "AZURE_OPENAI_ENDPOINT": "https://firm.openai.azure.com/"},
            "https://firm.openai.azure.com/openai/v1",
        ),
        ({"AZURE_OPENAI_API_KEY": KEY}, None),
        ({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "not a url"}, None),
        ({"OPENAI_API_KEY": "two words"}, None),
        ({"OPENAI_API_KEY": "  "}, None),
    ],
)  # fmt: skip
def test_a_key_goes_only_to_the_address_that_the_environment_names_with_it(
    environ: Mapping[str, str], url: str | None
) -> None:
    given = from_environment(environ)
    assert [each.way.url for each in given.values()] == ([] if url is None else [url])


# -- programs on this machine ---------------------------------------------------------------------


def at(server: LoopbackServer, name: str):
    """The row of that name, as if its usual port were that of this server."""
    (row,) = [each for each in LOCAL if each.name == name]
    return replace(row, url=f"{server.url}/v1")


ANSWERS = {
    "ollama": ("/api/version", {"version": "0.14.0"}),
    "lm-studio": ("/v1/models", {"object": "list", "data": [{"id": "q", "owned_by": "organization_owner"}]}),
    "llama-cpp": ("/v1/models", {"object": "list", "data": [{"id": "m.gguf", "owned_by": "llamacpp"}]}),
    "vllm": ("/v1/models", {"object": "list", "data": [{"id": "q", "owned_by": "vllm"}]}),
}


def answering(path: str, body: bytes, kind: str = "application/json"):
    async def handle(asked: HttpReceived, reply: HttpReply) -> None:
        assert "authorization" not in asked.headers
        reply.whole(200 if asked.path == path else 404, body, {"Content-Type": kind})

    return handle


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_program_is_found_by_its_sign(transport: Transport, name: str) -> None:
    path, body = ANSWERS[name]
    async with LoopbackServer(answering(path, json.dumps(body).encode())) as server:
        found = await find_local(transport, [at(server, name)])
    assert list(found) == [name]
    assert (found[name].shown.by, found[name].way.key) == ("found", None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>A page</html>", "text/html"),
        (b'{"data": [{"id": "x", "owned_by": "somebody"}]}', "application/json"),
        (b'{"data": "no list"}', "application/json"),
        (b"[1, 2]", "application/json"),
        (b'{"version": ', "application/json"),
    ],
)
async def test_a_stranger_on_a_usual_port_is_not_taken_for_one(
    transport: Transport, body: bytes, kind: str
) -> None:
    async with LoopbackServer(answering("/v1/models", body, kind)) as server:
        assert await find_local(transport, [at(server, name) for name in ANSWERS]) == {}


async def test_looking_never_takes_longer_than_a_moment_and_says_nothing(
    transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang(asked: HttpReceived, reply: HttpReply) -> None:
        await asked.gone.wait()

    async with LoopbackServer(hang) as server:
        began = time.monotonic()
        assert await find_local(transport, [at(server, name) for name in ANSWERS]) == {}
        assert time.monotonic() - began < 2
    assert await find_local(transport, [replace(each, url="http://127.0.0.1:1/v1") for each in LOCAL]) == {}
    assert caplog.records == []


def test_the_page_names_every_known_provider_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "features" / "providers.md").read_text("utf-8")
    for row in PROVIDERS:
        line = next((line for line in page.splitlines() if line.startswith(f"| `{row.name}` |")), "")
        for told in (row.title, row.key_url, row.dialect, row.url or row.url_example, *row.variables):
            assert told in line, f"docs/features/providers.md, {row.name}: {told}"

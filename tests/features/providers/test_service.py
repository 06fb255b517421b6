"""From a window to a provider and back: names, requests, what goes along, what comes, how it ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from windowseat.core.ask import User
from windowseat.core.errors import Fault, NotFound, ProviderFault, Refused
from windowseat.core.events import PartDelta, PartSettled, Waiting
from windowseat.core.exchange import Answered, FileFacts, Finished, Received
from windowseat.core.message import Message
from windowseat.core.model import Model, Options
from windowseat.core.parts import Display, File, Image, Text, ToolCall, ToolResult
from windowseat.core.request import Request
from windowseat.core.window import Window, assemble
from windowseat.features.providers import ProviderService, Transport
from windowseat.features.providers.dialects.openai_chat import OpenaiChat
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.secrets import Secrets
from windowseat.testing.clock import StoppedClock
from windowseat.testing.late import LateProvider
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import answer, broken_json, cut, error, hang, page, raw, silent, text
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

KEY = "sk-live-0123456789abcdef"
JSON = {"Content-Type": "application/json"}


class SomeFiles:
    """Files by id: their facts and their bytes."""

    def __init__(self) -> None:
        self.held: dict[str, FileFacts] = {}
        self.asked: list[str] = []

    async def facts(self, ids: Sequence[str]) -> Mapping[str, FileFacts]:
        self.asked += ids
        return {file: self.held[file] for file in ids if file in self.held}

    async def base64(self, file: str) -> bytes:
        return f"base64-of-{file}".encode()


@pytest.fixture
def files() -> SomeFiles:
    return SomeFiles()


@pytest.fixture
def late(provider: ScriptedProvider) -> LateProvider:
    return LateProvider(provider.url, missing=("huge",))


Make = Callable[..., ProviderService]


@pytest.fixture
def make(
    database: Database, tmp_path: Path, clock: StoppedClock, ids: Ids, transport: Transport, files: SomeFiles,
    late: LateProvider,
) -> Make:  # fmt: skip
    (tmp_path / "keys").mkdir(exist_ok=True)
    secrets = Secrets(tmp_path / "keys" / "connections.key")

    def make(**more: Any) -> ProviderService:
        return ProviderService(
            database, secrets, clock, ids, transport=transport, dialects={"openai-chat": OpenaiChat},
            files=files, late={"local": late}, **more,
        )  # fmt: skip

    return make


@pytest.fixture
async def service(make: Make, provider: ScriptedProvider, user: User) -> ProviderService:
    """With one connection, `work`, to the scripted provider."""
    made = make()
    await made.connections.add(user, name="work", dialect="openai-chat", url=provider.url, key=KEY)
    return made


def window(*parts: Any) -> Window:
    clock = StoppedClock()
    message = Message(id="m", thread="t", parent=None, role="user", parts=parts, created=clock.now())
    return assemble((), [message])


async def request_of(
    service: ProviderService, user: User, name: str = "work/echo", *parts: Any, options: Options | None = None
) -> tuple[Request, Model]:
    model = await service.model(user, name)
    shown = window(*(parts or (Text(text="The sky is blue."),)))
    return await service.encode(shown, model, options or Options()), model


async def received(service: ProviderService, user: User, request: Request, model: Model) -> list[Received]:
    async with aclosing(service.exchange(user, request, model)) as batches:  # type: ignore[type-var]
        return [each async for batch in batches for each in batch]


async def ask(service: ProviderService, user: User, name: str = "work/echo", **more: Any) -> list[Received]:
    request, model = await request_of(service, user, name, **more)
    return await received(service, user, request, model)


async def until_fault(
    service: ProviderService, user: User, request: Request, model: Model
) -> tuple[list[Received], Fault]:
    """What came before it broke, and how."""
    seen: list[Received] = []

    async def take() -> None:
        async for batch in service.exchange(user, request, model):
            seen.extend(batch)

    with pytest.raises(Fault) as fault:
        await take()
    return seen, fault.value


def words(all_received: list[Received]) -> str:
    return "".join(
        part.text
        for each in all_received
        if isinstance(each, PartSettled) and isinstance(part := each.part, Text)
    )


# -- models ---------------------------------------------------------------------------------------


async def test_any_model_of_a_connection_can_be_named(service: ProviderService, user: User) -> None:
    model = await service.model(user, "work/lab/never-listed:free")
    assert model == Model(connection="work", id="lab/never-listed:free", dialect="openai-chat")


@pytest.mark.parametrize(("default", "name"), [(None, "local/smollm2"), ("work/echo", "work/echo")])
async def test_without_a_name_the_default_model_answers(
    make: Make, service: ProviderService, late: LateProvider, user: User, default: str | None, name: str
) -> None:
    late.ids = ("smollm2",)
    assert (await make(default_model=default).model(user, None)).name == name


async def test_a_late_model_has_its_own_facts_under_the_connections_name(
    service: ProviderService, user: User
) -> None:
    model = await service.model(user, "local/echo")
    assert (model.name, model.window) == ("local/echo", 8192)
    with pytest.raises(NotFound):
        await service.model(user, "local/nothing")


@pytest.mark.parametrize(
    ("name", "code"),
    [("nothing", "model_unknown"), ("/echo", "model_name"), ("home/echo", "connection_unknown")],
)
async def test_a_name_that_leads_nowhere_is_refused(
    service: ProviderService, user: User, name: str, code: str
) -> None:
    with pytest.raises(Refused) as fault:
        await service.model(user, name)
    assert fault.value.code == code
    assert fault.value.hint


async def test_nobody_uses_somebody_elses_connection(
    service: ProviderService, user: User, other: User
) -> None:
    request, model = await request_of(service, user)
    with pytest.raises(Refused):
        await service.model(other, "work/echo")
    with pytest.raises(Refused):
        await received(service, other, request, model)


# -- a request and its answer ---------------------------------------------------------------------


async def test_an_answer_comes_in_batches_and_ends_with_finished(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    request, model = await request_of(service, user)
    batches = [batch async for batch in service.exchange(user, request, model)]
    assert list(batches[0]) == [Answered()]
    assert all(batches)
    assert isinstance(batches[-1][-1], Finished)
    flat = [each for batch in batches for each in batch]
    assert words(flat) == "The sky is blue."
    assert sum(isinstance(each, PartDelta) for each in flat) > 1
    asked = provider.requests[-1]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body == request.body(lambda file: b"")


async def test_a_flood_comes_in_portions_that_leave_moments_for_all_else(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    flood = b'data: {"choices":[{"index":0,"delta":{"content":"on "}}]}\n\n'
    provider.script([answer(raw(flood * 20_000))])
    request, model = await request_of(service, user)
    batches = [batch async for batch in service.exchange(user, request, model)]
    assert words([each for batch in batches for each in batch]) == "on " * 20_000
    assert max(map(len, batches)) < 300


async def test_a_whole_answer_becomes_the_same_values(service: ProviderService, user: User) -> None:
    all_received = await ask(service, user, options=Options(stream=False))
    assert all_received[0] == Answered()
    assert words(all_received) == "The sky is blue."
    assert isinstance(all_received[-1], Finished)


async def test_headers_and_query_values_of_the_connection_go_along(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    await service.connections.change(
        user,
        "work",
        headers={"X-Title": "W", "authorization": "Bearer other"},
        query={"api-version": "1 & 2"},
    )
    await ask(service, user)
    asked = provider.requests[-1]
    assert asked.path == "/v1/chat/completions?api-version=1+%26+2"
    assert (asked.headers["x-title"], asked.headers["authorization"]) == ("W", "Bearer other")


async def test_a_connection_without_a_key_sends_none(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    await service.connections.change(user, "work", key="")
    await ask(service, user)
    assert "authorization" not in provider.requests[-1].headers


async def test_a_files_bytes_stand_in_the_body_and_not_in_the_request(
    service: ProviderService, provider: ScriptedProvider, files: SomeFiles, user: User
) -> None:
    files.held["p"] = FileFacts(id="p", media_type="image/png", size=3, name="p.png")
    request, model = await request_of(
        service, user, "work/echo", Text(text="What is it?"), Image(media_type="image/png", file="p")
    )
    assert [piece.file for piece in request.pieces if piece.file] == ["p"]
    await received(service, user, request, model)
    assert "base64-of-p" in json.dumps(provider.requests[-1].json)


async def test_the_facts_of_all_files_in_the_window_are_asked_for_once(
    service: ProviderService, files: SomeFiles, user: User
) -> None:
    for file in ("d", "r", "p"):
        files.held[file] = FileFacts(id=file, media_type="text/plain", size=1, name=file, text="x")
    document = File(media_type="text/plain", file="d")
    result = ToolResult(id="c", content=(File(media_type="text/plain", file="r"), document))
    display = Display(forms={"text/plain": "a plot", "image/png": "p"})
    call = ToolCall(id="c", name="t", arguments={})
    await request_of(service, user, "work/echo", document, document, call, result, display)
    assert files.asked == ["d", "r", "p"]


async def test_a_window_without_files_asks_for_none(
    service: ProviderService, files: SomeFiles, user: User
) -> None:
    await request_of(service, user)
    assert files.asked == []


async def test_an_answer_goes_on_from_what_was_said(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    request, model = await request_of(service, user)
    await received(service, user, service.go_on(request, "Because of", prefill=True), model)
    assert provider.requests[-1].json["messages"][-1] == {"role": "assistant", "content": "Because of"}


# -- how it goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "code", "answered"),
    [
        (error(401, "Incorrect API key provided.", code="invalid_api_key"), "provider_key_refused", 401),
        (error(429, "Slow down.", headers={"Retry-After": "7"}), "provider_rate_limit", 429),
        (error(500, "Oops."), "provider_error", 500),
        (page(b"<p>Welcome</p>"), "provider_wrong_type", None),
        (answer(text("It is"), cut()), "provider_cut", None),
        (answer(text("It is"), ends=False), "provider_cut", None),
        (answer(text("It is"), broken_json()), "provider_unreadable", None),
    ],
)
async def test_what_goes_wrong_is_one_fault_and_the_text_that_came_was_passed_on(
    service: ProviderService,
    provider: ScriptedProvider,
    user: User,
    reply: Any,
    code: str,
    answered: int | None,
) -> None:
    provider.script([reply])
    request, model = await request_of(service, user)
    seen, fault = await until_fault(service, user, request, model)
    assert isinstance(fault, ProviderFault)
    assert (fault.code, fault.answered) == (code, answered)
    assert fault.retry_after == (7 if code == "provider_rate_limit" else None)
    deltas = "".join(each.text for each in seen if isinstance(each, PartDelta))
    opened = "".join(
        each.part.text for each in seen if each.type == "part_started" and isinstance(each.part, Text)
    )
    assert opened + deltas == ("It is" if getattr(reply, "pieces", None) else "")


async def test_an_error_within_the_stream_does_not_show_the_key(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    failure = json.dumps({"error": {"message": f"The key {KEY} is broke.", "code": 402}}).encode()
    provider.script([answer(text("It"), raw(b"data: " + failure + b"\n\n"))])
    with pytest.raises(ProviderFault) as fault:
        await ask(service, user)
    assert "is broke" in fault.value.detail
    assert KEY not in str(fault.value)
    assert KEY not in str(fault.value.args)


async def test_silence_ends_after_the_models_own_time(
    make: Make, service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    provider.script([silent(), answer(text("It is"), hang())])
    request, model = await request_of(service, user)
    hasty = Model(connection="work", id="echo", dialect="openai-chat", silence=0.1)
    with pytest.raises(ProviderFault):
        await received(service, user, request, hasty)
    with pytest.raises(ProviderFault):
        await received(make(silence=0.1), user, request, model)


async def test_an_iterator_that_is_closed_closes_the_connection(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    provider.script([answer(text("It is"), hang())])
    request, model = await request_of(service, user)
    batches = service.exchange(user, request, model)
    await anext(batches)
    await batches.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(provider.requests[-1].gone.wait(), 2)


async def test_a_stream_that_does_not_end_after_its_last_message_holds_nobody_up(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    provider.script([answer(text("Blue."), raw(end), hang())])
    begun = time.monotonic()
    assert isinstance((await ask(service, user))[-1], Finished)
    assert time.monotonic() - begun < 2


async def test_a_connection_serves_again(
    service: ProviderService, provider: ScriptedProvider, user: User
) -> None:
    for _ in range(3):
        await ask(service, user)
    assert provider.open_connections == 1


# -- an address that comes late -------------------------------------------------------------------


async def test_a_late_address_is_waited_for_with_progress_and_let_go_at_the_end(
    service: ProviderService, provider: ScriptedProvider, late: LateProvider, user: User
) -> None:
    late.reports = (0.25, 0.5)
    request, model = await request_of(service, user, "local/echo")
    assert late.asked == []
    all_received: list[Received] = []
    async for batch in service.exchange(user, request, model):
        all_received += batch
        if Answered() in batch:
            assert late.held == 1
    assert all_received[:3] == [
        Waiting(waits_for="model", seconds=0.25),
        Waiting(waits_for="model", seconds=0.5),
        Answered(),
    ]
    assert words(all_received) == "The sky is blue."
    assert (late.held, late.asked) == (0, ["echo"])
    assert provider.requests[-1].headers["authorization"] == "Bearer late-key"


async def test_a_late_address_that_fails_says_why(
    service: ProviderService, late: LateProvider, user: User
) -> None:
    late.reports = (0.25,)
    late.failure = Fault("local_engine_died", "It died three times.", hint="Look at the log.")
    request, model = await request_of(service, user, "local/echo")
    seen, fault = await until_fault(service, user, request, model)
    assert fault is late.failure
    assert seen == [Waiting(waits_for="model", seconds=0.25)]


async def test_leaving_while_a_late_address_is_waited_for_ends_the_waiting(
    service: ProviderService, late: LateProvider, user: User
) -> None:
    late.reports, late.gate = (0.25,), asyncio.Event()
    request, model = await request_of(service, user, "local/echo")
    batches = service.exchange(user, request, model)
    assert list(await anext(batches)) == [Waiting(waits_for="model", seconds=0.25)]
    waiting = asyncio.create_task(anext(batches))  # type: ignore[arg-type]
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    late.gate.set()
    await asyncio.sleep(0.01)
    assert late.held == 0
    assert [task for task in asyncio.all_tasks() if "_hold" in repr(task)] == []


async def test_leaving_in_the_middle_of_an_answer_lets_the_address_go(
    service: ProviderService, provider: ScriptedProvider, late: LateProvider, user: User
) -> None:
    provider.script([answer(text("It is"), hang())])
    request, model = await request_of(service, user, "local/echo")
    async with aclosing(service.exchange(user, request, model)) as batches:  # type: ignore[type-var]
        await anext(batches)
        assert late.held == 1
    assert late.held == 0


# -- lists of models ------------------------------------------------------------------------------


async def test_a_list_is_fetched_kept_and_shown_when_the_provider_is_away(
    service: ProviderService, provider: ScriptedProvider, user: User, other: User
) -> None:
    listed = await service.models(user, "work")
    assert listed.fault is None
    assert "work/echo" in [model.name for model in listed.models]
    asked = provider.requests[-1]
    assert (asked.method, asked.path, asked.headers["authorization"]) == (
        "GET",
        "/v1/models",
        f"Bearer {KEY}",
    )
    await service.connections.change(user, "work", url="http://127.0.0.1:9/v1", key=KEY)
    away = await service.models(user, "work")
    assert away.models == listed.models
    assert away.fault is not None
    assert away.fault.code == "provider_unreachable"
    known = await service.known_models(user)
    assert [model for model in listed.models if model not in known] == []
    assert [model.name for model in await service.known_models(other)] == ["local/echo"]


async def test_late_models_are_listed_as_far_as_they_are_there(service: ProviderService, user: User) -> None:
    listed = await service.models(user, "local")
    assert [model.name for model in listed.models] == ["local/echo"]


async def test_a_removed_connections_models_are_not_listed(service: ProviderService, user: User) -> None:
    await service.models(user, "work")
    await service.connections.remove(user, "work")
    assert [model.name for model in await service.known_models(user)] == ["local/echo"]


async def test_the_facts_of_a_list_are_known_of_its_models(service: ProviderService, user: User) -> None:
    async def handle(request: HttpReceived, reply: HttpReply) -> None:
        reply.whole(200, json.dumps({"data": [{"id": "m", "max_model_len": 4096}]}).encode(), JSON)

    async with LoopbackServer(handle) as server:
        await service.connections.add(user, name="lan", dialect="openai-chat", url=server.url)
        await service.models(user, "lan")
    assert (await service.model(user, "lan/m")).window == 4096


async def test_all_pages_of_a_list_are_read_with_the_dialects_own_headers(
    service: ProviderService, user: User
) -> None:
    asked: list[HttpReceived] = []

    async def handle(request: HttpReceived, reply: HttpReply) -> None:
        asked.append(request)
        more = len(asked) < 3
        body = {"data": [{"id": f"c-{len(asked)}"}], "has_more": more, "last_id": f"c-{len(asked)}"}
        reply.whole(200, json.dumps(body).encode(), JSON)

    async with LoopbackServer(handle) as server:
        await service.connections.add(
            user, name="claude", dialect="anthropic-messages", url=server.url, key=KEY
        )
        listed = await service.models(user, "claude")
    assert [model.id for model in listed.models] == ["c-1", "c-2", "c-3"]
    assert [each.path for each in asked] == [
        "/v1/models?limit=1000",
        "/v1/models?limit=1000&after_id=c-1",
        "/v1/models?limit=1000&after_id=c-2",
    ]
    assert asked[0].headers["x-api-key"] == KEY
    assert asked[0].headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in asked[0].headers


async def test_gemini_gets_its_key_in_its_own_header(service: ProviderService, user: User) -> None:
    asked: list[HttpReceived] = []

    async def handle(request: HttpReceived, reply: HttpReply) -> None:
        asked.append(request)
        reply.whole(200, b'{"models": [{"name": "models/g"}]}', JSON)

    async with LoopbackServer(handle) as server:
        await service.connections.add(user, name="g", dialect="gemini-generate", url=server.url, key=KEY)
        assert [model.id for model in (await service.models(user, "g")).models] == ["g"]
    assert asked[0].path == "/v1beta/models?pageSize=1000"
    assert asked[0].headers["x-goog-api-key"] == KEY
    assert "authorization" not in asked[0].headers


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b'{"data": ', "not_json"),
        ("application/json", b'{"models": 3}', "models_unreadable"),
        ("text/html", b"<p>Hello</p>", "provider_wrong_type"),
        ("text/event-stream", b"data: {}\n\n", "provider_wrong_type"),
    ],
)
async def test_what_is_no_list_leaves_what_was_kept(
    service: ProviderService, user: User, content_type: str, body: bytes, code: str
) -> None:
    kept = (await service.models(user, "work")).models

    async def handle(request: HttpReceived, reply: HttpReply) -> None:
        reply.whole(200, body, {"Content-Type": content_type})

    async with LoopbackServer(handle) as server:
        await service.connections.change(user, "work", url=server.url, key=KEY)
        listed = await service.models(user, "work")
    assert listed.models == kept
    assert listed.fault is not None
    assert listed.fault.code == code


async def test_a_list_without_end_is_cut(service: ProviderService, user: User) -> None:
    count = 0

    async def handle(request: HttpReceived, reply: HttpReply) -> None:
        nonlocal count
        data = [{"id": f"c-{count + n}"} for n in range(1000)]
        count += 1000
        body = {"data": data, "has_more": True, "last_id": f"c-{count}"}
        reply.whole(200, json.dumps(body).encode(), JSON)

    async with LoopbackServer(handle) as server:
        await service.connections.add(user, name="claude", dialect="anthropic-messages", url=server.url)
        listed = await service.models(user, "claude")
    assert len(listed.models) == 5000
    assert count == 5000

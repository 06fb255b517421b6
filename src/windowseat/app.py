"""The composition root: it knows everyone, makes the house out of them, and takes it down in order.

    with ProcessLock(home.lock) as lock:                   # the caller owns the home first
        lock.acquire(kind="serve")
        await serve(settings, home, lock, ready=print)     # until SIGTERM or SIGINT

Everything else is handed what it needs and asks for nothing. No rule of the product is here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, assert_never

from windowseat import codec
from windowseat.core.ask import Keeping, Turn, User
from windowseat.core.errors import Fault
from windowseat.core.exchange import DialectCodec
from windowseat.core.message import Message
from windowseat.core.model import DIALECTS, Dialect
from windowseat.core.price import Seller
from windowseat.entrypoints.web.news import News
from windowseat.entrypoints.web.serve import Port, bind_port, serving, stopping_signals
from windowseat.features.fallbacks import FallbackLists
from windowseat.features.files import Files
from windowseat.features.local_models import CONNECTION, LocalModels
from windowseat.features.providers import ProviderService, Transport
from windowseat.features.spending import Spending
from windowseat.features.threads import DatabaseJournal, DatabaseTurns, MemoryTurns, Threads
from windowseat.features.tools import OPEN_FILE, OpenFile, Registered, ToolRegistry
from windowseat.features.users import Users
from windowseat.migrations import migrate
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.files_limit import raise_files_limit
from windowseat.platform.home import Home
from windowseat.platform.ids import Ids
from windowseat.platform.process_lock import ProcessLock
from windowseat.platform.secrets import Secrets
from windowseat.platform.settings import Settings
from windowseat.turns.journal import Journal, Watch
from windowseat.turns.turns import Turns
from windowseat.turns.world import Bounds, Kept, World

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_FIRST_SWEEP_SECONDS = 60.0
"""After the start, when nobody waits for the first answer any more."""
_SWEEP_SECONDS = 3600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The house while it is open: its services, and what they stand on."""

    settings: Settings
    home: Home
    kind: str
    database: Database
    users: Users
    owner: User
    threads: Threads
    turns: Turns
    files: Files
    local_models: LocalModels
    providers: ProviderService
    tools: ToolRegistry
    spending: Spending
    fallbacks: FallbackLists
    journal: DatabaseJournal
    news: News
    forget: Callable[[Turn], None]
    """Drops a turn in memory once it has settled."""
    told: dict[str, str] = field(default_factory=dict)
    """What is known later: `address`, once a port is listened on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The server answers. `wanted` is the port that was asked for, where another had to be taken; `link`
    signs a browser in, and is there until one ever was."""

    address: str
    wanted: int | None
    link: str | None


@asynccontextmanager
async def open_house(
    settings: Settings, home: Home, *, kind: str = "serve", more_tools: Sequence[Registered] = ()
) -> AsyncIterator[House]:
    """Open the house of a home whose lock the caller holds; leaving the block takes it down in order.

    `more_tools` are offered beside those of the house. Turns that an earlier process left go on.
    Raises the StoreFaults of `Database.open` and `migrate`.
    """
    async with AsyncExitStack() as stack:
        database = Database.open(settings.database_url or home.database)
        stack.push_async_callback(database.close)
        await migrate(database, home.backups)
        house = await _build(settings, home, kind, database, stack)
        for more in more_tools:  # before turns go on that may call them
            house.tools.register(more.tool, more.run, offered=more.offered)
        stack.push_async_callback(house.turns.stop)
        jobs = [
            asyncio.create_task(_recover(house), name="recover"),
            asyncio.create_task(_sweep(house), name="sweep"),
            asyncio.create_task(_look_around(house), name="look around"),
        ]
        stack.push_async_callback(_stop, jobs)
        yield house


def make_asgi(house: House) -> ASGIApp:
    """The app that answers for the house, on a port and on its socket alike."""
    from windowseat.entrypoints.openai.asgi import make_app as make_compatible
    from windowseat.entrypoints.openai.services import Services as CompatibleServices
    from windowseat.entrypoints.web.asgi import make_app
    from windowseat.entrypoints.web.services import Services

    compatible = make_compatible(
        CompatibleServices(
            users=house.users,
            turns=house.turns,
            providers=house.providers,
            ledger=house.spending,
            clock=Clock(),
            new_id=Ids().new,
            news=house.news,
            forget=house.forget,
        )
    )
    return make_app(
        Services(
            settings=house.settings,
            users=house.users,
            threads=house.threads,
            turns=house.turns,
            files=house.files,
            providers=house.providers,
            tools=house.tools,
            spending=house.spending,
            fallbacks=house.fallbacks,
            news=house.news,
            address=lambda: house.told.get("address"),
        ),
        beside={"/v1": compatible},
    )


@asynccontextmanager
async def on_socket(house: House) -> AsyncIterator[None]:
    """Answer on the home's socket alone: what a lone command does while it runs."""
    async with serving(make_asgi(house), house.news, port=None, socket_path=house.home.make_socket_path()):
        yield


@asynccontextmanager
async def on_port(house: House, *, host: str | None = None, port: int | None = None) -> AsyncIterator[Port]:
    """Answer on a port, by default that of the settings or the next free one, and on the home's socket.

    Raises Fault `host_unknown` `port_refused` `port_in_use` `socket_refused`.
    """
    told = house.settings
    bound = bind_port(host or told.host, told.port if port is None else port, told.base_path)
    house.told["address"] = bound.address
    try:
        app = make_asgi(house)
        async with serving(app, house.news, port=bound, socket_path=house.home.make_socket_path()):
            yield bound
    finally:
        del house.told["address"]


async def serve(
    settings: Settings,
    home: Home,
    lock: ProcessLock,
    *,
    host: str | None = None,
    port: int | None = None,
    ready: Callable[[Ready], None],
    more_tools: Sequence[Registered] = (),
) -> None:
    """Serve until SIGTERM or SIGINT; the caller holds the lock. `ready` is told once requests are answered.

    Streams end, turns are put down where they stand and go on at the next start.
    """
    raise_files_limit()
    with stopping_signals() as stop:
        async with (
            open_house(settings, home, more_tools=more_tools) as house,
            on_port(house, host=host, port=port) as bound,
        ):
            lock.tell(address=bound.address)
            ready(Ready(address=bound.address, wanted=bound.wanted, link=await first_link(house)))
            await stop.wait()


async def first_link(house: House) -> str | None:
    """A one-time link for the first browser; None once one was ever let in and not ended."""
    from windowseat.entrypoints.web.sign_ins import link_path

    if await house.users.sign_ins(house.owner):
        return None
    return house.told["address"] + link_path((await house.users.new_link(house.owner)).token)


async def _build(
    settings: Settings, home: Home, kind: str, database: Database, stack: AsyncExitStack
) -> House:
    """Make the services and wire them: who needs what of whom stands here and nowhere else."""
    clock, ids, news = Clock(), Ids(), News()
    users = Users(database, clock, ids)
    files = Files(database, home.files, clock, ids, most_bytes=settings.upload_megabytes * 1_000_000)
    local_models = LocalModels(home.models, idle_seconds=settings.engine_idle_minutes * 60)
    stack.push_async_callback(local_models.stop)
    owner = await users.owner()
    providers, spending, fallbacks = _providers(
        settings, home, stack, database=database, clock=clock, ids=ids, files=files,
        local_models=local_models, owner=owner,
    )  # fmt: skip

    async def check_files(user: User, named: set[str]) -> None:
        for file in named:
            await files.get(user, file)

    journal_store = DatabaseJournal(database, news.list_changed)
    process = f"{kind}, process {os.getpid()}"
    stored = await DatabaseTurns.open(database, clock, ids, news.list_changed, process=process)
    memory = MemoryTurns(ids.new, check_files)
    threads = Threads(database, memory, clock, ids, on_change=news.list_changed, check_files=check_files)
    watches: dict[str, set[Watch]] = {}
    kept: dict[Keeping, Kept] = {
        "database": Kept(journal=Journal(journal_store, clock, codec.event_json, watches), turns=stored),
        "memory": Kept(journal=Journal(memory, clock, codec.event_json, watches), turns=memory),
    }
    world = World(
        clock=clock,
        kept=kept,
        providers=providers,
        tools=(tools := _tools(database, clock, files, kept)),
        ledger=spending,
        fallbacks=fallbacks,
        new_id=ids.new,
        started=(news.turn_started,),
        bounds=Bounds(steps=settings.steps_per_turn),
    )
    return House(
        settings=settings,
        home=home,
        kind=kind,
        database=database,
        users=users,
        owner=owner,
        threads=threads,
        turns=Turns(world),
        files=files,
        local_models=local_models,
        providers=providers,
        tools=tools,
        spending=spending,
        fallbacks=fallbacks,
        journal=journal_store,
        news=news,
        forget=memory.forget,
    )


def _providers(
    settings: Settings,
    home: Home,
    stack: AsyncExitStack,
    *,
    database: Database,
    clock: Clock,
    ids: Ids,
    files: Files,
    local_models: LocalModels,
    owner: User,
) -> tuple[ProviderService, Spending, FallbackLists]:
    """The way to every model, closed when the house is; what each costs; and which takes over for another."""
    transport = Transport(connect_timeout=settings.connect_timeout, now=clock.now)
    stack.push_async_callback(transport.aclose)

    async def seller_of(user: User, model: str) -> Seller:
        return await providers.seller(user, model)

    spending = Spending(database, ids, clock, seller_of)
    providers = ProviderService(
        database,
        Secrets(settings.key_file or home.key_file),
        clock,
        ids,
        transport=transport,
        dialects={dialect: partial(_codec, dialect) for dialect in DIALECTS},
        files=files,
        late={CONNECTION: local_models},
        default_model=settings.default_model,
        silence=settings.silence_timeout,
        owner=owner.id,
        environ=os.environ,
        ledger=spending,
    )
    fallbacks = FallbackLists(database, clock, model_of=providers.model, rates_of=spending.rates)
    return providers, spending, fallbacks


def _tools(database: Database, clock: Clock, files: Files, kept: Mapping[Keeping, Kept]) -> ToolRegistry:
    """The registry with the tools that come with the house."""

    async def keep(turn: Turn, text: str, name: str) -> str:
        row = await files.put(turn.user, text.encode(), name, "text/plain", thread=turn.thread, used=True)
        return row.file

    async def path(turn: Turn) -> Sequence[Message]:
        return await kept[turn.keeping].turns.path(turn)

    async def made_in(user: User, thread: str) -> Sequence[str]:
        return [row.file for row in await files.made_in(user, thread)]

    tools = ToolRegistry(database, clock, keep)
    opener = OpenFile(files, path, made_in)
    tools.register(OPEN_FILE, opener.run, offered=opener.offered)
    return tools


def _codec(dialect: Dialect, host: str) -> DialectCodec:
    """The dialect's codec, imported when it is first spoken."""
    match dialect:
        case "openai-chat":
            from windowseat.features.providers.dialects.openai_chat import OpenaiChat

            return OpenaiChat(host)
        case "openai-responses":
            from windowseat.features.providers.dialects.openai_responses import OpenaiResponses

            return OpenaiResponses(host)
        case "anthropic-messages":
            from windowseat.features.providers.dialects.anthropic_messages import AnthropicMessages

            return AnthropicMessages(host)
        case "gemini-generate":
            from windowseat.features.providers.dialects.gemini_generate import GeminiGenerate

            return GeminiGenerate(host)
    assert_never(dialect)


async def _recover(house: House) -> None:
    """Go on with what earlier processes left. What is too old is offered where its thread is shown."""
    try:
        for left in await house.turns.recover():
            _log.info("turn %s was interrupted; it can be resumed", left.turn.id)
    except Fault as fault:
        _log.error("turns of an earlier run were not taken up: %s", fault)


async def _look_around(house: House) -> None:
    """Say which connections need their key again, if any; and see which programs here answer requests."""
    try:
        fault = await house.providers.connections.key_fault()
        if fault is not None:
            _log.error("%s", fault)
        await house.providers.find_local()
    except Fault as fault:
        _log.warning("looking for connections: %s", fault)


async def _sweep(house: House) -> None:
    """Now and every hour: remove files that nobody used, and thin the journals of old turns."""
    clock = Clock()
    while True:
        await asyncio.sleep(_FIRST_SWEEP_SECONDS)
        try:
            await house.files.sweep()
            before = clock.now() - timedelta(hours=house.settings.journal_hours)
            while await house.journal.thin(before):
                pass
        except Fault as fault:
            _log.warning("sweeping: %s", fault)
        await asyncio.sleep(_SWEEP_SECONDS)


async def _stop(jobs: Sequence[asyncio.Task[None]]) -> None:
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)

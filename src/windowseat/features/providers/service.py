"""Models and the way to their providers: the port `Providers` of the turns, and lists of models.

It joins what others do: connections.py keeps, known_models.py knows, a dialect encodes and decodes,
exchange.py sends, checking.py tests. A model need not be in any list to be used.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from windowseat.core.ask import User
from windowseat.core.errors import Fault, ProviderFault, Refused
from windowseat.core.exchange import DialectCodec, FileFacts, Received
from windowseat.core.model import Dialect, Model, Options, split_name
from windowseat.core.parts import Audio, Display, File, Image, Json, Part, ToolResult, Video
from windowseat.core.ports import Ledger
from windowseat.core.price import Seller
from windowseat.core.request import Request
from windowseat.core.window import Window
from windowseat.features.providers.checking import Checker, TestResult
from windowseat.features.providers.connections import Connections
from windowseat.features.providers.dialects.quirks import host_of
from windowseat.features.providers.embedding import EMBEDS, Embedded, embed
from windowseat.features.providers.environment import from_environment
from windowseat.features.providers.exchange import exchange
from windowseat.features.providers.facts import Facts, quirks_for, with_search
from windowseat.features.providers.finding import find_local
from windowseat.features.providers.known_models import KnownModels
from windowseat.features.providers.listing import fetch_list
from windowseat.features.providers.providers_data import PROVIDERS
from windowseat.features.providers.reach import KeptReach, LateAddress, LateReach, Reach
from windowseat.features.providers.store import ConnectionStore
from windowseat.features.providers.transport.client import Transport
from windowseat.features.providers.way import Given
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.moments import to_number
from windowseat.platform.secrets import Secrets

_PRICES: Mapping[str | None, str] = {row.name: row.prices for row in PROVIDERS}

BUILT_IN_MODEL = "local/smollm2"

Dialects = Mapping[Dialect, Callable[[str], DialectCodec]]
"""By dialect: what makes its codec for a host ("" where that is not known)."""


class WindowFiles(Protocol):
    """What encoding and sending need of the files that a window names; whose they are was checked before."""

    async def facts(self, ids: Sequence[str]) -> Mapping[str, FileFacts]:
        """By id; files that are gone are left out."""
        ...

    async def base64(self, file: str) -> bytes:
        """The file's bytes in base64. Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """The models of a connection. With a `fault` they are what was kept from an earlier time."""

    connection: str
    models: tuple[Model, ...]
    fault: Fault | None = None


class ProviderService:
    """The port `Providers`. `late` are the connections that everyone has, by name; they speak openai-chat.

    `silence` in seconds holds where a model's facts name none. What `environ` and this machine give in
    connections is for `owner` alone, a user's id. A test's row goes to `ledger`. Belongs to one event loop.
    """

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        clock: Clock,
        ids: Ids,
        *,
        transport: Transport,
        dialects: Dialects,
        files: WindowFiles,
        late: Mapping[str, LateAddress],
        default_model: str | None = None,
        silence: float = 300.0,
        owner: str | None = None,
        environ: Mapping[str, str] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._store = ConnectionStore(database)
        self._clock = clock
        self._transport = transport
        self._dialects = dialects
        self._files = files
        self._late = dict(late)
        self._default_model = default_model or BUILT_IN_MODEL
        self._silence = silence
        self._hosts: dict[str, str] = {}
        self._owner = owner
        self._environment = from_environment(environ or {})
        self._found: Mapping[str, Given] = {}
        built_in: Mapping[str, Dialect] = dict.fromkeys(self._late, "openai-chat")
        self.connections = Connections(self._store, secrets, clock, ids, built_in=built_in, given=self._given)
        self._known = KnownModels(self._store, self.connections, self._late, clock)
        self._checker = Checker(self, ledger, clock, ids)

    async def model(self, user: User, name: str | None) -> Model:
        """The model of that name, or the default one, with what is known of it.

        A name without a slash is one that people use, such as “claude”, and means its current model.
        Raises Refused `model_name`, `model_unknown`, `connection_unknown`; NotFound for a late one's model.
        """
        name = name or self._default_model
        if "/" not in name:
            name = await self._known.named(user, name)
        connection, model = await self._known.model(user, *split_name(name))
        if connection is not None:
            self._hosts[connection.name] = host_of(connection.url)
        return model

    async def facts(self, user: User, name: str) -> Facts:
        """All that is known of a model, each fact with who says so and when. Raises what `model` raises."""
        return await self._known.facts(user, name)

    async def tell(self, user: User, name: str, facts: Mapping[str, Json]) -> Facts:
        """Keep what the user says of a model, over all others; null takes a word back.

        Raises Refused `model_fact`, `model_of_the_house`, and what `model` raises.
        """
        return await self._known.tell(user, name, facts)

    async def test(self, user: User, name: str, model: str | None = None) -> TestResult:
        """Send one cheap real request through a connection, and say what came of it in words.

        Raises Refused `connection_unknown`; every other failure is the result.
        """
        return await self._checker.test(user, name, model)

    async def find_local(self) -> tuple[str, ...]:
        """Look which programs on this machine answer on their usual ports: half a second, without a fault."""
        self._found = await find_local(self._transport)
        return tuple(self._found)

    async def seller(self, user: User, name: str) -> Seller:
        """Who is paid for a model's answers. Raises Refused `model_name` `connection_unknown`."""
        connection, model_id = split_name(name)
        if connection in self._late:
            return Seller(model=model_id, free=True)
        kept = await self.connections.get(user, connection)
        return Seller(
            model=model_id, url=kept.url, name=_PRICES.get(kept.provider) or None, free=kept.by == "found"
        )

    async def encode(self, window: Window, model: Model, options: Options) -> Request:
        """The request that this window makes. Raises Refused where the model cannot take a part."""
        ids = list(dict.fromkeys(_files_of(part for entry in window.entries() for _, part in entry.parts)))
        files = await self._files.facts(ids) if ids else {}
        quirks = quirks_for(model.dialect, self._hosts.get(model.connection, ""), model.id)
        asked = with_search(options, model, quirks)
        pieces = self._codec(model.dialect, model.connection).encode(window, model, asked, files)
        return Request(
            dialect=model.dialect,
            connection=model.connection,
            model=model.id,
            stream=options.stream,
            pieces=pieces,
        )

    def go_on(self, request: Request, said: str, *, prefill: bool) -> Request:
        """The same request with a begun answer to go on from."""
        codec = self._codec(request.dialect, request.connection)
        return replace(request, pieces=codec.go_on(request.pieces, said, prefill=prefill))

    def exchange(self, user: User, request: Request, model: Model) -> AsyncIterator[Sequence[Received]]:
        """Send, and yield what comes, in batches as it arrives. Raises ProviderFault and other Faults.

        Close the iterator where it is not read to its end.
        """
        return exchange(
            self._transport,
            self._reach(user, model),
            self._codec(request.dialect, request.connection),
            request,
            self._files.base64,
            silence=model.silence or self._silence,
            explain=lambda fault: self._explain(fault, model),
        )

    async def embed(self, user: User, model: Model, asked: Mapping[str, Json]) -> Embedded:
        """Pass a request for embeddings through. Raises Refused `model_cannot_embed`, ProviderFault …"""
        if model.dialect not in EMBEDS:
            raise Refused(
                "model_cannot_embed",
                f"The connection {model.connection} has no embeddings on its wire.",
                hint="Use a model of a connection that speaks openai-chat or openai-responses.",
            )
        silence = model.silence or self._silence
        return await embed(self._transport, self._reach(user, model), model, asked, silence=silence)

    async def models(self, user: User, connection: str) -> ModelList:
        """Ask the connection which models it has, and keep the list; where that fails, what was kept.

        Raises Refused `connection_unknown`.
        """
        if connection in self._late:
            return ModelList(connection=connection, models=await self._known.of_late(connection))
        kept = await self.connections.get(user, connection)
        fault: Fault | None = None
        try:
            listed = await fetch_list(self._transport, await self.connections.way(user, connection))
            await self._store.relist(user.id, connection, listed, to_number(self._clock.now()))
        except Fault as error:
            fault = error
        return ModelList(connection=connection, models=await self._known.of(user, kept), fault=fault)

    async def known_models(self, user: User) -> tuple[Model, ...]:
        """All models that are known without asking anybody: late ones, and what connections listed."""
        return await self._known.all(user)

    def _given(self, user: str) -> Mapping[str, Given]:
        return {**self._found, **self._environment} if user == self._owner else {}

    def _explain(self, fault: ProviderFault, model: Model) -> None:
        """Where a model is gone that was to be switched off, say so."""
        today = self._clock.now().date().isoformat()
        if fault.code == "provider_not_found" and model.retires is not None and model.retires <= today:
            fault.detail += f" It was to be switched off on {model.retires}."
            fault.hint = "Choose another model for this thread."

    def _reach(self, user: User, model: Model) -> Reach:
        late = self._late.get(model.connection)
        if late is None:
            return KeptReach(self.connections, user, model.connection)
        return LateReach(late, model.dialect, model.id)

    def _codec(self, dialect: Dialect, connection: str) -> DialectCodec:
        return self._dialects[dialect](self._hosts.get(connection, ""))


def _files_of(parts: Iterable[Part]) -> Iterator[str]:
    """The ids of the files that a dialect may want to read, those within tool results too."""
    for part in parts:
        if isinstance(part, Image | Audio | Video | File):
            if part.file is not None:
                yield part.file
        elif isinstance(part, Display):
            yield from (form for kind, form in part.forms.items() if kind.startswith("image/"))
        elif isinstance(part, ToolResult):
            yield from _files_of(part.content)

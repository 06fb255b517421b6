"""Models and the way to their providers: the port `Providers` of the turns, and lists of models.

It joins what others do: connections.py keeps, a dialect encodes and decodes, exchange.py sends. A model
need not be in any list to be used.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from windowseat.core.ask import User
from windowseat.core.errors import Fault, Refused
from windowseat.core.exchange import DialectCodec, FileFacts, Received
from windowseat.core.model import Dialect, Model, Options, split_name
from windowseat.core.parts import Audio, Display, File, Image, Json, Part, ToolResult, Video
from windowseat.core.request import Request
from windowseat.core.window import Window
from windowseat.features.providers.catalogue import model_of
from windowseat.features.providers.connections import Connections
from windowseat.features.providers.embedding import EMBEDS, Embedded, embed
from windowseat.features.providers.exchange import exchange
from windowseat.features.providers.listing import fetch_list
from windowseat.features.providers.quirks import host_of
from windowseat.features.providers.reach import KeptReach, LateAddress, LateReach, Reach
from windowseat.features.providers.store import ConnectionStore
from windowseat.features.providers.transport import Transport
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.moments import to_number
from windowseat.platform.secrets import Secrets

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

    `silence` in seconds holds where a model's facts name none. Belongs to one event loop.
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
        self.connections = Connections(
            self._store, secrets, clock, ids, built_in=dict.fromkeys(self._late, "openai-chat")
        )

    async def model(self, user: User, name: str | None) -> Model:
        """The model of that name, or the default one, with what is known of it.

        Raises Refused `model_name`, `connection_unknown`; NotFound for a late connection's model.
        """
        connection, model_id = split_name(name or self._default_model)
        if connection in self._late:
            found = await asyncio.to_thread(self._late[connection].model, model_id)
            return replace(found.model, connection=connection)
        kept, facts = await self.connections.facts(user, connection, model_id)
        self._hosts[connection] = host_of(kept.url)
        return model_of(connection, kept.dialect, model_id, facts)

    async def encode(self, window: Window, model: Model, options: Options) -> Request:
        """The request that this window makes. Raises Refused where the model cannot take a part."""
        ids = list(dict.fromkeys(_files_of(part for entry in window.entries() for _, part in entry.parts)))
        files = await self._files.facts(ids) if ids else {}
        pieces = self._codec(model.dialect, model.connection).encode(window, model, options, files)
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
            return ModelList(connection=connection, models=await self._late_models(connection))
        dialect = (await self.connections.get(user, connection)).dialect
        fault: Fault | None = None
        try:
            listed = await fetch_list(self._transport, await self.connections.way(user, connection))
            await self._store.relist(user.id, connection, listed, to_number(self._clock.now()))
        except Fault as error:
            fault = error
        kept = (await self._store.listed(user.id, connection)).get(connection, [])
        models = tuple(model_of(connection, dialect, each.id, each.facts) for each in kept)
        return ModelList(connection=connection, models=models, fault=fault)

    async def known_models(self, user: User) -> tuple[Model, ...]:
        """All models that are known without asking anybody: late ones, and what connections listed."""
        found = [model for name in self._late for model in await self._late_models(name)]
        listed = await self._store.listed(user.id)
        for connection in await self.connections.list(user):
            kept = listed.get(connection.name, [])
            found += [model_of(connection.name, connection.dialect, each.id, each.facts) for each in kept]
        return tuple(found)

    async def _late_models(self, name: str) -> tuple[Model, ...]:
        models = await asyncio.to_thread(self._late[name].models)
        return tuple(replace(each.model, connection=name) for each in models if each.installed)

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

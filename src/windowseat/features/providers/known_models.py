"""Which models a user has, and what is known of each: lists, the catalogue and the user's word put together.

It asks no provider (listing.py does) and reads the database alone. Late connections tell of their models
themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace

from windowseat.core.ask import User
from windowseat.core.errors import Refused
from windowseat.core.model import Model, split_name
from windowseat.core.parts import Json
from windowseat.features.providers.catalogue import model_of
from windowseat.features.providers.connection import Connection
from windowseat.features.providers.connections import Connections
from windowseat.features.providers.facts import (
    Fact,
    Facts,
    catalogued_models,
    checked_facts,
    facts_of,
    values_of,
)
from windowseat.features.providers.friendly import FAMILIES, Candidate, resolved
from windowseat.features.providers.providers_data import PROVIDERS
from windowseat.features.providers.reach import LateAddress
from windowseat.features.providers.store import ConnectionStore, Said
from windowseat.platform.clock import Clock
from windowseat.platform.moments import from_number, to_number

_CATALOGUES: Mapping[str | None, str] = {row.name: row.facts for row in PROVIDERS}


class KnownModels:
    """The models of all users, by connection."""

    def __init__(
        self,
        store: ConnectionStore,
        connections: Connections,
        late: Mapping[str, LateAddress],
        clock: Clock,
    ) -> None:
        self._store = store
        self._connections = connections
        self._late = late
        self._clock = clock

    async def model(self, user: User, connection: str, model_id: str) -> tuple[Connection | None, Model]:
        """A model with what is known of it, and its connection (None: a late one).

        Raises Refused `connection_unknown`; NotFound for a late connection's model.
        """
        if connection in self._late:
            found = await asyncio.to_thread(self._late[connection].model, model_id)
            return None, replace(found.model, connection=connection)
        kept, said = await self._connections.with_said(user, connection, model_id)
        return kept, _model(kept, model_id, said)

    async def facts(self, user: User, name: str) -> Facts:
        """All that is known of a model, each with who says so and when.

        Raises Refused `model_name` `connection_unknown`; NotFound for a late connection's model.
        """
        connection, model_id = split_name(name)
        if connection in self._late:
            found = (await asyncio.to_thread(self._late[connection].model, model_id)).model
            told = {each: getattr(found, each) for each in _TOLD_BY_FILE}
            return {
                each: Fact(value=value, source="the model's file", date=None)
                for each, value in told.items()
                if value is not None
            }
        kept, said = await self._connections.with_said(user, connection, model_id)
        return _facts(kept, model_id, said)

    async def tell(self, user: User, name: str, facts: Mapping[str, Json]) -> Facts:
        """Keep what the user says of a model beside what he said before; null takes a word back.

        Raises Refused `model_fact`, `model_of_the_house`, and what `facts` raises.
        """
        connection, model_id = split_name(name)
        if connection in self._late:
            raise Refused(
                "model_of_the_house",
                f"What is known of {name} is in its file.",
                hint="Only of models behind other connections can facts be set.",
            )
        _, said = await self._connections.with_said(user, connection, model_id)
        told = {**said.told, **checked_facts(facts)}
        told = {each: value for each, value in told.items() if value is not None}
        await self._store.tell(user.id, connection, model_id, told, to_number(self._clock.now()))
        return await self.facts(user, name)

    async def of(self, user: User, connection: Connection) -> tuple[Model, ...]:
        """The models of one connection that is kept or given."""
        said = (await self._store.said(user.id, connection.name)).get(connection.name, {})
        return await asyncio.to_thread(_models, connection, said)

    async def of_late(self, name: str) -> tuple[Model, ...]:
        """The models of a late connection that can be used now."""
        models = await asyncio.to_thread(self._late[name].models)
        return tuple(replace(each.model, connection=name) for each in models if each.installed)

    async def all(self, user: User) -> tuple[Model, ...]:
        """All models that are known without asking anybody."""
        found = [model for name in self._late for model in await self.of_late(name)]
        said = await self._store.said(user.id)
        for connection in await self._connections.list(user):
            found += await asyncio.to_thread(_models, connection, said.get(connection.name, {}))
        return tuple(found)

    async def named(self, user: User, name: str) -> str:
        """The full name of the model that a name people use means, such as “claude”.

        Raises Refused `model_unknown`.
        """
        found = resolved(name, [each async for each in self._candidates(user)])
        if found is None:
            families = ", ".join(dict.fromkeys(family.names[0].split()[0] for family in FAMILIES))
            raise Refused(
                "model_unknown",
                f"No model that is connected here is called “{name[:80]}”.",
                hint=f"Names are CONNECTION/MODEL, or a family's such as {families}; "
                "`windowseat connect` adds a provider.",
            )
        return f"{found.connection}/{found.id}"

    async def _candidates(self, user: User) -> AsyncIterator[Candidate]:
        """What was listed; of a connection that was never asked, what the catalogue has."""
        said = await self._store.said(user.id)
        for connection in await self._connections.list(user):
            if connection.name in self._late:
                ids = [model.id for model in await self.of_late(connection.name)]
            else:
                ids = list(said.get(connection.name, ())) or list(_catalogued(connection))
            for model_id in ids:
                yield Candidate(connection=connection.name, provider=connection.provider, id=model_id)


_TOLD_BY_FILE = ("title", "window", "output_limit", "tools", "thinking", "prefill")


def _catalogued(connection: Connection) -> Iterator[str]:
    catalogue = _CATALOGUES.get(connection.provider, "")
    yield from catalogued_models(catalogue) if catalogue else ()


def _models(connection: Connection, said: Mapping[str, Said]) -> tuple[Model, ...]:
    """Of thousands of models this takes a moment, so it is done beside the loop."""
    return tuple(_model(connection, model_id, each) for model_id, each in sorted(said.items()))


def _model(connection: Connection, model_id: str, said: Said) -> Model:
    facts = values_of(_facts(connection, model_id, said))
    return model_of(connection.name, connection.dialect, model_id, facts)


def _facts(connection: Connection, model_id: str, said: Said) -> dict[str, Fact]:
    return facts_of(
        dialect=connection.dialect,
        url=connection.url,
        model=model_id,
        provider=_CATALOGUES.get(connection.provider) or None,
        listed=said.listed,
        listed_at=None if said.listed_at is None else from_number(said.listed_at),
        told=said.told,
        told_at=None if said.told_at is None else from_number(said.told_at),
    )

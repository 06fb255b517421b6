"""Getting to a provider: at once by a connection that is kept, or when a late address is there.

Some connections have an address only while they are used, such as a model that is loaded first. They
come in as a `LateAddress`, a port: which engine stands behind it is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from windowseat.core.ask import User
from windowseat.core.events import Waiting
from windowseat.core.model import Dialect, Model
from windowseat.features.providers.connections import Connections
from windowseat.features.providers.way import Way


class Progress(Protocol):
    """How long an address has been waited for, in seconds."""

    @property
    def seconds(self) -> float: ...


class Address(Protocol):
    """Where requests go while the address is held, and the key that is asked for there."""

    @property
    def base_url(self) -> str: ...
    @property
    def api_key(self) -> str: ...


class LateModel(Protocol):
    """A model behind a late address. `installed`: it can be used now."""

    @property
    def model(self) -> Model: ...
    @property
    def installed(self) -> bool: ...


class LateAddress(Protocol):
    """A connection whose address is known only while it is used. `models` and `model` may read the disk."""

    def models(self) -> Sequence[LateModel]:
        """All its models, also those that could be fetched."""
        ...

    def model(self, model_id: str) -> LateModel:
        """One of them. Raises NotFound."""
        ...

    def address(
        self, model_id: str, on_progress: Callable[[Progress], None]
    ) -> AbstractAsyncContextManager[Address]:
        """The address for one request; it holds until the block is left."""
        ...


class Reach(Protocol):
    """One way to a provider: `arrive` until it gives the way, and `leave` in any case."""

    async def arrive(self) -> Way | Waiting:
        """The way, or that it is still waited for. Raises Fault."""
        ...

    async def leave(self) -> None:
        """The way is not needed any more."""
        ...


class KeptReach:
    """The way by a connection that is kept."""

    def __init__(self, connections: Connections, user: User, name: str) -> None:
        self._connections = connections
        self._user = user
        self._name = name

    async def arrive(self) -> Way:
        """The way, at once."""
        return await self._connections.way(self._user, self._name)

    async def leave(self) -> None:
        """Nothing is held."""


class LateReach:
    """The way to a late address, held by a task of its own.

    The address is a context that must be left by the task that entered it, and it reports while it is
    entered; a generator that did both would have to yield within it.
    """

    def __init__(self, late: LateAddress, dialect: Dialect, model_id: str) -> None:
        self._late = late
        self._dialect = dialect
        self._model_id = model_id
        self._news: asyncio.Queue[Way | Waiting] = asyncio.Queue()
        self._left = asyncio.Event()
        self._holding: asyncio.Task[None] | None = None
        self._arrived = False

    async def arrive(self) -> Way | Waiting:
        """What is new of the address; raises what getting it raises."""
        if self._holding is None:
            self._holding = asyncio.create_task(self._hold())
        if self._news.empty():
            coming = asyncio.create_task(self._news.get())
            try:
                await asyncio.wait({coming, self._holding}, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    return coming.result()
            finally:
                coming.cancel()
            self._holding.result()
        return self._news.get_nowait()

    async def leave(self) -> None:
        """Let the address go, and wait until it is gone."""
        if self._holding is None:
            return
        self._left.set()
        if not self._arrived:
            self._holding.cancel()
        await asyncio.wait({self._holding})
        if not self._holding.cancelled():
            self._holding.exception()  # it was raised by `arrive`, or concerns nobody any more

    async def _hold(self) -> None:
        async with self._late.address(self._model_id, self._report) as address:
            self._arrived = True
            self._news.put_nowait(Way(dialect=self._dialect, url=address.base_url, key=address.api_key))
            await self._left.wait()

    def _report(self, progress: Progress) -> None:
        self._news.put_nowait(Waiting(waits_for="model", seconds=progress.seconds))

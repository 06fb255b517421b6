"""A model in llama.cpp: started on first use, started again when it died, unloaded when idle.

It holds the policy of one model's process; process.py is one life of it, engines.py says how many may
be loaded. It does not send requests: it gives an address, and an ordinary `openai-chat` connection does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from windowseat.core.errors import Fault, ProviderFault
from windowseat.features.local_models.plan import Plan
from windowseat.features.local_models.process import Address, EngineProcess

IDLE_SECONDS = 900.0
MOST_DEATHS = 3
DEATHS_WITHIN_SECONDS = 300.0
REPORT_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Where a model is on its way to be used, and for how many seconds it has been waited for.

    `waiting` is for another model's place in memory. llama.cpp tells no percentage here (it holds
    Python still while it loads), so none is shown.
    """

    model: str
    state: Literal["waiting", "starting", "loading", "ready"]
    seconds: float


Report = Callable[[Loading], None]


class Engine:
    """One model file and the process that serves it. Belongs to one event loop.

    >>> async with engine.use(print) as address:        # doctest: +SKIP
    ...     await ask(address.base_url, address.api_key)
    """

    def __init__(self, model: Path, name: str, plan: Plan, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self.model = model
        self.name = name
        self.plan = plan
        self.users = 0
        self.last_used = 0.0
        self._idle_seconds = idle_seconds
        self._idle: asyncio.TimerHandle | None = None
        self._process: EngineProcess | None = None
        self._starting: asyncio.Task[Address] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._deaths: list[tuple[float, ProviderFault]] = []
        self._stopped = False

    @property
    def loaded(self) -> bool:
        """Whether a process holds memory for it, or is about to."""
        return self._process is not None or self._starting is not None

    @property
    def pid(self) -> int | None:
        """The process id while one runs."""
        return self._process.pid if self._process else None

    async def ready(self, on_progress: Report) -> Address:
        """Loads the model where it is not loaded. The address holds only as long as nobody lets it idle.

        Raises what `use` raises.
        """
        async with self.use(on_progress) as address:
            return address

    @asynccontextmanager
    async def use(self, on_progress: Report) -> AsyncIterator[Address]:
        """The address for one request; the model stays loaded until the block is left.

        Raises Fault `local_engine_missing`, `local_engine_not_started`, `local_engine_stopped`; Refused
        `local_model_unreadable`;
        ProviderFault `local_engine_died` when it died three times within five minutes.
        """
        self.users += 1
        if self._idle:
            self._idle.cancel()
        try:
            yield await self._address(on_progress)
        finally:
            self.users -= 1
            loop = asyncio.get_running_loop()
            self.last_used = loop.time()
            if self.users == 0 and self.loaded:
                self._idle = loop.call_later(self._idle_seconds, self._let_go)

    async def unload(self) -> None:
        """Frees the memory and waits until it is free; the next use loads the model again."""
        self._let_go()
        if self._ending:
            await asyncio.wait(self._ending)

    async def stop(self) -> None:
        """Ends the process for good and waits until it is gone; requests in flight are cut."""
        self._stopped = True
        await self.unload()

    def _let_go(self) -> None:
        """Forgets the process at once, so that nobody is handed it any more, and ends it."""
        if self._idle:
            self._idle.cancel()
        if self.loaded:
            ending = asyncio.create_task(end(self._starting, self._process))
            self._starting = self._process = None
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def _address(self, on_progress: Report) -> Address:
        """The address of the running process; where there is none, or a dead one, another is started."""
        while True:
            if self._stopped:
                raise stopped(self.name)
            if self._starting:
                return await self._watch(self._starting, on_progress)
            process = self._process
            if process and (address := await process.address()):
                return address
            if self._process is process and self._starting is None:
                self._process = None
                self._starting = asyncio.create_task(self._start(process))
                self._starting.add_done_callback(self._started)

    async def _watch(self, starting: asyncio.Task[Address], on_progress: Report) -> Address:
        """Waits for the start that all share. Who stops waiting does not stop it for the others."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        while not starting.done():
            state = self._process.state if self._process else "starting"
            on_progress(Loading(model=self.name, state=state, seconds=clock() - begin))
            await asyncio.wait([starting], timeout=REPORT_SECONDS)
        if starting.cancelled():
            raise stopped(self.name)
        address = starting.result()
        on_progress(Loading(model=self.name, state="ready", seconds=clock() - begin))
        return address

    async def _start(self, dead: EngineProcess | None) -> Address:
        """Starts processes until one is ready or too many have died."""
        if dead:
            await dead.kill()
            self._note_death(dead.death())
        while True:
            self._check_deaths()
            self._process = process = EngineProcess(self.model, self.name, self.plan)
            try:
                return await process.start()
            except BaseException as error:
                if self._process is process:
                    self._process = None
                if not isinstance(error, ProviderFault):
                    raise
                self._note_death(error)

    def _started(self, starting: asyncio.Task[Address]) -> None:
        """Takes note of the end of a start; its error is for those who wait, if any still do."""
        if self._starting is starting:
            self._starting = None
        if not starting.cancelled():
            starting.exception()

    def _note_death(self, fault: ProviderFault) -> None:
        self._deaths.append((asyncio.get_running_loop().time(), fault))

    def _check_deaths(self) -> None:
        """Raises the last death when there were too many of late."""
        since = asyncio.get_running_loop().time() - DEATHS_WITHIN_SECONDS
        self._deaths = [death for death in self._deaths if death[0] > since]
        if len(self._deaths) >= MOST_DEATHS:
            raise self._deaths[-1][1]


async def end(starting: asyncio.Task[Address] | None, process: EngineProcess | None) -> None:
    """Ends a start that is under way, and the process."""
    if starting:
        starting.cancel()
        await asyncio.wait([starting])
    if process:
        await process.kill()


def stopped(name: str) -> Fault:
    """The engine was stopped for good, because the program ends."""
    return Fault(
        "local_engine_stopped",
        f"The local engine was stopped before {name} could answer.",
        hint="Windowseat is shutting down; ask again once it runs.",
        status=503,
    )

"""All local models that are loaded: one engine per file, and how many may hold memory at a time.

Two, because two local models may answer side by side, and because an unbounded number would take the
memory from the program itself. The model unused for longest makes room; one that answers never does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from windowseat.features.local_models.engine import (
    IDLE_SECONDS,
    REPORT_SECONDS,
    Engine,
    Loading,
    Report,
    stopped,
)
from windowseat.features.local_models.plan import Plan
from windowseat.features.local_models.process import Address

MOST_LOADED = 2


class Engines:
    """Hands out engines by model file. Belongs to one event loop from its first use on."""

    def __init__(self, *, most_loaded: int = MOST_LOADED, idle_seconds: float = IDLE_SECONDS) -> None:
        self._most_loaded = most_loaded
        self._idle_seconds = idle_seconds
        self._engines: dict[Path, Engine] = {}
        self._freed = asyncio.Event()
        self._stopped = False

    @asynccontextmanager
    async def use(self, model: Path, name: str, plan: Plan, on_progress: Report) -> AsyncIterator[Address]:
        """The address for one request to the model in that file, loaded where it is not.

        Waits while as many other models as may be loaded are all answering. Raises what `Engine.use` raises.
        """
        engine = self._engines.get(model)
        if engine is None:
            engine = self._engines[model] = Engine(model, name, plan, idle_seconds=self._idle_seconds)
        await self._make_room(engine, on_progress)
        # Nothing is awaited between the room and its taking, so nobody else takes it.
        try:
            async with engine.use(on_progress) as address:
                yield address
        finally:
            self._freed.set()

    def engine(self, model: Path) -> Engine | None:
        """The engine of that file, if it was ever used."""
        return self._engines.get(model)

    async def stop(self) -> None:
        """Ends every process and waits until they are gone; nothing is started any more."""
        self._stopped = True
        self._freed.set()
        await asyncio.gather(*(engine.stop() for engine in self._engines.values()))

    async def _make_room(self, engine: Engine, on_progress: Report) -> None:
        """Waits until one more model may be loaded, unloading the one unused for longest."""
        clock = asyncio.get_running_loop().time
        begin = clock()
        while not self._has_room(engine):
            idle = [other for other in self._engines.values() if other.loaded and not other.users]
            if idle:
                await min(idle, key=lambda other: other.last_used).unload()
                continue
            on_progress(Loading(model=engine.name, state="waiting", seconds=clock() - begin))
            self._freed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_SECONDS):
                    await self._freed.wait()
        if self._stopped:
            raise stopped(engine.name)

    def _has_room(self, engine: Engine) -> bool:
        """Whether the engine has its place already or a place is free."""
        taken = [other for other in self._engines.values() if other.loaded or other.users]
        return self._stopped or engine in taken or len(taken) < self._most_loaded

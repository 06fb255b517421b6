"""How many models are loaded: one engine per file, two at most, the one unused for longest makes room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from windowseat.core.errors import Fault
from windowseat.features.local_models.engine import Loading, Report
from windowseat.features.local_models.engines import Engines
from windowseat.features.local_models.plan import Plan
from windowseat.features.local_models.process import Address

from .conftest import MakeGguf, alive, ask, silent

pytestmark = pytest.mark.engine

PLAN = Plan(window=512, slots=1, cache="q8_0", prompt_cache=8, threads=1)


class Models:
    """Three small models and the engines under test."""

    def __init__(self, make_gguf: MakeGguf) -> None:
        self.engines = Engines()
        self.paths = {name: make_gguf(f"{name}.gguf") for name in "abc"}

    def use(self, name: str, report: Report = silent) -> AbstractAsyncContextManager[Address]:
        return self.engines.use(self.paths[name], name, PLAN, report)

    def pid(self, name: str) -> int | None:
        engine = self.engines.engine(self.paths[name])
        return engine.pid if engine else None

    def loaded(self) -> str:
        return "".join(name for name in self.paths if self.pid(name))


@pytest.fixture
async def models(make_gguf: MakeGguf) -> AsyncIterator[Models]:
    models = Models(make_gguf)
    yield models
    await models.engines.stop()


async def test_two_models_answer_side_by_side(models: Models) -> None:
    async with models.use("a") as first, models.use("b") as second:
        assert all(await asyncio.gather(ask(first), ask(second)))
        assert models.loaded() == "ab"


async def test_one_file_has_one_engine(models: Models) -> None:
    async with models.use("a") as first, models.use("a") as second:
        assert first == second


async def test_a_third_takes_the_place_of_the_one_unused_for_longest(models: Models) -> None:
    for name in "aba":
        async with models.use(name):
            pass
    oldest = models.pid("b")
    async with models.use("c"):
        assert models.loaded() == "ac"
        assert not alive(oldest)


async def test_a_third_waits_while_two_answer_and_says_so(models: Models) -> None:
    seen = list[Loading]()

    async def third() -> str:
        async with models.use("c", seen.append) as address:
            return await ask(address)

    async with models.use("a"):
        async with models.use("b") as address:
            waiting = asyncio.create_task(third())
            await asyncio.sleep(0.1)
            assert await ask(address) != ""
            assert models.loaded() == "ab"
        assert await asyncio.wait_for(waiting, 20) != ""
        assert models.loaded() == "ac"
    assert [seen[0].state, seen[-1].state] == ["waiting", "ready"]


async def test_a_model_that_cannot_be_loaded_keeps_no_place(models: Models, tmp_path: Path) -> None:
    for name in ("x", "y", "z"):
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(b"GGUF and nothing more")
        with pytest.raises(Fault):
            async with models.engines.use(path, name, PLAN, silent):
                pass
    async with models.use("a"), models.use("b"):
        assert models.loaded() == "ab"


async def test_stopping_ends_all_and_those_who_wait_are_told(models: Models) -> None:
    async with models.use("a"), models.use("b"):
        pids = [models.pid("a"), models.pid("b")]
        waiting = asyncio.create_task(models.use("c").__aenter__())
        await asyncio.sleep(0.1)
        await models.engines.stop()
        with pytest.raises(Fault) as caught:
            await asyncio.wait_for(waiting, 5)
    assert caught.value.code == "local_engine_stopped"
    assert not any(alive(pid) for pid in pids)

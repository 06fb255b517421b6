"""The life of an engine: there when used, back after a death, gone when idle, stopped or left behind.

The real llama.cpp in real processes; the model is a small one made on the spot, so that it loads at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from windowseat.core.errors import Fault
from windowseat.features.local_models.engine import Engine, Loading
from windowseat.features.local_models.process import Address

from .conftest import MakeEngine, MakeGguf, alive, ask, silent, until

pytestmark = pytest.mark.engine

# A program that uses an engine and says the engine's process id, then waits to be killed.
PARENT = """
import asyncio, sys, time
from pathlib import Path
from windowseat.features.local_models.engine import Engine
from windowseat.features.local_models.plan import Plan

async def main():
    plan = Plan(window=512, slots=1, cache="q8_0", prompt_cache=8, threads=1)
    engine = Engine(Path(sys.argv[1]), "small", plan)
    async with engine.use(lambda _: None):
        print(engine.pid, flush=True)
        await asyncio.sleep(60)

if sys.argv[2] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


def kill(engine: Engine, address: Address, how: signal.Signals = signal.SIGKILL) -> None:
    """Kills its process and waits until the system has shut the port; nobody here has heard of it yet."""
    assert engine.pid
    os.kill(engine.pid, how)
    while True:
        try:
            socket.create_connection(("127.0.0.1", urlsplit(address.base_url).port or 0)).close()
        except ConnectionError:
            return
        time.sleep(0.005)


async def test_it_starts_on_first_use_with_progress_and_answers(small_engine: MakeEngine) -> None:
    engine, seen = small_engine(), list[Loading]()
    assert engine.pid is None
    async with engine.use(seen.append) as address:
        assert await ask(address) != ""
    assert [seen[0].state, seen[-1].state] == ["starting", "ready"]
    assert [step.seconds for step in seen] == sorted(step.seconds for step in seen)
    await engine.stop()


async def test_it_answers_only_on_loopback_and_only_with_its_key(small_engine: MakeEngine) -> None:
    engine = small_engine()
    async with engine.use(silent) as address, httpx2.AsyncClient() as client:
        assert address.base_url.startswith("http://127.0.0.1:")
        assert address.api_key not in repr(address)
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            refused = await client.get(f"{address.base_url}/models", headers=headers)
            assert refused.status_code == 401
    await engine.stop()


async def test_its_answers_bear_the_models_name_and_not_its_path(small_engine: MakeEngine) -> None:
    engine = small_engine()
    async with engine.use(silent) as address, httpx2.AsyncClient() as client:
        listed = await client.get(
            f"{address.base_url}/models", headers={"Authorization": f"Bearer {address.api_key}"}
        )
        assert [model["id"] for model in listed.json()["data"]] == ["small"]
        assert str(engine.model.parent) not in listed.text
    await engine.stop()


async def test_many_who_come_at_once_share_one_process(small_engine: MakeEngine) -> None:
    engine = small_engine()

    async def use() -> int | None:
        async with engine.use(silent) as address:
            await ask(address)
            return engine.pid

    assert len(set(await asyncio.gather(*(use() for _ in range(8))))) == 1
    await engine.stop()


async def test_who_stops_waiting_does_not_stop_the_start_for_others(small_engine: MakeEngine) -> None:
    engine = small_engine()
    impatient = asyncio.create_task(engine.ready(silent))
    patient = asyncio.create_task(engine.ready(silent))
    await until(lambda: engine.pid)
    impatient.cancel()
    assert (await patient).base_url
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await engine.stop()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
async def test_after_a_death_the_next_use_starts_it_again(
    small_engine: MakeEngine, how: signal.Signals
) -> None:
    engine = small_engine()
    async with engine.use(silent) as address:
        first = engine.pid
    kill(engine, address, how)
    async with engine.use(silent) as address:
        assert await ask(address) != ""
        assert engine.pid != first
    await engine.stop()


async def test_a_death_while_it_answers_ends_that_request_and_no_later_one(small_engine: MakeEngine) -> None:
    engine = small_engine()
    async with engine.use(silent) as address:
        assert engine.pid
        os.kill(engine.pid, signal.SIGSTOP)  # else it would be done before we could kill it
        answer = asyncio.create_task(ask(address))
        await asyncio.sleep(0.1)
        kill(engine, address)
        with pytest.raises(httpx2.TransportError):
            await answer
    async with engine.use(silent) as address:
        assert await ask(address) != ""
    await engine.stop()


async def test_when_it_keeps_dying_the_error_says_so_with_the_end_of_its_log(
    small_engine: MakeEngine,
) -> None:
    engine = small_engine()
    for _ in range(3):
        async with engine.use(silent) as address:
            await ask(address)
        kill(engine, address)
    with pytest.raises(Fault) as caught:
        await engine.ready(silent)
    assert caught.value.code == "local_engine_died"
    assert "SIGKILL" in caught.value.detail
    assert "Its last lines: 0.00." in caught.value.detail
    assert engine.pid is None
    await engine.stop()


async def test_it_is_unloaded_when_idle_and_loaded_again_when_used(small_engine: MakeEngine) -> None:
    engine = small_engine(idle_seconds=0.2)
    async with engine.use(silent):
        pid = engine.pid
    assert alive(pid)
    await until(lambda: not engine.loaded)
    await until(lambda: not alive(pid))
    async with engine.use(silent) as address:
        assert await ask(address) != ""
    await engine.stop()


async def test_it_is_not_unloaded_while_anyone_uses_it(small_engine: MakeEngine) -> None:
    engine = small_engine(idle_seconds=0.1)
    async with engine.use(silent) as address:
        pid = engine.pid
        async with engine.use(silent):
            pass
        await asyncio.sleep(0.4)
        assert engine.pid == pid
        assert await ask(address) != ""
    await engine.stop()


async def test_a_file_that_llama_cpp_cannot_load_is_refused_with_its_reason(
    small_engine: MakeEngine, make_gguf: MakeGguf
) -> None:
    path = make_gguf()
    path.write_bytes(path.read_bytes()[:-10_000])
    engine = small_engine(path=path)
    with pytest.raises(Fault, match="not within the file bounds") as caught:
        await engine.ready(silent)
    assert caught.value.code == "local_model_unreadable"
    assert not engine.loaded


async def test_without_a_working_llama_cpp_the_error_says_what_to_do(
    small_engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken" / "xllamacpp"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no wheel for this platform')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(broken.parent), *sys.path]))
    engine = small_engine()
    with pytest.raises(Fault, match="no wheel for this platform") as caught:
        await engine.ready(silent)
    assert caught.value.code == "local_engine_missing"
    assert "windowseat connect" in caught.value.hint
    assert not engine.loaded


async def test_stopped_while_it_starts_it_leaves_no_process(small_engine: MakeEngine) -> None:
    engine = small_engine()
    waiting = asyncio.create_task(engine.ready(silent))
    await until(lambda: engine.pid)
    pid = engine.pid
    await engine.stop()
    assert not alive(pid)
    with pytest.raises(Fault) as caught:
        await waiting
    assert caught.value.code == "local_engine_stopped"


async def test_once_stopped_it_is_gone_and_stays_so(small_engine: MakeEngine) -> None:
    engine = small_engine()
    address = await engine.ready(silent)
    pid = engine.pid
    await engine.stop()
    assert not alive(pid)
    with pytest.raises(httpx2.ConnectError):
        await ask(address)
    with pytest.raises(Fault) as caught:
        await engine.ready(silent)
    assert caught.value.code == "local_engine_stopped"


async def test_ctrl_c_in_the_terminal_does_not_reach_it(small_engine: MakeEngine) -> None:
    engine = small_engine()
    await engine.ready(silent)
    assert engine.pid
    assert os.getpgid(engine.pid) != os.getpgid(0)
    await engine.stop()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_it_is_gone_with_its_parent_however_that_ends(
    make_gguf: MakeGguf, how: signal.Signals, loop: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(make_gguf()), loop],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as parent:
        assert parent.stdout
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        assert alive(pid)
        parent.send_signal(how)
        assert await until(lambda: not alive(pid)) < 2


async def test_the_end_of_its_input_alone_ends_it(small_engine: MakeEngine) -> None:
    """What holds where the kernel offers nothing more, and with a child of ours that outlives us."""
    engine = small_engine()
    await engine.ready(silent)
    pid = engine.pid
    with subprocess.Popen(["sleep", "60"]) as other:  # started after the pipe was opened
        try:
            close_input(engine)
            assert await until(lambda: not alive(pid)) < 2
        finally:
            other.kill()
    await engine.stop()


def close_input(engine: Engine) -> None:
    """Closes our end of the process's standard input."""
    assert engine._process
    assert engine._process._process
    stdin = engine._process._process.stdin
    assert stdin
    stdin.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_on_linux_it_is_gone_with_its_parent_even_where_another_holds_the_pipe(
    make_gguf: MakeGguf,
) -> None:
    """A fork without exec, as multiprocessing makes, inherits the pipe and outlives us."""
    program = PARENT.replace("        await asyncio.sleep(60)", FORK)
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, str(make_gguf()), "asyncio"], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        fork = int(await asyncio.to_thread(parent.stdout.readline))
        parent.kill()
        try:
            assert await until(lambda: not alive(pid)) < 2
        finally:
            os.kill(fork, signal.SIGKILL)


FORK = """
        import os
        fork = os.fork()
        if not fork:
            time.sleep(60)
        print(fork, flush=True)
        await asyncio.sleep(60)
"""


def test_the_server_never_loads_llama_cpp_itself(run_python: Callable[[str], str]) -> None:
    loaded = run_python("import sys, windowseat.features.local_models; print(*sys.modules)").split()
    assert {"xllamacpp", "sqlalchemy", "httpx2"} & set(loaded) == set()


@pytest.fixture
def run_python() -> Callable[[str], str]:
    """Runs a program in another Python; what it printed."""

    def run(program: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout

    return run

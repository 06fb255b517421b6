"""Real clients of the API against the house, each in an environment and a process of its own.

The environments are made once, in `.cache/clients`, from the package index; the house is the one that the
tests run, its providers are scripted ones of all four dialects.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.entrypoints.openai.conftest import Program

from windowseat.core.model import DIALECTS
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.world import running_house

CACHE = Path(__file__).parents[3] / ".cache" / "clients"
PROGRAMS = Path(__file__).parent / "clients"
OUTSIDE = dict(os.environ)
"""What pip needs to find its index; taken before a test hides the user's surroundings."""

OPENAI = "openai==3.57.0"
LITELLM = "litellm==1.110.2"
LANGCHAIN = "langchain-openai==1.7.4"
LLM = "llm==0.36"

PythonOf = Callable[..., Path]


@pytest.fixture(scope="session")
def python_of() -> PythonOf:
    """The Python of an environment with these packages; made when it is not there yet."""

    def made(*packages: str) -> Path:
        pins = " ".join((*packages, sys.version))
        folder = CACHE / f"{packages[0].split('=')[0]}-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"
        python = folder / "bin" / "python"
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            for command in (
                [sys.executable, "-m", "venv", str(folder)],
                [str(python), "-m", "pip", "install", "-qq", "--no-input", *packages],
            ):
                done = subprocess.run(command, env=OUTSIDE, capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(f"{packages[0]} cannot be installed: {done.stderr.strip()[-300:]}")
            (folder / "ready").touch()
        return python

    return made


async def run(python: Path, program: str, *arguments: str) -> str:
    """What the program says; it must end well."""
    home = Path(os.environ["HOME"])
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(home), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    running = await asyncio.create_subprocess_exec(
        python, "-W", "ignore", PROGRAMS / program, *arguments,
        env=surroundings, cwd=home, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(running.communicate(), 110)
    assert running.returncode == 0, said.decode()
    return said.decode()


@pytest.fixture(params=DIALECTS)
async def there(request: pytest.FixtureRequest, program: Program) -> AsyncIterator[ScriptedProvider]:
    """A provider of this dialect, by the connection `there`."""
    house = program.running.house
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(ScriptedProvider(dialect=request.param))
        await house.providers.connections.add(
            house.owner, name="there", dialect=request.param, url=provider.url
        )
        yield provider


async def was_left(provider: ScriptedProvider) -> None:
    """The provider noticed that its last answer was not wanted any more."""
    await asyncio.wait_for(provider.requests[-1].gone.wait(), 5)


@pytest.mark.engine
async def test_the_official_client_on_the_local_engine(
    python_of: PythonOf, tmp_path: Path, first_model: Path
) -> None:
    (tmp_path / "home" / "models").mkdir(parents=True)
    (tmp_path / "home" / "models" / first_model.name).symlink_to(first_model)
    async with running_house(tmp_path / "home") as running:
        key = (await running.house.users.new_key(running.house.owner, "program")).secret
        python = await asyncio.to_thread(python_of, OPENAI)
        await run(python, "with_openai_on_engine.py", f"{running.address}/v1", key)


async def test_the_official_client(python_of: PythonOf, program: Program, there: ScriptedProvider) -> None:
    python = await asyncio.to_thread(python_of, OPENAI)
    await run(python, "with_openai.py", f"{program.running.address}/v1", program.key, "there")
    await was_left(there)


@pytest.mark.long
@pytest.mark.parametrize(
    ("package", "script"), [(LITELLM, "with_litellm.py"), (LANGCHAIN, "with_langchain.py")]
)
async def test_other_clients(
    python_of: PythonOf, program: Program, there: ScriptedProvider, package: str, script: str
) -> None:
    python = await asyncio.to_thread(python_of, package)
    await run(python, script, f"{program.running.address}/v1", program.key, "there")


@pytest.mark.long
async def test_the_llm_command(
    python_of: PythonOf, program: Program, there: ScriptedProvider, tmp_path: Path
) -> None:
    python = await asyncio.to_thread(python_of, LLM)
    await run(python, "with_llm.py", f"{program.running.address}/v1", program.key, "there")

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

CACHE = Path(__file__).parents[3] / ".cache" / "clients"
PROGRAMS = Path(__file__).parent / "clients"
OUTSIDE = dict(os.environ)
"""What pip needs to find its index; taken before a test hides the user's surroundings."""

OPENAI = "openai==3.57.0"

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
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(home), "LLM_USER_PATH": str(home / "llm")}
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


async def test_the_official_client(python_of: PythonOf, program: Program, there: ScriptedProvider) -> None:
    python = await asyncio.to_thread(python_of, OPENAI)
    await run(python, "with_openai.py", f"{program.running.address}/v1", program.key, "there")
    await was_left(there)

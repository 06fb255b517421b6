"""The command as a person runs it: a real process on a home of its own, and a scripted provider."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from windowseat.testing.provider import ScriptedProvider

COMMAND = [sys.executable, "-m", "windowseat"]


class Terminal:
    """Runs `windowseat` on one home."""

    def __init__(self, home, extra=()):
        kept = {name: value for name, value in os.environ.items() if name != "WINDOWSEAT_RECORDINGS"}
        self.env = {**kept, "WINDOWSEAT_HOME": str(home), **dict(extra)}
        self.home = home

    def run(self, *arguments, stdin="", timeout=60):
        return subprocess.run(
            [*COMMAND, *arguments],
            input=stdin,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments):
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def lines(self, *arguments, **more):
        """The JSON lines that a command prints."""
        done = self.run(*arguments, **more)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    @asynccontextmanager
    async def serving(self, *arguments):
        """A server on this home; its address."""
        server = self.start("serve", "--port", "0", *arguments)
        try:
            first = await asyncio.to_thread(server.stdout.readline)
            assert first.startswith("Windowseat runs at "), first + server.stderr.read()
            yield first.split()[-1], server
        finally:
            server.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(server.wait, 20) == 0
            server.stdout.close()
            server.stderr.close()


@pytest.fixture
async def provider():
    async with ScriptedProvider() as running:
        yield running


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """A home whose default model is the scripted provider's, so that no engine is needed."""
    return Terminal(tmp_path / "home", {"WINDOWSEAT_DEFAULT_MODEL": "scripted/echo"})


@pytest.fixture
async def connected(terminal, provider):
    """The same, with the provider connected."""
    done = await asyncio.to_thread(
        terminal.run, "connect", "scripted", "--dialect", "openai-chat", "--url", provider.url
    )
    assert done.returncode == 0, done.stderr
    return terminal

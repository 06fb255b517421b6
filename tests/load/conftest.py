"""A real server in a process of its own, and providers for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from windowseat.testing.serving import ServerProcess

Serve = Callable[..., ServerProcess]


@contextmanager
def served(home: Path, provider: str, settings: Mapping[str, Any]) -> Iterator[ServerProcess]:
    """A server at this home whose connection `scripted` leads to the provider."""
    server = ServerProcess(home=home, settings={"default_model": "scripted/echo", **settings})
    try:
        server.start()
        server.wait_until_ready()
        connection = {"name": "scripted", "dialect": "openai-chat", "url": provider}
        server.client.send("POST", "/api/connections", connection)
        yield server
    finally:
        server.end()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve(url, a setting=…)`: a server whose connection `scripted` leads to the provider at this URL."""
    with ExitStack() as stack:

        def start(provider: str, **settings: Any) -> ServerProcess:
            return stack.enter_context(served(tmp_path / "home", provider, settings))

        yield start


@pytest.fixture
def paced_provider() -> Iterator[str]:
    """The address of a scripted provider in a process of its own."""
    command = [sys.executable, "-m", "windowseat.testing.provider"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()

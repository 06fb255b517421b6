"""The programs that are measured, each in a process of its own: our server, its provider, the references.

`house` starts our server as anybody would, `python -m windowseat serve`, in a home of its own, with one
connection named `bench` and a key for programs. `listening` starts a program that prints its address first.
Everything is ended when its block is left. Nothing is measured here.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windowseat.core.errors import Fault
from windowseat.entrypoints.cli.client import Client
from windowseat.platform.home import Home

HERE = Path(__file__).resolve().parent
PROVIDER = ("-m", "windowseat.testing.provider")
RAW_RELAY = (str(HERE / "raw_relay.py"),)
BARE_APP = (str(HERE / "bare_app.py"),)
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A program that listens; `headers` are what a request to it needs."""

    pid: int
    url: str
    headers: tuple[str, ...] = ()


@contextmanager
def listening(*command: str) -> Iterator[Server]:
    """A Python program that prints its address as its first line."""
    with _running(*command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        if not address:
            raise RuntimeError(f"{' '.join(command)} ended before it listened")
        yield Server(pid=process.pid, url=address.removesuffix("/v1"))


@contextmanager
def house(home: Path, provider: str | None = None, *, port: int | None = None) -> Iterator[Server]:
    """Our server in `home`, once it answers; `provider` is where its connection `bench` leads.

    Started again in the same home it has the connection and the key of the first time, and makes neither.
    """
    port = port or free_port()
    with _running(*serve_command(port), env=surroundings(home)) as process:
        client = Client(_socket_of(home, process))
        key = home / "benchmark.key"
        if not key.exists():
            made = client.send("POST", "/api/keys", {"name": "benchmark", "scope": "api"})
            key.write_text(made["key"])
        if provider is not None:
            told = {"name": "bench", "dialect": "openai-chat", "url": f"{provider}/v1"}
            client.send("POST", "/api/connections", told)
        yield Server(pid=process.pid, url=f"http://127.0.0.1:{port}", headers=(bearer(home),))


def serve_command(port: int) -> tuple[str, ...]:
    """How our server is started."""
    return "-m", "windowseat", "serve", "--port", str(port)


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a server in this home: none of our own settings, and no model to be fetched."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WINDOWSEAT_")}
    return {**kept, "WINDOWSEAT_HOME": str(home), "WINDOWSEAT_DEFAULT_MODEL": "bench/paced"}


def bearer(home: Path) -> str:
    """The header with which programs ask the server of this home, once `house` made its key."""
    return f"Authorization: Bearer {(home / 'benchmark.key').read_text()}"


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def _running(
    *command: str, env: dict[str, str] | None = None, stdout: int = subprocess.DEVNULL
) -> Iterator[Any]:
    process = subprocess.Popen((sys.executable, *command), env=env, stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, and make it end when it does not."""
    process.terminate()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _socket_of(home: Path, process: subprocess.Popen[bytes]) -> Path:
    """Where the server of this home answers, once it does."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        path = Home(home).socket_path()
        if path is not None:
            with suppress(Fault):
                Client(path).get("/healthz")
                return path
        time.sleep(0.02)
    raise RuntimeError(f"the server did not answer; it ended with {process.poll()}")

"""`serve`: own the home, listen on a port and on the home's socket, say where, until told to stop."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import click

from windowseat.entrypoints.cli.reach import fetch_model, home_and_settings, in_use
from windowseat.platform.home import Home
from windowseat.platform.process_lock import ProcessLock
from windowseat.platform.settings import Settings

if TYPE_CHECKING:
    from windowseat.features.tools import Registered

_PATIENCE = 10.0
"""Seconds for which a lone command may go on, and a server that is just starting may say its address."""


@click.command(name="serve")
@click.option("--host", help="The address to listen on; loopback only where none is named.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes any free one.")
def serve_command(host: str | None, port: int | None) -> None:
    """Start the server. It listens on 127.0.0.1:8321 or the next free port, and says so."""
    serve_home(host, port)


def serve_home(host: str | None, port: int | None, more_tools: Sequence[Registered] = ()) -> None:
    """Serve the home of this process's surroundings until told to stop; `more_tools` are for its turns.

    Raises Fault `home_in_use`, and what opening the house raises.
    """
    home, settings = home_and_settings()
    lock = _own(home)
    with lock:
        fetch_model(home, settings, None)
        run_loop(_serve(home, settings, lock, host=host, port=port, more_tools=more_tools))


def _own(home: Home) -> ProcessLock:
    """The home's lock, after a lone command has ended; a server that runs is named with its address."""
    lock = ProcessLock(home.lock)
    until = time.monotonic() + _PATIENCE
    is_told = False
    while not lock.acquire(kind="serve"):
        owner = lock.owner() or {}
        serves = owner.get("kind") == "serve"
        if (serves and "address" in owner) or time.monotonic() > until:
            raise in_use(owner)
        if not (serves or is_told):
            click.echo("Waiting for a command that uses the home …", err=True)
            is_told = True
    return lock


async def _serve(
    home: Home,
    settings: Settings,
    lock: ProcessLock,
    *,
    host: str | None,
    port: int | None,
    more_tools: Sequence[Registered],
) -> None:
    from windowseat.app import Ready, serve

    def ready(told: Ready) -> None:
        if told.wanted is not None:
            click.echo(f"Port {told.wanted} is taken, so this is another one.", err=True)
        click.echo(f"Windowseat runs at {told.address}")
        if told.link is not None:
            click.echo(f"Sign in, once and within the hour: {told.link}")
        else:
            click.echo("Another browser is let in by a link from: windowseat link")
        click.echo("Stop it with Ctrl-C.", err=True)
        sys.stdout.flush()

    await serve(settings, home, lock, host=host, port=port, ready=ready, more_tools=more_tools)


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end on uvloop where there is one, which costs less per request."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop

"""`serve`: own the home, listen on a port and on the home's socket, say where, until told to stop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click

from windowseat.entrypoints.cli.reach import fetch_model, home_and_settings, in_use
from windowseat.platform.home import Home
from windowseat.platform.process_lock import ProcessLock
from windowseat.platform.settings import Settings

_WAITS_FOR_A_LONE_COMMAND = 10.0


@click.command(name="serve")
@click.option("--host", help="The address to listen on; loopback only where none is named.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes any free one.")
def serve_command(host: str | None, port: int | None) -> None:
    """Start the server. It listens on 127.0.0.1:8321 or the next free port, and says so."""
    home, settings = home_and_settings()
    lock = _own(home)
    with lock:
        fetch_model(home, settings, None)
        run_loop(_serve(home, settings, lock, host, port))


def _own(home: Home) -> ProcessLock:
    """The home's lock, after a lone command has ended; a server that runs is named."""
    lock = ProcessLock(home.lock)
    if lock.acquire(kind="serve"):
        return lock
    if (lock.owner() or {}).get("kind") != "serve":
        click.echo("Waiting for a command that uses the home …", err=True)
        if lock.acquire(wait=_WAITS_FOR_A_LONE_COMMAND, kind="serve"):
            return lock
    raise in_use(lock.owner())


async def _serve(
    home: Home, settings: Settings, lock: ProcessLock, host: str | None, port: int | None
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

    await serve(settings, home, lock, host=host, port=port, ready=ready)


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

"""Reaching the house: as the client of whoever owns the home, or, when nobody does, as its owner.

A lone command opens the same house that `serve` does, on the socket only, in a thread of its own, and
is then its client like any other. So there is one way to do each thing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from windowseat.core.errors import Fault
from windowseat.entrypoints.cli.client import Client
from windowseat.platform.home import Home
from windowseat.platform.process_lock import ProcessLock
from windowseat.platform.settings import Settings, read_settings

_STARTING = 10.0
"""Seconds for which an owner that holds the lock and does not answer yet is waited for."""


def home_and_settings() -> tuple[Home, Settings]:
    """The home, made if it was not there, and its settings."""
    home = Home.find(os.environ)
    home.create()
    return home, read_settings(home.settings_file, os.environ)


@contextmanager
def house(kind: str, *, needs_model: str | None = None, asks_model: bool = False) -> Iterator[Client]:
    """A client of the house, which is opened for the time of the command when nobody has.

    With `asks_model` the model `needs_model` (None: the default) is fetched first where it is missing.
    """
    home, settings = home_and_settings()
    client = _client_of(home)
    if client is None:
        lock = ProcessLock(home.lock)
        until = time.monotonic() + _STARTING
        while not lock.acquire(kind=kind):
            client = _client_of(home)
            if client is not None:
                break
            if time.monotonic() > until:
                raise in_use(lock.owner())
            time.sleep(0.05)
        if client is None:
            with lock:
                if asks_model:
                    fetch_model(home, settings, needs_model)
                with _lone(home, settings, kind) as client:
                    yield client
            return
    if asks_model:
        fetch_model(home, settings, needs_model)
    yield client


def in_use(owner: dict[str, Any] | None) -> Fault:
    """Somebody else owns the home, and who."""
    facts = owner or {}
    who = f"process {facts.get('pid', '?')} (`windowseat {facts.get('kind', '?')}`)"
    where = f" at {facts['address']}" if facts.get("address") else ""
    return Fault(
        "home_in_use", f"The home is in use by {who}{where}.", hint="Use that one, or stop it first."
    )


def fetch_model(home: Home, settings: Settings, name: str | None) -> None:
    """Fetch the model that is there from the start, with progress, when it is asked for and missing.

    What goes wrong is said and not raised: other models may work, and the answer will say so again.
    """
    from windowseat.features.local_models.catalogue import known_by_name

    wanted = name or settings.default_model or "local/smollm2"
    if wanted != "local/smollm2" or (home.models / known_by_name("smollm2").file_name).exists():
        return
    try:
        get_known_model("smollm2", home)
    except Fault as fault:
        click.echo(f"The first model could not be fetched. {fault}", err=True)


def get_known_model(name: str, home: Home) -> None:
    """Fetch a model by name into the home, with progress on stderr. Raises the Fault that stopped it."""
    from windowseat.features.local_models import LocalModels, Progress

    shown = ""

    def show(progress: Progress) -> None:
        nonlocal shown
        line = progress.phase
        if progress.total:
            line += f" {progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB"
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{line}", nl=False, err=True)
        elif progress.phase != shown:
            click.echo(line, err=True)
        shown = progress.phase

    try:
        LocalModels(home.models).get(name, show)
    finally:
        if sys.stderr.isatty():
            click.echo("\r\033[K", nl=False, err=True)


def _client_of(home: Home) -> Client | None:
    path = home.socket_path()
    client = Client(path) if path is not None else None
    return client if client is not None and client.answers() else None


@contextmanager
def _lone(home: Home, settings: Settings, kind: str) -> Iterator[Client]:
    """The house on its socket, in a thread, until the command is done."""
    opened = threading.Event()
    failed: list[BaseException] = []
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def live() -> None:
        from windowseat.app import on_socket, open_house

        async with open_house(settings, home, kind=kind) as opened_house, on_socket(opened_house):
            opened.set()
            await done.wait()

    def run() -> None:
        try:
            loop.run_until_complete(live())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the command waits
            failed.append(error)
        finally:
            loop.close()
            opened.set()

    thread = threading.Thread(target=run, name="house")
    thread.start()
    try:
        opened.wait()
        if failed:
            raise failed[0]
        path = home.socket_path()
        assert path is not None
        yield Client(path)
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)
        thread.join()

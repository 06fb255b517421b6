"""The real server in a process of its own, for tests that kill it, starve it and load it.

    server = ServerProcess(home, settings={"default_model": "scripted/echo"})
    server.start(); server.wait_until_ready()
    server.client.get("/api/threads")
    server.kill()

Run as `python -m windowseat.testing.serving NOTES` it serves like `windowseat serve`, with three more tools
that note in the file NOTES when they begin and end, so that a test knows how often each call really ran.

Not here: what is asked of it (`entrypoints.cli.client`, `following`), and providers (`provider`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from windowseat.core.ask import Turn
from windowseat.core.errors import Fault
from windowseat.core.parts import Json
from windowseat.core.ports import Emit
from windowseat.core.tool import Policy, Tool, Touches
from windowseat.entrypoints.cli.asking import NOT_REACHABLE
from windowseat.entrypoints.cli.client import Client
from windowseat.entrypoints.cli.serve import serve_home
from windowseat.features.tools import Registered
from windowseat.platform.home import Home
from windowseat.platform.settings import PREFIX

_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0


class NotReady(Exception):
    """The server ended, or does not answer; says what it printed."""


@dataclass(frozen=True, slots=True)
class NotingTool:
    """Runs a call that takes `seconds` and notes its `key` in a file, as `began KEY` and `ended KEY`."""

    tool: Tool
    notes: Path

    async def run(self, _turn: Turn, arguments: dict[str, Json], emit: Emit) -> str:
        """What the registry calls."""
        self._note("began", arguments["key"])
        if arguments["seconds"]:
            emit(f"{arguments['key']} is at work.")
            await asyncio.sleep(arguments["seconds"])
        self._note("ended", arguments["key"])
        return f"{arguments['key']} is done."

    def _note(self, what: str, key: str) -> None:
        handle = os.open(self.notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, f"{what} {key}\n".encode())
        finally:
            os.close(handle)


def noting_tools(notes: Path) -> tuple[NotingTool, ...]:
    """`note_nothing` and `note_thread` run by themselves, `note_outside` asks first."""
    kinds: tuple[tuple[Touches, Policy], ...] = (
        ("nothing", "always"),
        ("thread", "always"),
        ("outside", "ask"),
    )
    return tuple(NotingTool(_noting(touches, policy), notes) for touches, policy in kinds)


def _noting(touches: Touches, policy: Policy) -> Tool:
    return Tool(
        name=f"note_{touches}",
        description="Notes that it ran.",
        schema={
            "type": "object",
            "properties": {
                "key": {"type": "string"},
                "seconds": {"type": "number"},
                "stamps": {"type": "string"},
            },
            "required": ["key", "seconds"],
            "additionalProperties": False,
        },
        touches=touches,
        policy=policy,
    )


@dataclass(slots=True)
class ServerProcess:
    """One home and the process that serves it; after `kill` or `stop` it may be started again.

    `settings` by their names; with `notes` it has the noting tools. It reaches nothing but loopback by itself
    as long as `default_model` names a model of a connection that the test makes.
    """

    home: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: Path | None = None
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    limits: Sequence[str] = ()
    """Words of a command that is put before the server's own, such as `prlimit` and its options."""
    name: str = "server"
    """Tells two processes of one home apart, in the names of their logs."""

    @property
    def pid(self) -> int:
        """The process id of the server."""
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> Path:
        """The file of all that its starts have printed."""
        return self.home.with_name(f"{self.home.name}-{self.name}.log")

    @property
    def client(self) -> Client:
        """A client on the home's socket."""
        path = Home(self.home).socket_path()
        if path is None:
            raise NotReady(f"{self.home} has no socket")
        return Client(path)

    def start(self) -> None:
        """Start the process; it does not answer yet."""
        module = (
            ["windowseat", "serve"] if self.notes is None else ["windowseat.testing.serving", str(self.notes)]
        )
        told = {PREFIX + name.upper(): str(value) for name, value in self.settings.items()}
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.limits, sys.executable, "-m", *module, "--port", str(self.port)],
                env={**surroundings, **told, PREFIX + "HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Return once it answers. Raises NotReady."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                code = self.process.returncode if self.process else "nothing"
                raise NotReady(f"the server ended with {code}: {self.printed()}")
            path = Home(self.home).socket_path()
            if path is not None and path.exists() and Client(path).answers():
                return
            time.sleep(0.02)
        raise NotReady(f"the server does not answer after {seconds} s: {self.printed()}")

    def printed(self) -> str:
        """All that was printed, by every start."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def kill(self) -> int:
        """kill -9; returns time.monotonic_ns() of the instant before, once the process is gone."""
        assert self.process is not None
        at = time.monotonic_ns()
        self.process.kill()
        self.process.wait()
        return at

    def ask_to_stop(self) -> int:
        """SIGTERM, and no waiting; returns time.monotonic_ns() of the instant before."""
        assert self.process is not None
        at = time.monotonic_ns()
        self.process.send_signal(signal.SIGTERM)
        return at

    def wait(self) -> int:
        """Wait until the process is gone; returns its exit code. Killed where it takes longer than it may."""
        assert self.process is not None
        try:
            return self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def stop(self) -> int:
        """Ask it to stop, and wait."""
        self.ask_to_stop()
        return self.wait()

    def end(self) -> None:
        """Leave nothing running, whatever happened before."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def memory(self) -> int:
        """Bytes of memory that the process holds now; on Linux only."""
        return self._kilobytes("VmRSS") * 1024

    def peak_memory(self) -> int:
        """The most that it held since it started, or since `forget_peak`; on Linux only."""
        return self._kilobytes("VmHWM") * 1024

    def forget_peak(self) -> None:
        """Count the peak anew from here (proc(5), clear_refs)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _kilobytes(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def main() -> None:
    """Serve with the noting tools until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m windowseat.testing.serving", description=__doc__)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args()
    tools = [Registered(tool=noting.tool, run=noting.run) for noting in noting_tools(asked.notes)]
    try:
        serve_home(None, asked.port, tools)
    except Fault as fault:
        sys.stderr.write(f"{fault}\n")
        sys.exit(NOT_REACHABLE)


if __name__ == "__main__":
    main()

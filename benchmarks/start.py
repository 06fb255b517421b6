"""How soon the server answers, and what it holds while nobody asks anything; beside a bare FastAPI app.

    python benchmarks/start.py [--rounds 7] [--idle 10] [--json FILE]

Each round starts both in turn and takes the time from the process's start to the first whole answer of `GET
/api/threads`, and the CPU used until then. Ours answers to a key from a home that is there; one that makes
its home first is asked on its socket. Memory is read after some idle seconds, without any engine: RSS is all
pages in memory, PSS counts a page that several processes share by its share.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import report
from processes import cpu_seconds, memory_megabytes
from report import Spread
from servers import BARE_APP, bearer, end, free_port, house, serve_command, surroundings

from windowseat.platform.home import Home

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a server is started and asked; `home` where it is asked on its socket, else on its port."""

    command: tuple[str, ...]
    port: int
    env: dict[str, str] | None = None
    headers: tuple[str, ...] = ()
    home: Path | None = None


def started(way: Way) -> tuple[subprocess.Popen[bytes], float, float]:
    """The process, the seconds until its first answer, and the CPU seconds that it had used by then."""
    lines = ["GET /api/threads HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *way.headers]
    asked = "\r\n".join([*lines, "", ""]).encode()
    begun = time.perf_counter()
    process = subprocess.Popen(
        (sys.executable, *way.command), env=way.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not _answered(way, asked):
        if process.poll() is not None or time.perf_counter() - begun > _PATIENCE_SECONDS:
            end(process)
            raise RuntimeError(f"{' '.join(way.command)} did not answer")
        time.sleep(0.001)
    return process, time.perf_counter() - begun, cpu_seconds([process.pid])[process.pid]


def _answered(way: Way, asked: bytes) -> bool:
    answer = b""
    try:
        with _connected(way) as connection:
            connection.settimeout(_PATIENCE_SECONDS)
            connection.sendall(asked)
            while more := connection.recv(65536):
                answer += more
    except (ConnectionError, FileNotFoundError):
        return False
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:200].decode("utf-8", "replace"))
    return True


def _connected(way: Way) -> socket.socket:
    if way.home is None:
        return socket.create_connection(("127.0.0.1", way.port))
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(Home(way.home).socket_path()))
    except OSError:
        connection.close()
        raise
    return connection


class Found:
    """The figures of all rounds by what was started: `bare`, `ours`, `first`."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}
        self.memory: dict[str, list[dict[str, float]]] = {}

    def one(self, name: str, way: Way, idle: float) -> None:
        """Start, note, wait for `idle` seconds where memory is asked for, and end."""
        process, seconds, cpu = started(way)
        try:
            self.seconds.setdefault(name, []).append(seconds)
            self.cpu.setdefault(name, []).append(cpu)
            if idle:
                time.sleep(idle)
                self.memory.setdefault(name, []).append(memory_megabytes(process.pid))
        finally:
            end(process)


def measure(rounds: int, first_rounds: int, memory_rounds: int, idle: float) -> Found:
    """All rounds, interleaved; one before them is not counted, as it may have to compile."""
    found = Found()
    with tempfile.TemporaryDirectory(prefix="windowseat-") as folder:
        home = Path(folder, "home")
        with house(home):
            pass
        for number in range(-1, rounds):
            into = found if number >= 0 else Found()
            rest = idle if 0 <= number < memory_rounds else 0.0
            port = free_port()
            into.one("bare", Way(command=(*BARE_APP, "--port", str(port)), port=port), rest)
            ours = Way(
                command=serve_command(port), port=port, env=surroundings(home), headers=(bearer(home),)
            )
            into.one("ours", ours, rest)
            if number < first_rounds:
                new = Path(folder, f"new-{number}")
                into.one(
                    "first", Way(command=serve_command(port), port=port, env=surroundings(new), home=new), 0
                )
    return found


def main() -> None:
    """Measure and tell."""

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--rounds", type=int, default=7)
        parser.add_argument("--first-rounds", type=int, default=3, help="of them with a home to be made")
        parser.add_argument("--memory-rounds", type=int, default=2, help="of them in which memory is read")
        parser.add_argument("--idle", type=float, default=10.0, help="seconds before memory is read")

    asked = report.options(__doc__, more)
    found = measure(asked.rounds, asked.first_rounds, asked.memory_rounds, asked.idle)
    names = {"bare": "bare FastAPI app", "ours": "windowseat serve", "first": "… that makes its home"}
    rows = [
        (
            title,
            Spread.of(found.seconds[name]).show(),
            Spread.of_ratios(found.seconds[name], found.seconds["bare"][: len(found.seconds[name])]).show(),
            Spread.of(found.cpu[name]).show(),
            *(_memory(found, name, kind) for kind in ("rss", "pss")),
        )
        for name, title in names.items()
        if name in found.seconds
    ]
    headers = ("", "first answer, s", "to the bare app", "CPU till then, s", "idle RSS, MB", "idle PSS, MB")
    data = {"seconds": found.seconds, "cpu_seconds": found.cpu, "memory_megabytes": found.memory}
    report.tell("Start and idle memory", report.table(headers, rows), data, asked.json)


def _memory(found: Found, name: str, kind: str) -> str:
    values = [each[kind] for each in found.memory.get(name, ()) if kind in each]
    return Spread.of(values).show(0) if values else "-"


if __name__ == "__main__":
    main()

"""One life of the engine's process: started, ready or failed, gone. When and how often is engine.py's.

It speaks to child.py and to nobody else. The process ends with us however we end: see there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from windowseat.core.errors import Fault, ProviderFault, Refused
from windowseat.features.local_models.plan import Plan

LOG_BYTES = 16 * 1024
LOG_LINES_SHOWN = 5
ERROR_MARK = " E "  # between the time and the words, in llama.cpp's log


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a loaded model answers: an `openai-chat` base URL and the key that it asks for."""

    base_url: str
    api_key: str = field(repr=False)


class EngineProcess:
    """A process that loads the model at `model` and then serves it; used for one life only."""

    def __init__(self, model: Path, name: str, plan: Plan) -> None:
        self.model = model
        self.name = name
        self.plan = plan
        self.state: Literal["starting", "loading", "ready"] = "starting"
        self.pid: int | None = None
        self._log = b""
        self._process: Process | None = None
        self._address: Address | None = None
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> Address:
        """Starts it and waits until the model is loaded.

        Raises Fault `local_engine_missing`, `local_engine_not_started`; Refused `local_model_unreadable`;
        ProviderFault `local_engine_died` when it ended without a word. Cancelled or failed, it leaves
        no process.
        """
        try:
            return await self._start()
        except BaseException:
            await self.kill()
            raise

    async def _start(self) -> Address:
        # A session of its own: Ctrl-C in the terminal is for us, who may still be writing the answer down.
        # In the loop's thread: Linux ends the child with the *thread* that started it.
        command = [sys.executable, "-P", "-m", "windowseat.features.local_models.child"]
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
            )
        except OSError as error:
            raise Fault(
                "local_engine_not_started",
                f"The system did not start a process for {self.name}: {error.strerror}.",
                hint="It may be out of memory, processes or open files; close something, then try again.",
                status=503,
            ) from error
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self.pid = process.pid
        self._tasks = [
            asyncio.create_task(self._keep_log(process.stderr)),
            asyncio.create_task(process.wait()),
        ]
        key = secrets.token_urlsafe(32)
        order = {
            "parent": os.getpid(),
            "model": str(self.model),
            "name": self.name,
            "key": key,
            **asdict(self.plan),
        }
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            await process.stdin.drain()
        while line := await process.stdout.readline():
            report = json.loads(line)
            if report["state"] == "ready":
                self._address = Address(base_url=f"{report['address']}/v1", api_key=key)
                self.state = "ready"
                return self._address
            if report["state"] == "failed":
                await asyncio.wait(self._tasks)
                raise self._failure(report["code"], report["detail"])
            self.state = "loading"
        await asyncio.wait(self._tasks)
        raise self.death()

    async def address(self) -> Address | None:
        """Where it answers now; None when it does not, or no longer."""
        if self._address is None or self.exited:
            return None
        # The news of a death travels; the port is shut at once.
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return None
        writer.close()
        return self._address

    @property
    def port(self) -> int:
        """The port that it listens on. Only once it is ready."""
        assert self._address
        return int(self._address.base_url.rsplit(":", 1)[1].removesuffix("/v1"))

    @property
    def exited(self) -> bool:
        """Whether it has ended and has been waited for."""
        return self._process is not None and self._process.returncode is not None

    async def kill(self) -> None:
        """Ends it and waits until it is gone. It has nothing to save, so nothing softer comes first."""
        if self._process is None:
            return
        if not self.exited:
            # Not Process.kill: where it is dead already, that takes the exit status away from asyncio,
            # which then says 255 (subprocess.Popen.send_signal polls first).
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        await asyncio.shield(asyncio.wait(self._tasks))

    def death(self) -> ProviderFault:
        """What to say when it ended by itself."""
        code = self._process.returncode if self._process else None
        how = f"with code {code}"
        if code is not None and code < 0:
            how = f"by {signal.Signals(-code).name}"
        return ProviderFault(
            "local_engine_died",
            f"The local engine ended {how} while it ran {self.name}. {self.last_words()}",
            hint="If it was SIGKILL, memory may have run out: try a smaller model or a smaller window.",
        )

    def _failure(self, code: str, detail: str) -> Fault:
        if code == "local_engine_missing":
            return Fault(
                code,
                f"The local engine (xllamacpp) cannot be loaded on this machine: {detail}",
                hint="It has wheels for Linux with glibc and for macOS. Elsewhere connect llama.cpp, Ollama "
                "or another provider with `windowseat connect`.",
                status=503,
            )
        return Refused(
            code,
            f"llama.cpp cannot load {self.model.name}: {self._first_error()}",
            hint="Fetch the file again; it may be damaged, or newer than the engine.",
        )

    def last_words(self) -> str:
        """The last lines of its log, for an error."""
        lines = self._lines()[-LOG_LINES_SHOWN:]
        return f"Its last lines: {' / '.join(lines)}" if lines else "It left no word."

    def _first_error(self) -> str:
        """The first line of its log that tells of an error; those after it only tell who gave up."""
        errors = (line for line in self._lines() if ERROR_MARK in line)
        return next((line.partition(ERROR_MARK)[2] for line in errors), self.last_words())

    def _lines(self) -> list[str]:
        return [line.strip() for line in self._log.decode("utf-8", errors="replace").splitlines()]

    async def _keep_log(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(LOG_BYTES):
            self._log = (self._log + data)[-LOG_BYTES:]

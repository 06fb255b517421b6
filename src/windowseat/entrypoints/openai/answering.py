"""One turn's answer over one HTTP answer: whole, or as a stream of server-sent events.

It follows the journal as everybody does. Until the first words an error still has its own status, so a stream
begins with them, or after some seconds of waiting. Who leaves stops the turn, and what was said is forgotten
when it is told.

What an event looks like on the wire is a writer's business (chat_writer.py, responses_writer.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Protocol

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from windowseat.core.ask import Turn
from windowseat.core.errors import Fault, NotFound
from windowseat.core.events import Event, NoticeGiven, TurnSettled
from windowseat.core.parts import Json
from windowseat.core.ports import Line
from windowseat.entrypoints.openai.errors import (
    ApiError,
    ApiFault,
    error_of,
    error_of_notice,
    internal_error,
    stopped,
)
from windowseat.entrypoints.openai.services import Services

QUIET = 10.0
"""Seconds without a word after which a stream begins all the same, and then says that it lives."""

_BAD_ENDS = frozenset({"error", "cancelled", "interrupted", "step_limit"})
_COMMENT = b": waiting\n\n"


class Writer(Protocol):
    """How one answer looks on a wire."""

    def take(self, event: Event) -> list[Json]:
        """What an event says."""
        ...

    def finish(self, settled: TurnSettled) -> list[Json]:
        """What ends an answer that came to its end."""
        ...

    def frame(self, chunk: Json) -> bytes:
        """What was said as bytes of a stream."""
        ...

    def end(self) -> bytes:
        """What ends a stream."""
        ...

    def failed(self, error: ApiError) -> bytes:
        """An error within a stream, which it ends."""
        ...

    def whole(self, chunks: Sequence[Json]) -> bytes:
        """All that was said as one body."""
        ...


class Answering(Response):
    """The answer of a turn that has begun."""

    def __init__(self, services: Services, turn: Turn, writer: Writer, *, stream: bool) -> None:
        super().__init__()
        self._services = services
        self._turn = turn
        self._writer = writer
        self._stream = stream
        self._watch = services.turns.watch()
        self._stops: set[asyncio.Task[None]] = set()
        self._ending = False

    # -- what the server tells ------------------------------------------------------------------------

    def turn_started(self, turn: Turn) -> None:
        """Nothing to us."""

    def list_changed(self, name: str, version: int) -> None:
        """Nothing to us."""

    def end(self) -> None:
        """Come to an end soon."""
        self._ending = True
        self._stop()

    # -- the answer -----------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer. Raises ApiFault for an error that was met before the first byte."""
        leaving = asyncio.create_task(self._notice_leaving(receive), name="a caller of /v1")
        self._services.news.add(self._turn.user.id, self)
        self._watch.add(self._turn.id)
        try:
            if self._stream:
                await self._send_stream(send)
            else:
                await self._send_whole(scope, receive, send)
        finally:
            leaving.cancel()
            self._watch.close()
            self._services.news.discard(self._turn.user.id, self)
            with suppress(NotFound):
                await self._services.turns.cancel(self._turn.user, self._turn.id)
            self._services.forget(self._turn)

    async def _notice_leaving(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._stop()

    def _stop(self) -> None:
        task = asyncio.create_task(self._services.turns.cancel(self._turn.user, self._turn.id))
        self._stops.add(task)
        task.add_done_callback(self._stops.discard)

    async def _send_whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        chunks: list[Json] = []
        async for told, failed in self._told():
            if failed is not None:
                raise ApiFault(failed)
            chunks += told
        body = self._writer.whole(chunks)
        headers = {"X-Request-Id": self._turn.id}
        await Response(body, 200, headers, media_type="application/json")(scope, receive, send)

    async def _send_stream(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        last, begun = loop.time(), False
        async for told, failed in self._told():
            if failed is not None and not begun:
                raise ApiFault(failed)
            frames = b"".join(map(self._writer.frame, told))
            if failed is not None:
                frames += self._writer.failed(failed)
            elif not frames and loop.time() - last >= QUIET:
                frames = _COMMENT
            if frames:
                if not begun:
                    await send(self._start())
                    begun = True
                last = loop.time()
                await send({"type": "http.response.body", "body": frames, "more_body": failed is None})
            if failed is not None:
                return
        await send({"type": "http.response.body", "body": self._writer.end(), "more_body": False})

    def _start(self) -> Message:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            (b"x-request-id", self._turn.id.encode()),
        ]
        return {"type": "http.response.start", "status": 200, "headers": headers}

    async def _told(self) -> AsyncIterator[tuple[list[Json], ApiError | None]]:
        """What is told, batch by batch; with the last one the error that ended the turn, if one did."""
        notice: NoticeGiven | None = None
        try:
            async for lines in self._lines():
                told: list[Json] = []
                failed: ApiError | None = None
                for line in lines:
                    event = line.event
                    if isinstance(event, NoticeGiven):
                        notice = event
                    elif isinstance(event, TurnSettled) and event.stop_reason in _BAD_ENDS:
                        failed = self._error(event, notice)
                    elif isinstance(event, TurnSettled):
                        told += self._writer.finish(event)
                    else:
                        told += self._writer.take(event)
                yield told, failed
        except Fault as fault:
            yield [], error_of(fault)

    def _error(self, settled: TurnSettled, notice: NoticeGiven | None) -> ApiError:
        if settled.stop_reason == "error" and notice is not None:
            return error_of_notice(notice, self._services.clock.now())
        return stopped(self._ending)

    async def _lines(self) -> AsyncIterator[Sequence[Line]]:
        """The turn's lines as they are committed, until it settles; none after some seconds without."""
        turns, turn = self._services.turns, self._turn
        loop = asyncio.get_running_loop()
        after = 0
        while True:
            is_running = turns.is_running(turn.id)
            lines = await turns.since(turn, after)
            if lines:
                after = lines[-1].n
                yield lines
                if isinstance(lines[-1].event, TurnSettled):
                    return
            elif not is_running:  # it stands still, for a fault of ours that the log tells of
                raise ApiFault(internal_error())
            else:
                timer = loop.call_later(QUIET, self._watch.touch)
                await self._watch.wait()
                timer.cancel()
                if loop.time() >= timer.when():
                    yield ()

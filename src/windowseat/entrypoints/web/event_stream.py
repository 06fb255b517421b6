"""Events as they happen, over one HTTP answer: text/event-stream (WHATWG HTML, "Server-sent events").

The hot path of the house: all that was committed together goes out in one piece, in bytes that the journal
encoded once. A stream holds no events; it reads on from its numbers whenever its watch wakes it, so a slow
reader costs nothing, and whoever comes back names the last number it has. It checks no right at its
beginning (the resources do), but leaves when the right it began with ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from windowseat import codec
from windowseat.core.ask import Turn
from windowseat.core.errors import Fault
from windowseat.core.events import TurnSettled
from windowseat.core.ports import Line
from windowseat.entrypoints.web.news import News
from windowseat.entrypoints.web.security import STRAIGHT, Asker
from windowseat.turns.turns import Turns

QUIET = 15.0
"""Seconds without an event after which a comment is sent, and between two looks at the reader's right."""

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_COMMENT = b": still here\n\n"


@dataclass(slots=True)
class _Followed:
    """A turn and how far it was sent. `was_live`: something was new when we last looked, or could be."""

    turn: Turn
    after: int
    was_live: bool = True


class EventStream(Response):
    """One reader's stream over some turns and lists.

    `follow` are turns, each from after a number. With `alone` there is one, and the stream ends with it;
    else ids are `TURN:N`, and turns that start in one of `threads` join in. `lists` are the versions that
    the reader has. `catch_up` is called once the stream hears of news, to bring what it may have missed.
    """

    def __init__(
        self,
        turns: Turns,
        news: News,
        asker: Asker,
        *,
        follow: Iterable[tuple[Turn, int]],
        alone: bool = False,
        threads: Iterable[str] = (),
        lists: Mapping[str, int] | None = None,
        catch_up: Callable[[EventStream], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__()
        self._turns = turns
        self._news = news
        self._asker = asker
        self._watch = turns.watch()
        self._followed = {turn.id: _Followed(turn, after) for turn, after in follow}
        self._alone = alone
        self._threads = frozenset(threads)
        self._versions = dict(lists or {})
        self._changed: dict[str, int] = {}
        self._catch_up = catch_up
        self._over = False

    # -- what others tell ---------------------------------------------------------------------------

    def turn_started(self, turn: Turn) -> None:
        """Follow it if it is in one of our threads."""
        if turn.thread in self._threads and turn.id not in self._followed:
            self._followed[turn.id] = _Followed(turn, 0)
            self._watch.add(turn.id)
            self._watch.touch()

    def list_changed(self, name: str, version: int) -> None:
        """Say so if it is one of our lists and the reader has an older version."""
        if name in self._versions and version > self._versions[name]:
            self._versions[name] = self._changed[name] = version
            self._watch.touch()

    def end(self) -> None:
        """Come to an end soon."""
        self._over = True
        self._watch.touch()

    # -- the answer -----------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader goes, its right ends, the server stops, or there is nothing to come."""
        loop = asyncio.get_running_loop()
        leaving = loop.create_task(self._notice_leaving(receive), name="a reader of events")
        clock = _QuietClock(loop, self._watch.touch)
        self._news.add(self._asker.user.id, self)
        self._over = self._news.ended
        for turn in self._followed:
            self._watch.add(turn)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            # Past the middleware, which looks at each message and has nothing to do for these.
            await self._pump(scope.get(STRAIGHT, send), clock)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            clock.stop()
            leaving.cancel()
            self._news.discard(self._asker.user.id, self)
            self._watch.close()

    async def _pump(self, send: Send, clock: _QuietClock) -> None:
        while not self._over:
            try:
                chunk = await self._take()
            except Fault as fault:
                chunk = _frame(b"problem", codec.to_json(fault.as_problem()))
                self._over = True
            if not chunk and clock.is_quiet():
                chunk = _COMMENT
            if chunk:
                clock.restart()
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if not self._over:
                await self._watch.wait()  # at once, if something came while the last was sent
            if clock.is_check_due() and not await self._asker.still_may():
                return

    async def _notice_leaving(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end()

    async def _take(self) -> bytes:
        """All that is new, as frames; b"" when there is nothing."""
        if self._catch_up is not None:
            catch_up, self._catch_up = self._catch_up, None
            await catch_up(self)
        frames: list[bytes] = []
        for turn, followed in tuple(self._followed.items()):
            is_live = self._turns.is_running(turn)
            if not (is_live or followed.was_live):
                continue  # nobody writes it, and it was read to its end: the store need not be asked
            lines = await self._turns.since(followed.turn, followed.after)
            followed.was_live = is_live or bool(lines)
            if lines:
                followed.after = lines[-1].n
                _add_frames(frames, lines, b"" if self._alone else turn.encode() + b":")
                if isinstance(lines[-1].event, TurnSettled):
                    self._leave(turn)
        if self._changed:
            changed, self._changed = self._changed, {}
            for name, version in changed.items():
                news = {"type": "changed", "list": name, "version": version}
                frames.append(_frame(b"changed", codec.to_json(news)))
        return b"".join(frames)

    def _leave(self, turn: str) -> None:
        del self._followed[turn]
        self._watch.discard(turn)
        self._over = self._over or self._alone


class _QuietClock:
    """Wakes a stream when it was quiet for long: one timer, set anew only when it rings."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop = loop
        self._wake = wake
        self._checked = loop.time()
        self._last = self._checked - QUIET  # so that something is sent at once, and proxies pass it on
        self._timer = loop.call_later(QUIET, self._ring)

    def restart(self) -> None:
        """Something is sent."""
        self._last = self._loop.time()

    def is_quiet(self) -> bool:
        """Whether nothing was sent for long."""
        return self._loop.time() - self._last >= QUIET

    def is_check_due(self) -> bool:
        """Whether it is long ago that this was true."""
        now = self._loop.time()
        if now - self._checked < QUIET:
            return False
        self._checked = now
        return True

    def stop(self) -> None:
        """Ring no more."""
        self._timer.cancel()

    def _ring(self) -> None:
        due = self._last + QUIET
        now = self._loop.time()
        if due <= now:
            self._wake()
            due = now + QUIET
        self._timer = self._loop.call_at(due, self._ring)


def _add_frames(frames: list[bytes], lines: Sequence[Line], prefix: bytes) -> None:
    frames += [
        b"id: %b%d\nevent: %b\ndata: %b\n\n" % (prefix, line.n, line.event.type.encode(), line.data)
        for line in lines
    ]


def _frame(name: bytes, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, data)

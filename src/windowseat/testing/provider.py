"""A provider on this machine that says what a test or a benchmark wants, over real HTTP.

    async with ScriptedProvider() as provider:
        provider.script([error(429, headers={"Retry-After": "1"}), answer(text("Blue."))])
        ...  # a connection to provider.url
        assert provider.requests[0].json["model"] == "echo"

Replies that were scripted go first, one per request; then the model's name decides (`behaviours`).
It also runs alone and prints its address: `python -m windowseat.testing.provider --port 0`.

Not here: how replies look in a dialect, and HTTP itself (`server`).
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from windowseat.core.model import DIALECTS, Dialect
from windowseat.testing.behaviours import MODELS, Pace, first_call, pace_of, said_by, word
from windowseat.testing.replies import (
    Answer,
    Cut,
    Drip,
    Failure,
    Flood,
    Hang,
    Page,
    Pause,
    Reply,
    Silent,
    Usage,
    answer,
    error,
    text,
    thinking,
)
from windowseat.testing.rules import Broken, Rules
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer, chunk
from windowseat.testing.speech import Asked, Speech, Step

_EVENT_STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
_JSON = {"Content-Type": "application/json"}
_BURST = 64
"""Words that a pace without limit writes before it lets others run."""


class ScriptedProvider:
    """Speaks a dialect at `url` while it is entered, and records what it was asked.

    With `key` it wants that key, where its dialect has it. `requests` grows with every request unless
    `record` is false. With `rules` it refuses what breaks them, and `broken` says what did.
    """

    def __init__(
        self,
        *,
        dialect: Dialect = "openai-chat",
        host: str = "127.0.0.1",
        port: int = 0,
        key: str | None = None,
        tls: ssl.SSLContext | None = None,
        record: bool = True,
        rules: Rules | None = None,
    ) -> None:
        self.requests: list[HttpReceived] = []
        self.broken: list[str] = []
        self._rules = rules
        self._key = key
        self._record = record
        self._count = 0
        self._scripted: deque[Reply] = deque()
        self._dialect = _speech(dialect)
        self._frames: dict[str, list[bytes]] = {}
        self._server = LoopbackServer(self._handle, host=host, port=port, tls=tls)

    @property
    def url(self) -> str:
        """The address that a connection is given."""
        return f"{self._server.url}/v1"

    @property
    def open_connections(self) -> int:
        """How many clients are connected, idle ones included."""
        return len(self._server.connections)

    def script(self, replies: Iterable[Reply]) -> None:
        """What the next requests for an answer get, one each."""
        self._scripted.extend(replies)

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.__aexit__(kind, error, trace)

    async def serve_forever(self) -> None:
        """Until the task is cancelled."""
        await self._server.serve_forever()

    async def _handle(self, request: HttpReceived, reply: HttpReply) -> None:
        self._count += 1
        if self._record:
            self.requests.append(request)
        path = request.path.partition("?")[0]
        if self._key is not None and self._dialect.key(request.headers) != self._key:
            self._fail(reply, error(401, "Incorrect API key provided.", code="invalid_api_key"))
        elif request.method == "GET" and path in ("/v1/models", "/v1beta/models"):
            reply.whole(200, self._dialect.models(MODELS), _JSON)
        elif request.method == "POST" and self._dialect.answers(path):
            await self._answer_if_allowed(self._dialect.asked(path, request.json), reply)
        else:
            self._fail(reply, error(404, f"Unknown address: {request.method} {path}"))

    async def _answer_if_allowed(self, asked: Asked, reply: HttpReply) -> None:
        try:
            if self._rules is not None:
                self._rules(asked)
        except Broken as broken:
            self.broken.append(str(broken))
            self._fail(reply, error(400, str(broken), kind="invalid_request_error"))
        else:
            await self._answer(asked, reply)

    async def _answer(self, asked: Asked, reply: HttpReply) -> None:
        model = self._dialect.model(asked)
        pace = pace_of(model)
        if self._scripted:
            await self._give(self._scripted.popleft(), asked, reply)
        elif pace is not None:
            await self._give_paced(pace, asked, reply)
        else:
            said = said_by(model, asked, self._dialect)
            missing = error(404, f"The model `{model}` does not exist.", code="model_not_found")
            await self._give(said or missing, asked, reply)

    async def _give(self, told: Reply, asked: Asked, reply: HttpReply) -> None:
        match told:
            case Failure():
                self._fail(reply, told)
            case Page():
                reply.whole(told.status, told.body, told.headers)
            case Silent():
                await asyncio.Event().wait()
            case Answer() if self._dialect.streams(asked):
                await self._stream(told, asked, reply)
            case Answer():
                await self._whole(told, asked, reply)

    def _fail(self, reply: HttpReply, failure: Failure) -> None:
        reply.whole(failure.status, self._dialect.failure(failure), {**_JSON, **failure.headers})

    async def _stream(self, told: Answer, asked: Asked, reply: HttpReply) -> None:
        reply.begin(_packed(_EVENT_STREAM) if told.gzipped else _EVENT_STREAM)
        write, finish = _packing(reply) if told.gzipped else (reply.write, reply.end)
        for step in self._dialect.stream(asked, told, self._count):
            await _take(step, write, reply)
            if isinstance(step, Cut):
                return
        finish()

    async def _whole(self, told: Answer, asked: Asked, reply: HttpReply) -> None:
        """Where a stream would hang or be cut, half of the body goes out before."""
        body = self._dialect.whole(asked, told, self._count)
        for piece in told.pieces:
            if isinstance(piece, Pause):
                await asyncio.sleep(piece.seconds)
            elif isinstance(piece, Hang | Cut):
                reply.begin(_JSON)
                reply.write(body[: len(body) // 2])
                await _take(piece, reply.write, reply)
                return
        if told.gzipped:
            write, finish = _packing(reply)
            reply.begin(_packed(_JSON))
            write(body)
            finish()
        else:
            reply.whole(200, body, _JSON)

    async def _give_paced(self, pace: Pace, asked: Asked, reply: HttpReply) -> None:
        total = pace.thinking + pace.words
        if not self._dialect.streams(asked):
            await asyncio.sleep(pace.first + (total / pace.rate if pace.rate else 0))
            thought, said = ("".join(map(word, range(count))) for count in (pace.thinking, pace.words))
            await self._whole(answer(thinking(thought), text(said)), asked, reply)
            return
        reply.begin(_EVENT_STREAM)
        model = self._dialect.model(asked)
        await asyncio.sleep(pace.first)
        reply.write(self._dialect.opening(model))
        await self._write_paced(pace, model, reply)
        called = first_call(asked, self._dialect) if pace.calls and not self._dialect.results(asked) else None
        if called is not None:
            for step in self._dialect.stream(asked, Answer(pieces=(called,), ends=False), self._count):
                await _take(step, reply.write, reply)
        finish = "tool_calls" if called else "stop"
        reply.write(self._dialect.closing(asked, finish, Usage(), total, pace.thinking))
        reply.end()

    async def _write_paced(self, pace: Pace, model: str, reply: HttpReply) -> None:
        """By deadline: word i is due at i/rate, so a late moment sends what is due and the rate holds."""
        frames = self._frames_of(pace, model)
        before, after = self._dialect.delta(model, "%", thinking=False).split(b"%")
        written, begun = 0, time.monotonic()
        while written < len(frames):
            if pace.rate:
                due = min(len(frames), int((time.monotonic() - begun) * pace.rate) + 1)
            else:
                due = min(len(frames), written + _BURST)
            if pace.stamps:
                for _ in range(written, due):
                    reply.write(b"%b@%d %b" % (before, time.monotonic_ns(), after))
            else:
                for frame in frames[written:due]:
                    reply.raw(frame)
            written = due
            await reply.drained()
            if written < len(frames):
                await asyncio.sleep(
                    max(0.0, begun + written / pace.rate - time.monotonic()) if pace.rate else 0
                )

    def _frames_of(self, pace: Pace, model: str) -> list[bytes]:
        """Every word as it goes on the wire, made once per model, so that pacing costs little."""
        if model not in self._frames:
            places = [(index, True) for index in range(pace.thinking)]
            places += [(index, False) for index in range(pace.words)]
            self._frames[model] = [
                chunk(self._dialect.delta(model, word(index), thinking=thought)) for index, thought in places
            ]
        return self._frames[model]


def _speech(dialect: Dialect) -> Speech:
    """How the dialect is spoken, imported when it is."""
    if dialect == "openai-chat":
        from windowseat.testing.openai_chat import OpenAiChat

        return OpenAiChat()
    if dialect == "openai-responses":
        from windowseat.testing.openai_responses import OpenAiResponses

        return OpenAiResponses()
    if dialect == "anthropic-messages":
        from windowseat.testing.anthropic_messages import AnthropicMessages

        return AnthropicMessages()
    from windowseat.testing.gemini_generate import GeminiGenerate

    return GeminiGenerate()


async def _take(step: Step, write: Callable[[bytes], None], reply: HttpReply) -> None:
    match step:
        case bytes():
            write(step)
            await asyncio.sleep(0)
        case Pause(seconds):
            await asyncio.sleep(seconds)
        case Drip(data, seconds):
            for index in range(len(data)):
                write(data[index : index + 1])
                await asyncio.sleep(seconds)
        case Flood(data, times):
            written = 0
            while times is None or written < times:
                write(data)
                written += 1
                await reply.drained()
                await asyncio.sleep(0)
        case Hang():
            await asyncio.Event().wait()
        case Cut():
            reply.cut()


def _packed(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "Content-Encoding": "gzip"}


def _packing(reply: HttpReply) -> tuple[Callable[[bytes], None], Callable[[], None]]:
    """Write and end for a body that is packed message by message."""
    packer = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS + 16)

    def write(data: bytes) -> None:
        reply.write(packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))

    def finish() -> None:
        reply.write(packer.flush())
        reply.end()

    return write, finish


async def _serve(dialect: Dialect, host: str, port: int) -> None:
    async with ScriptedProvider(dialect=dialect, host=host, port=port, record=False) as provider:
        sys.stdout.write(f"{provider.url}\n")
        sys.stdout.flush()
        await provider.serve_forever()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m windowseat.testing.provider", description=__doc__)
    parser.add_argument("--dialect", choices=DIALECTS, default="openai-chat")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args()
    run = asyncio.run
    try:
        import uvloop

        run = uvloop.run
    except ImportError:
        pass
    try:
        run(_serve(asked.dialect, asked.host, asked.port))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

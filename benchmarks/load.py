"""A streaming load client: many readers at once, what each waited for, and what the servers' CPU did.

    python benchmarks/load.py --url http://127.0.0.1:8321 --turns --header "Authorization: Bearer K" \\
        --model bench/paced-20tps-100tok-50ttft-stamps --streams 100 --seconds 20 --pid 4711

Every reader asks, reads the answer to its end and asks again until the time is over; their starts are
spread, so that a steady state is measured and not one burst. An answer is a streamed
`/v1/chat/completions` below `--url`, or with `--turns` a turn of our own API, started with POST
/api/turns and followed on its event stream. The model must stamp its words (`-stamps`, see
windowseat.testing.behaviours): a word then tells when the provider wrote it, on the clock that
this program reads too, so it runs on the same machine. One JSON line is printed.

It judges nothing: what a figure should be, whoever calls this knows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
from processes import cpu_seconds

_STAMP = re.compile(rb"@(\d+) ")
_LONGEST_STAMP = 32
_SHOWN_ERRORS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked, by how many, for how long (seconds)."""

    url: str
    model: str
    turns: bool = False
    streams: int = 1
    seconds: float = 10.0
    spread: float = 1.0
    patience: float = 120.0
    words: str = "Say something."
    headers: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    between: tuple[float, float] | None = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was seen; times in milliseconds."""

    answers: int = 0
    tokens: int = 0
    first_token: list[float] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Reader(asyncio.Protocol):
    """One connection: sends a request, reads its answer, notes each stamp as it comes."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._parser = httptools.HttpResponseParser(self)
        self._done: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: asyncio.Transport | None = None

    async def answer(self, request: bytes, *, asked_at: int | None = None) -> tuple[int, bytes]:
        """Status and the last of the body; `asked_at` (monotonic ns) says that stamps are due, since then."""
        self._asked_at = asked_at
        self._newest = 0
        self._body = b""
        self._done = asyncio.get_running_loop().create_future()
        assert self.transport is not None
        self.transport.write(request)
        return await self._done

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._now = time.monotonic_ns()
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError(f"the server hung up: {error}"))

    def on_body(self, body: bytes) -> None:
        self._body += body
        if self._asked_at is None:
            return
        end = 0
        for stamp in _STAMP.finditer(self._body):
            end = stamp.end()
            written = int(stamp[1])
            if written <= self._newest:
                continue  # a part that settles says its words once more
            self._tally.tokens += 1
            self._tally.lag.append((self._now - written) / 1e6)
            if not self._newest:
                self._tally.first_token.append((self._now - self._asked_at) / 1e6)
            self._newest = written
        self._body = self._body[max(end, len(self._body) - _LONGEST_STAMP) :]

    def on_message_complete(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result((self._parser.get_status_code(), self._body))


async def run(plan: Plan) -> dict[str, Any]:
    """Do what the plan says and report."""
    tally = Tally()
    used = cpu_seconds(plan.pids)
    begun = time.monotonic()
    *_, steady = await asyncio.gather(
        *(_ask_on(plan, tally, number, begun) for number in range(plan.streams)), _steady(plan, tally)
    )
    seconds = time.monotonic() - begun
    cpu = {pid: after - used[pid] for pid, after in cpu_seconds(plan.pids).items()}
    return {
        "streams": plan.streams,
        "model": plan.model,
        "seconds": round(seconds, 2),
        "answers": tally.answers,
        "errors": len(tally.errors),
        "first_errors": tally.errors[:_SHOWN_ERRORS],
        "tokens": tally.tokens,
        "tokens_per_second": round(tally.tokens / seconds, 1),
        "first_token_ms": _spread_of(tally.first_token),
        "lag_ms": _spread_of(tally.lag),
        "cpu_seconds": {pid: round(each, 3) for pid, each in cpu.items()},
        "cpu_ms_per_token": {pid: round(1000 * each / max(1, tally.tokens), 5) for pid, each in cpu.items()},
        "steady_cpu_ms_per_token": steady,
        "own_cpu_seconds": round(time.process_time(), 2),
    }


async def _steady(plan: Plan, tally: Tally) -> dict[int, float] | None:
    """CPU for each token between two moments, while no answer begins or ends; None where none are named."""
    if plan.between is None:
        return None
    start, end = plan.between
    await asyncio.sleep(start)
    used, tokens = cpu_seconds(plan.pids), tally.tokens
    await asyncio.sleep(end - start)
    counted = max(1, tally.tokens - tokens)
    return {
        pid: round(1000 * (after - used[pid]) / counted, 5) for pid, after in cpu_seconds(plan.pids).items()
    }


async def _ask_on(plan: Plan, tally: Tally, number: int, begun: float) -> None:
    """One reader, until the time is over; a connection is kept until it fails."""
    await asyncio.sleep(plan.spread * number / plan.streams)
    told = urlsplit(plan.url)
    reader = Reader(tally)
    while time.monotonic() < begun + plan.seconds:
        try:
            if reader.transport is None:
                _, reader = await asyncio.get_running_loop().create_connection(
                    lambda: Reader(tally), told.hostname or "127.0.0.1", told.port or 80
                )
            async with asyncio.timeout(plan.patience):
                await (_follow_turn(plan, reader) if plan.turns else _stream_chat(plan, reader))
            tally.answers += 1
        except (OSError, ValueError, httptools.HttpParserError) as error:
            tally.errors.append(f"{type(error).__name__}: {error}")
            if reader.transport is not None:
                reader.transport.abort()
                reader.transport = None
            await asyncio.sleep(0.05)


async def _stream_chat(plan: Plan, reader: Reader) -> None:
    message = {"role": "user", "content": plan.words}
    body: dict[str, Any] = {"model": plan.model, "stream": True, "messages": [message]}
    request = _request(plan, "POST", "/v1/chat/completions", body)
    _check(await reader.answer(request, asked_at=time.monotonic_ns()), 200)


async def _follow_turn(plan: Plan, reader: Reader) -> None:
    turn = str(uuid.uuid4())
    body: dict[str, Any] = {
        "id": turn,
        "new": {},
        "parent": None,
        "parts": [{"type": "text", "text": plan.words}],
    }
    asked_at = time.monotonic_ns()
    started = _request(plan, "POST", "/api/turns", {**body, "model": plan.model})
    _check(await reader.answer(started), 202)
    follow = _request(plan, "GET", f"/api/turns/{turn}/events?after=0")
    _check(await reader.answer(follow, asked_at=asked_at), 200)


def _request(plan: Plan, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    told = urlsplit(plan.url)
    data = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {told.path.rstrip('/')}{path} HTTP/1.1",
        f"Host: {told.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
        *plan.headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def _check(answered: tuple[int, bytes], status: int) -> None:
    if answered[0] != status:
        raise ValueError(f"status {answered[0]}: {answered[1][-300:].decode('utf-8', 'replace')}")


def _spread_of(values: list[float]) -> dict[str, float] | None:
    """The middle and the tail, by nearest rank."""
    if not values:
        return None
    ordered = sorted(values)
    ranks = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[math.ceil(len(ordered) * rank) - 1], 3) for name, rank in ranks.items()}


def main() -> None:
    """Read the plan from the command line, run it, print one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--turns", action="store_true")
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--spread", type=float, default=1.0)
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--words", default="Say something.")
    parser.add_argument("--header", dest="headers", action="append", default=[])
    parser.add_argument("--pid", dest="pids", type=int, action="append", default=[])
    parser.add_argument("--between", type=float, nargs=2, help="measure CPU between these seconds as well")
    asked = vars(parser.parse_args())
    plan = Plan(**{**asked, "headers": tuple(asked["headers"]), "pids": tuple(asked["pids"])})
    if plan.between is not None:
        plan = replace(plan, between=(plan.between[0], plan.between[1]))
    run_loop = asyncio.run
    with suppress(ImportError):
        import uvloop

        run_loop = uvloop.run
    report = run_loop(run(plan))
    print(json.dumps(report))
    sys.exit(1 if report["errors"] or not report["tokens"] else 0)


if __name__ == "__main__":
    main()

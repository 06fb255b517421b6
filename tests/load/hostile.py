"""A provider whose models are the ways in which a provider can go wrong, in a process of its own.

It runs alone: `python -m tests.load.hostile` prints its address. A model's name is a key of `REPLIES`; the
requests for one model get its replies one after the other, and the last again and again.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import (
    Page,
    Reply,
    answer,
    broken_json,
    call,
    cut,
    endless,
    error,
    gzip_bomb,
    half_character,
    hang,
    long_line,
    page,
    raw,
    silent,
    text,
)
from windowseat.testing.server import HttpReply

SAID = "Fine so far."
_LONG = b'data: {"choices":[{"index":0,"delta":{"content":"' + b"on " * 400 + b'"}}]}\n\n'
_ARGUMENTS = (
    b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"'
    + b"on " * 400
    + b'"}}]}}]}\n\n'
)
_NO_GZIP = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
_DEEP = b'data: {"choices":' + b"[" * 100_000 + b"\n\n"

REPLIES: Mapping[str, Sequence[Reply]] = {
    "fine": [answer(text(SAID))],
    "half-character": [answer(text(SAID), half_character(), text("And on."))],
    "half-character-then-cut": [answer(text(SAID), half_character(), cut())],
    "broken-json": [answer(text(SAID), broken_json(), text("And on."))],
    "deep-json": [answer(text(SAID), raw(_DEEP))],
    "no-json": [answer(text(SAID), raw(b"data: <html>\n\n"))],
    "json-of-another-kind": [answer(text(SAID), raw(b"data: [1, null]\n\n"))],
    "long-line": [answer(text(SAID), *long_line(), ends=False)],
    "endless-words": [answer(text(SAID), endless(), ends=False)],
    "endless-text": [answer(text(SAID), endless(_LONG), ends=False)],
    "endless-arguments": [answer(text(SAID), call("open_file", "{"), endless(_ARGUMENTS), ends=False)],
    "endless-pings": [answer(text(SAID), endless(b": ping\n\n"), ends=False)],
    "web-page": [page(b"<html><title>Sign in</title></html>")],
    "image": [page(b"\x89PNG\r\n", "image/png")],
    "gzip-bomb": [gzip_bomb()],
    "gzip-bomb-of-json": [gzip_bomb(content_type="application/json")],
    "no-gzip": [Page(status=200, headers=_NO_GZIP, body=b"data: {}\n\n")],
    "slow-down-for-a-second": [error(429, "Slow down.", headers={"Retry-After": "1"}), answer(text(SAID))],
    "slow-down": [error(429, "Slow down.")],
    "slow-down-for-an-hour": [error(429, "Slow down.", headers={"Retry-After": "3600"})],
    "broken": [error(500, "Broken.")],
    "overloaded": [error(503, "Busy.", headers={"Retry-After": "0"})],
    "wrong-key": [error(401, "Wrong key.")],
    "silent": [silent()],
    "hangs": [answer(text(SAID), hang())],
    "cut": [answer(text(SAID), cut())],
    "never-says-the-end": [answer(text(SAID), ends=False)],
}


class HostileProvider(ScriptedProvider):
    """Answers by the model's name."""

    def __init__(self) -> None:
        super().__init__(record=False)
        self._asked: Counter[str] = Counter()

    async def _answer(self, asked: Mapping[str, Any], reply: HttpReply) -> None:
        model = asked["model"]
        told = REPLIES[model]
        given = told[min(self._asked[model], len(told) - 1)]
        self._asked[model] += 1
        await self._give(given, asked, reply)


async def _serve() -> None:
    async with HostileProvider() as provider:
        sys.stdout.write(f"{provider.url}\n")
        sys.stdout.flush()
        await provider.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())

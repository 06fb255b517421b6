"""A provider that follows a plan which the question spells out, and stamps all that it sends.

    {"plan": "p1", "rate": 200, "repeat": 3, "stages": [
        {"thinking": 10, "words": 30, "calls": [["note_thread", 0.1]]}, {"words": 20}]}

Each word is `w0.17@12345`: its stage, its place, and time.monotonic_ns() when it was written, the clock that
all processes of one machine share. Thoughts (`t`) and arguments (`a`) are stamped alike. Every stamp goes
into a log file too, so that a test knows what had been sent when it killed the server. Asked again, by a
server that lost its stream, it reads in the request how far its answer had come and goes on from there,
after a `repeat` of its last words, as models do.

It runs alone: `python -m tests.crash.provider LOG` prints its address. How a plan is judged is not here.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from windowseat.testing.openai_chat import OpenAiChat
from windowseat.testing.replies import Usage
from windowseat.testing.server import HttpReceived, HttpReply, LoopbackServer

STAMP = re.compile(r"[wta]\d+\.\d+@\d+")
WORD = re.compile(r"w(\d+)\.(\d+)@\d+ ?")
_STAMPS_PER_CALL = 8
_DIALECT = OpenAiChat()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of its plan: the plan, and how far the answer has come."""

    plan: dict[str, Any]
    words: dict[int, int]
    """By stage: how many of its words were said."""
    calls: frozenset[tuple[int, int]]
    """Stage and place of each call that was made whole."""
    last: tuple[str, ...]
    """The last words, as they were said."""
    is_continued: bool
    """Whether the request ends with a wish to go on."""

    @property
    def stage(self) -> int:
        """The first stage that is not over."""
        for number, stage in enumerate(self.plan["stages"]):
            if any((number, place) not in self.calls for place in range(len(stage.get("calls", ())))):
                return number
        return len(self.plan["stages"]) - 1


def read_request(asked: dict[str, Any]) -> Asked:
    """Find the plan in the last question that holds one, and in what follows how far it has come."""
    messages = asked["messages"]
    begun = max(i for i, m in enumerate(messages) if m["role"] == "user" and _text(m).startswith('{"plan"'))
    answer = messages[begun + 1 :]
    said = [found for m in answer if m["role"] == "assistant" for found in WORD.finditer(_text(m))]
    words: dict[int, int] = {}
    for found in said:
        stage, place = int(found[1]), int(found[2])
        words[stage] = max(words.get(stage, 0), place + 1)
    calls = {place for m in answer for place in _whole_calls(m)}
    return Asked(
        plan=json.loads(_text(messages[begun])),
        words=words,
        calls=frozenset(calls),
        last=tuple(found[0] for found in said),
        is_continued=len(answer) > 0 and answer[-1]["role"] == "user",
    )


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _whole_calls(message: dict[str, Any]) -> Iterator[tuple[int, int]]:
    for call in message.get("tool_calls") or ():
        try:
            arguments = json.loads(call["function"]["arguments"])
        except ValueError:
            continue  # it had been cut off
        if isinstance(arguments, dict) and "key" in arguments:
            _, stage, place = arguments["key"].split("/")
            yield int(stage), int(place)


class PlannedProvider:
    """Answers by plan and logs every stamp: a line `PLAN STAMP` for each."""

    def __init__(self, log: Path) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.server = LoopbackServer(self._handle)

    async def _handle(self, request: HttpReceived, reply: HttpReply) -> None:
        if request.path != _DIALECT.path:
            reply.whole(404, b"{}", {"Content-Type": "application/json"})
            return
        asked = request.json
        known = read_request(asked)
        stage = known.plan["stages"][known.stage]
        reply.begin({"Content-Type": "text/event-stream"})
        reply.write(_DIALECT.opening(_DIALECT.model(asked)))
        if known.is_continued and known.plan.get("repeat") and known.stage in known.words:
            said = [word for word in known.last if word.startswith(f"w{known.stage}.")]
            for word in said[-known.plan["repeat"] :]:
                reply.write(self._delta(asked, word, thinking=False))
        await self._speak(known, stage, asked, reply)
        missing = [
            (place, call)
            for place, call in enumerate(stage.get("calls", ()))
            if (known.stage, place) not in known.calls
        ]
        for index, (place, call) in enumerate(missing):
            await self._call(known, asked, reply, index, place, call)
        finish = "tool_calls" if missing else "stop"
        reply.write(_DIALECT.closing(asked, finish, Usage(), stage.get("words", 0), stage.get("thinking", 0)))
        reply.end()

    async def _speak(
        self, known: Asked, stage: dict[str, Any], asked: dict[str, Any], reply: HttpReply
    ) -> None:
        said = known.words.get(known.stage, 0)
        for place in range(stage.get("thinking", 0) if not said else 0):
            stamp = self._stamp("t", known.stage, place)
            await self._send(known, reply, stamp, self._delta(asked, f"{stamp} ", thinking=True))
        for place in range(said, stage.get("words", 0)):
            stamp = self._stamp("w", known.stage, place)
            await self._send(known, reply, stamp, self._delta(asked, f"{stamp} ", thinking=False))

    async def _call(
        self, known: Asked, asked: dict[str, Any], reply: HttpReply, index: int, place: int, call: list[Any]
    ) -> None:
        model = _DIALECT.model(asked)
        name, seconds = call
        function = {"name": name, "arguments": ""}
        begun = {
            "index": index,
            "id": f"call_{known.stage}_{place}_{time.monotonic_ns()}",
            "type": "function",
            "function": function,
        }
        reply.write(_DIALECT.message(model, {"tool_calls": [begun]}))
        key = f"{known.plan['plan']}/{known.stage}/{place}"
        head = json.dumps({"key": key, "seconds": seconds})[:-1] + ', "stamps": "'
        for number, piece in enumerate([head, *[""] * _STAMPS_PER_CALL, '"}']):
            stamp = self._stamp("a", known.stage, number) if not piece else ""
            grown = {"index": index, "function": {"arguments": piece or f"{stamp} "}}
            await self._send(known, reply, stamp, _DIALECT.message(model, {"tool_calls": [grown]}))

    def _delta(self, asked: dict[str, Any], words: str, *, thinking: bool) -> bytes:
        return _DIALECT.delta(_DIALECT.model(asked), words, thinking=thinking)

    def _stamp(self, kind: str, stage: int, place: int) -> str:
        return f"{kind}{stage}.{place}@{time.monotonic_ns()}"

    async def _send(self, known: Asked, reply: HttpReply, stamp: str, data: bytes) -> None:
        await reply.drained()
        reply.write(data)
        if stamp:
            os.write(self._log, f"{known.plan['plan']} {stamp}\n".encode())
        await asyncio.sleep(1 / known.plan["rate"])


async def _serve(log: Path) -> None:
    provider = PlannedProvider(log)
    async with provider.server as server:
        sys.stdout.write(f"{server.url}/v1\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))

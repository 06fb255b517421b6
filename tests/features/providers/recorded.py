"""Recorded exchanges of real providers, and an independent reading of those of the OpenAI dialects.

The recordings are read where they lie (`WINDOWSEAT_RECORDINGS`); a test that needs them says so when
they are not there. The reading below shares no code with the decoders: it walks the recorded JSON in
the plainest way and knows only what OpenAI's reference says, plus the additions named in it.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDERS = (Path(__file__).parents[4] / "shared" / "recordings",)


@dataclass(frozen=True)
class Recorded:
    """One exchange: the request's JSON, and the answer as it came."""

    name: str
    host: str
    status: int
    stream: bool
    request: dict[str, Any]
    response: str

    def __str__(self) -> str:
        return self.name.removeprefix("models/").replace("cassettes/", "")


@dataclass
class Reading:
    """What an answer says, by the plainest reading."""

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    ran_there: list[str] = field(default_factory=list)
    cited: list[str] = field(default_factory=list)
    stop: str | None = None
    usage: dict[str, int | None] | None = None


def folder() -> Path | None:
    """Where the recordings are, None where they are not."""
    named = os.environ.get("WINDOWSEAT_RECORDINGS")
    for each in (Path(named),) if named else FOLDERS:
        if each.is_dir():
            return each
    return None


@cache
def recorded(dialect: str) -> tuple[Recorded, ...]:
    """All exchanges of a dialect; none where the recordings are not there."""
    where = folder()
    if where is None:
        return ()
    with gzip.open(where / f"{dialect}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(Recorded(**{name: row[name] for name in Recorded.__dataclass_fields__}) for row in rows)


def each_of(dialect: str, *, good: bool = True) -> Any:
    """A decorator: the test runs with every exchange as `exchange`, or says that there are none."""
    found = [row for row in recorded(dialect) if (row.status == 200) is good]
    if not found:
        missing = pytest.param(
            None, marks=pytest.mark.skip(reason="the recordings are not here (WINDOWSEAT_RECORDINGS)")
        )
        return pytest.mark.parametrize("exchange", [missing])
    return pytest.mark.parametrize("exchange", found, ids=[f"{i}-{row.host}" for i, row in enumerate(found)])


def events_of(body: str) -> Iterator[tuple[str, Any]]:
    """Name and JSON of each event of a recorded stream, `[DONE]` left out."""
    name = ""
    for line in body.splitlines():
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:") and line[5:].strip() != "[DONE]":
            yield name, json.loads(line[5:])
            name = ""


# -- openai-chat ----------------------------------------------------------------------------------


def read_chat(exchange: Recorded) -> Reading:
    """The first choice of a completion, streamed or whole."""
    chunks = (
        [chunk for _, chunk in events_of(exchange.response)]
        if exchange.stream
        else [json.loads(exchange.response)]
    )
    reading = Reading()
    calls: dict[int, list[str]] = {}
    ran: dict[int, str] = {}
    for chunk in chunks:
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        if usage:
            reading.usage = _chat_usage(usage)
        for choice in chunk.get("choices", []):
            delta = choice.get("delta") or choice.get("message") or {}
            reading.text += delta.get("content") or ""
            reading.thinking += delta.get("reasoning_content") or delta.get("reasoning") or ""
            for position, call in enumerate(delta.get("tool_calls") or []):
                entry = calls.setdefault(call.get("index", position), ["", ""])
                entry[0] += call["function"].get("name") or ""
                entry[1] += call["function"].get("arguments") or ""
            for tool in delta.get("executed_tools") or []:
                ran[tool["index"]] = tool["type"]
            reading.cited += [note["url_citation"]["url"] for note in delta.get("annotations") or []]
            reading.stop = choice.get("finish_reason") or reading.stop
    reading.calls = [(name, json.loads(written or "{}")) for name, written in calls.values()]
    reading.ran_there = list(ran.values())
    return reading


def _chat_usage(usage: dict[str, Any]) -> dict[str, int | None]:
    read, written = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    cached = [read.get("cached_tokens"), usage.get("num_cached_tokens"), usage.get("cached_tokens")]
    thinking = written.get("reasoning_tokens")
    hidden = usage["total_tokens"] - usage["prompt_tokens"] - usage["completion_tokens"]
    return {
        "input_tokens": usage["prompt_tokens"],
        "output_tokens": usage["total_tokens"] - usage["prompt_tokens"],
        "thinking_tokens": hidden if hidden and not thinking else thinking,
        "cached_tokens": next((count for count in cached if count is not None), None),
        "cache_write_tokens": read.get("cache_write_tokens"),
    }


# -- openai-responses -----------------------------------------------------------------------------

RAN_THERE = {"web_search_call": "web_search", "code_interpreter_call": "code_interpreter"}


def response_of(exchange: Recorded) -> dict[str, Any]:
    """The response object: the body, or what the last event of a stream holds."""
    if not exchange.stream:
        whole: dict[str, Any] = json.loads(exchange.response)
        return whole
    last = [event for _, event in events_of(exchange.response)][-1]
    assert last["type"] == "response.completed"
    response: dict[str, Any] = last["response"]
    return response


def read_responses(exchange: Recorded) -> Reading:
    """A response, by the object that the API's reference calls the result."""
    response = response_of(exchange)
    reading = Reading()
    for item in response["output"]:
        if item["type"] == "message":
            for content in item["content"]:
                reading.text += content["text"]
                reading.cited += [note["url"] for note in content["annotations"]]
        elif item["type"] == "reasoning":
            reading.thinking += "\n\n".join(
                each["text"] for each in item["summary"] + item.get("content", [])
            )
        elif item["type"] == "function_call":
            reading.calls.append((item["name"], json.loads(item["arguments"])))
        elif item["type"] == "mcp_call":
            reading.ran_there.append(item["name"])
        elif item["type"] in RAN_THERE:
            reading.ran_there.append(RAN_THERE[item["type"]])
    usage = response["usage"]
    read = usage["input_tokens_details"]
    reading.usage = {
        "input_tokens": usage["input_tokens"],
        "output_tokens": usage["output_tokens"],
        "cached_tokens": read["cached_tokens"],
        "cache_write_tokens": read.get("cache_write_tokens"),
        "thinking_tokens": usage["output_tokens_details"]["reasoning_tokens"],
    }
    return reading

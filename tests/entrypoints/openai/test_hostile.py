"""Requests that anything may have happened to: each is read and written, or refused in words."""

from __future__ import annotations

import base64
import json
import random
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from windowseat.app import _codec
from windowseat.core.ask import User
from windowseat.core.errors import Fault
from windowseat.core.model import DIALECTS, Dialect, Model
from windowseat.core.window import Insert, assemble
from windowseat.entrypoints.openai.chat_request import read_chat
from windowseat.entrypoints.openai.fields import Fields
from windowseat.entrypoints.openai.responses_request import read_request
from windowseat.features.threads.rules import check_ask, digest_of

CASES = 1500
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
FORM = {"name": "n", "schema": {"type": "object"}}
CARRIED = "ws1.e30="
CHAT: dict[str, Any] = {
    "model": "c/x",
    "stream": False,
    "temperature": 0.5,
    "top_p": 1,
    "stop": ["a"],
    "max_tokens": 5,
    "seed": 1,
    "n": 1,
    "logprobs": True,
    "top_logprobs": 2,
    "reasoning_effort": "low",
    "response_format": {"type": "json_schema", "json_schema": FORM},
    "stream_options": {"include_usage": True},
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "tools": [{"type": "function", "function": FUNCTION}],
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "s"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "t"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,AAAA"}},
            ],
        },
        {
            "role": "assistant",
            "content": "c",
            "reasoning_content": "r",
            "reasoning_details": [{"type": "reasoning.encrypted", "data": CARRIED}],
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                    "extra_content": {"windowseat": CARRIED},
                },
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "q"}]},
        {"role": "user", "content": "bye"},
    ],
}
RESPONSES: dict[str, Any] = {
    "model": "c/x",
    "instructions": "i",
    "reasoning": {"effort": "low"},
    "text": {"format": {"type": "json_schema", **FORM}},
    "include": ["message.output_text.logprobs"],
    "tool_choice": {"type": "function", "name": "f"},
    "tools": [{"type": "function", **FUNCTION}],
    "input": [
        {"role": "developer", "content": "d"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "t"},
                {"type": "input_image", "image_url": "https://a/b.png"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "AAAA"},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            ],
        },
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "s"}],
            "encrypted_content": CARRIED,
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "o"}]},
        {
            "type": "function_call",
            "call_id": "c1",
            "name": "f",
            "arguments": "{}",
            "encrypted_content": CARRIED,
        },
        {"type": "function_call_output", "call_id": "c1", "output": "r"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "q"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "z"}]},
        {"type": "web_search_call", "id": "w"},
        {"role": "user", "content": "bye"},
    ],
}
JUNK: tuple[Any, ...] = (
    *(None, 0, -1, 1.5, True, "", "x", "data:", "data:,", "data:image/png;base64,", "ws1.", "http://["),
    *([], {}, [None], [[]], [{}], {"a": 1}, {"type": "text"}, "user", "assistant", "tool", "system"),
    *(10**30, "a" * 5000, 1e308, "\x00", "é"),
)
ITEMS: tuple[Any, ...] = (
    {},
    [],
    {"a": 1},
    [None],
    [{"functionCall": 3}],
    {"type": "thinking"},
    {"function": None},
    [1],
)


def without_sound(value: Any) -> Any:
    """The same without sounds, which one of the wires has no place for."""
    if isinstance(value, dict):
        return {name: without_sound(each) for name, each in value.items()}
    if isinstance(value, list):
        return [
            without_sound(e) for e in value if not (isinstance(e, dict) and e.get("type") == "input_audio")
        ]
    return value


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, each in inner for place in ((*way, name), *places(each, (*way, name)))]


def damage(body: dict[str, Any], model: Model, chance: random.Random) -> None:
    """Put something else in a place of the body, or nothing."""
    ways = places(body)
    if not ways:
        return
    *way, last = chance.choice(ways)
    held: Any = body
    for name in way:
        held = held[name]
    if chance.random() < 0.1:
        del held[last]
    elif chance.random() < 0.15:
        forged = {"dialect": model.dialect, "model": model.id, "item": chance.choice(ITEMS)}
        held[last] = "ws1." + base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()
    else:
        held[last] = deepcopy(chance.choice(JUNK))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("whole", "read"), [(CHAT, read_chat), (RESPONSES, read_request)], ids=["chat", "responses"]
)
def test_a_damaged_request_is_refused_in_words_or_makes_a_whole_one(
    dialect: Dialect, whole: dict[str, Any], read: Any
) -> None:
    chance = random.Random(f"{dialect} {'messages' in whole}")
    made = 0
    if dialect == "anthropic-messages":
        whole = without_sound(whole)
    for _ in range(CASES):
        host, id = chance.choice(
            [
                ("", "x"),
                ("localhost", "x"),
                ("api.mistral.ai", "x"),
                ("api.openai.com", "gpt-5"),
                ("api.anthropic.com", "x"),
            ]
        )
        model = Model(connection="c", id=id, dialect=dialect)
        body = deepcopy(whole)
        for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
            damage(body, model, chance)
        try:
            ask = read(
                Fields(body), model, id="id", user=User(id="u"), at=datetime(2026, 11, 25, tzinfo=UTC)
            ).ask
            check_ask(ask)
            digest_of(ask)
            inserts = [
                Insert(key=f"tool:{tool.name}", kind="tool", label="", content=tool)
                for tool in ask.caller_tools
            ]
            window = assemble(inserts, ask.path)
            pieces = _codec(dialect, host).encode(window, model, ask.options, {})
        except Fault:
            continue
        json.loads(b"".join(piece.data for piece in pieces))
        made += 1
    assert made > CASES / 20

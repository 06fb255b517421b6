"""What we encode is what the providers' own clients allow: openai, anthropic and google-genai say so.

Each client reads all requests of its dialects in a process of its own, unknown fields being faults, and
besides some that are wrong on purpose, so that it is seen to read.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tests.clients.bodies import OWN_HOSTS, Encoded, all_of, line_of

from windowseat.core.model import Dialect

VALIDATE = Path(__file__).parent / "validate.py"
CLIENTS: dict[str, tuple[Dialect, ...]] = {
    "openai": ("openai-chat", "openai-responses"),
    "anthropic": ("anthropic-messages",),
    "google": ("gemini-generate",),
}
LEAST = {"openai-chat": 70, "openai-responses": 70, "anthropic-messages": 98, "gemini-generate": 84}
"""How many requests there are without any recording."""


def faults_of(python: Path, client: str, lines: Iterable[str]) -> list[str | None]:
    """What the client says of each request, None where it has nothing against it."""
    command = [str(python), "-W", "ignore", str(VALIDATE), client]
    told = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["fault"] for line in done.stdout.splitlines()]


def wrong(dialect: Dialect, good: Any) -> list[Any]:
    """The same request with a field too many at the top, one within a message, and a number as content."""
    messages = {"openai-responses": "input", "gemini-generate": "contents"}.get(dialect, "messages")
    top, within, number = deepcopy(good), deepcopy(good), deepcopy(good)
    top["nobody_knows_this"] = 1
    within[messages][0]["nobody_knows_this"] = 1
    number[messages][0]["content" if dialect != "gemini-generate" else "parts"] = 7
    return [top, within, number]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_client_s_types_allow_what_we_encode(client: str, clients_python: Path) -> None:
    requests = [(dialect, each) for dialect in CLIENTS[client] for each in all_of(dialect)]
    for dialect in CLIENTS[client]:
        assert sum(one == dialect for one, _ in requests) >= LEAST[dialect]
    now = faults_of(clients_python, client, (line_of(d, each, each.body) for d, each in requests))
    then = faults_of(
        clients_python, client, (line_of(d, each, each.then or each.body) for d, each in requests)
    )
    told = [
        f"{dialect}, {each.what}: {fault}"
        for (dialect, each), fault, before in zip(requests, now, then, strict=True)
        # What a provider of OpenAI's dialect has of its own, such as Mistral's list of thoughts, its client
        # does not know, and refused as it was recorded.
        if fault is not None and not (before is not None and each.host != OWN_HOSTS[dialect])
    ]
    assert told == []


@pytest.mark.parametrize("client", CLIENTS)
def test_the_client_s_types_refuse_what_is_wrong(client: str, clients_python: Path) -> None:
    lines = []
    for dialect in CLIENTS[client]:
        good = next(each for each in all_of(dialect) if each.what.endswith("every option"))
        for body in wrong(dialect, good.body):
            lines.append(line_of(dialect, Encoded("wrong", OWN_HOSTS[dialect], body), body))
    faults = faults_of(clients_python, client, lines)
    assert len(faults) == len(lines)
    assert all(faults)

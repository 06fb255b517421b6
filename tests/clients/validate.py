"""Reads requests line by line and says of each what the provider's own client thinks of it.

    python validate.py CLIENT < requests.jsonl      (CLIENT: openai, anthropic, google)

Run by the Python of the folder that holds the clients; it imports nothing of this project. A line in is
`{"dialect", "body", "extra"}`, a line out `{"dialect", "fault"}`, where `fault` is null for a request that
the client's types allow. Fields that they do not know are faults unless `extra` is true.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
from typing_extensions import is_typeddict

Check = Callable[[Any], None]
"""Raises where the client's types do not allow the value."""

_TYPED_DICTS = {
    "openai": {
        "openai-chat": ["openai.types.chat.completion_create_params:CompletionCreateParams"],
        "openai-responses": ["openai.types.responses.response_create_params:ResponseCreateParams"],
    },
    "anthropic": {
        "anthropic-messages": [
            "anthropic.types.message_create_params:MessageCreateParams",
            "anthropic.types.beta.message_create_params:MessageCreateParams",
        ],
    },
}
"""By client and dialect: where its types of a request are; one of them has to allow it."""


def checks_of(client: str) -> dict[tuple[str, bool], Check]:
    """By dialect and whether unknown fields may be there."""
    if client == "google":
        return {("gemini-generate", False): _gemini(), ("gemini-generate", True): _gemini()}
    found: dict[tuple[str, bool], Check] = {}
    for extra in (False, True):
        for dialect, places in _TYPED_DICTS[client].items():
            types = [getattr(importlib.import_module(m), n) for m, _, n in (p.partition(":") for p in places)]
            _configure(client, "ignore" if extra else "forbid")
            adapters = [pydantic.TypeAdapter(each) for each in types]
            found[dialect, extra] = _any_of(adapters)
    return found


def _configure(client: str, extra: str) -> None:
    """Tell every type of the client what to do with unknown fields, and that lists are read at once."""
    for name, module in list(sys.modules.items()):
        if not name.startswith(f"{client}.types"):
            continue
        if hasattr(module, "Iterable"):
            module.Iterable = list
        for each in vars(module).values():
            if is_typeddict(each):
                each.__pydantic_config__ = pydantic.ConfigDict(extra=extra, arbitrary_types_allowed=True)  # type: ignore[typeddict-item]


def _any_of(adapters: list[pydantic.TypeAdapter[Any]]) -> Check:
    def check(body: Any) -> None:
        faults = []
        for adapter in adapters:
            try:
                _read_through(adapter.validate_python(body))
            except pydantic.ValidationError as fault:
                faults.append(fault)
            else:
                return
        raise faults[-1]

    return check


def _read_through(value: Any) -> None:
    """What pydantic checks only when it is read, is read."""
    if isinstance(value, dict):
        for each in value.values():
            _read_through(each)
    elif not isinstance(value, str | bytes) and hasattr(value, "__iter__"):
        for each in value:
            _read_through(each)


def _gemini() -> Check:
    """The client has no type of the whole body on the wire, but one of each of its fields."""
    from google.genai import types

    body = pydantic.create_model(
        "Body",
        __config__=pydantic.ConfigDict(extra="forbid"),
        contents=(list[types.Content], ...),
        systemInstruction=(types.Content | None, None),
        tools=(list[types.Tool] | None, None),
        toolConfig=(types.ToolConfig | None, None),
        generationConfig=(types.GenerationConfig | None, None),
        safetySettings=(list[types.SafetySetting] | None, None),
        cachedContent=(str | None, None),
        labels=(dict[str, str] | None, None),
        modelArmorConfig=(types.ModelArmorConfig | None, None),
    )

    def check(value: Any) -> None:
        body.model_validate(value)

    return check


def answers(client: str, lines: Iterator[str]) -> Iterator[str]:
    """A line for each."""
    checks = checks_of(client)
    for line in lines:
        asked = json.loads(line)
        fault = None
        try:
            checks[asked["dialect"], asked["extra"]](asked["body"])
        except pydantic.ValidationError as found:
            fault = "\n".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found.errors())
        yield json.dumps({"dialect": asked["dialect"], "fault": fault})


if __name__ == "__main__":
    for answer in answers(sys.argv[1], iter(sys.stdin)):
        sys.stdout.write(f"{answer}\n")

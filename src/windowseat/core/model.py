"""A model: its name and the facts known of it; and the options of a request.

`None` means that nobody said so: unknown is never guessed here. Where facts come from (a provider's
list, a catalogue, the user) is the providers feature's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from windowseat.core.errors import Refused
from windowseat.core.parts import Json

Modality = Literal["text", "image", "audio", "video", "file"]

Effort = Literal["none", "minimal", "low", "medium", "high", "max"]
"""How long a model may think, in one scale for all."""

Dialect = Literal["openai-chat", "openai-responses", "anthropic-messages", "gemini-generate"]
DIALECTS: tuple[Dialect, ...] = ("openai-chat", "openai-responses", "anthropic-messages", "gemini-generate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """`connection/model-id` and its facts. `window` and `output_limit` in tokens, `silence` in seconds.

    `prefill`: whether the provider goes on from an assistant message at the end of the request.
    `structured`: whether an answer can be held to a schema; `search`: whether the provider can search the
    web for it. `knowledge` and `retires` are days or months, as 2026-05-31 or 2026-05: what the model knows
    ends there, and it is switched off then. `defaults` are options asked for where the user sets none.
    """

    connection: str
    id: str
    dialect: Dialect
    title: str | None = None
    window: int | None = None
    output_limit: int | None = None
    inputs: frozenset[Modality] | None = None
    outputs: frozenset[Modality] | None = None
    tools: bool | None = None
    thinking: bool | None = None
    efforts: tuple[Effort, ...] | None = None
    prefill: bool | None = None
    structured: bool | None = None
    search: bool | None = None
    knowledge: str | None = None
    retires: str | None = None
    silence: float | None = None
    defaults: Mapping[str, Json] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The model's name as people and programs write it."""
        return f"{self.connection}/{self.id}"


def split_name(name: str) -> tuple[str, str]:
    """The connection and the model id of a name; the id may hold slashes of its own.

    Raises Refused `model_name`.
    """
    connection, slash, model = name.partition("/")
    if not slash or not connection or not model:
        raise Refused(
            "model_name",
            f"“{name}” is not a model's name.",
            hint="A name is CONNECTION/MODEL, such as local/smollm2; `windowseat models` lists them.",
        )
    return connection, model


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a user or a program asks of one turn; None leaves it to the model's default.

    `tools` names the tools on offer (None: the thread's usual ones). `search` lets the provider search the
    web where it can. `extra` are fields of the dialect that the model speaks, passed on unchanged. `stream`
    false asks for one whole answer.
    """

    effort: Effort | None = None
    temperature: float | None = None
    max_output_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    response_format: dict[str, Json] | None = None
    tools: tuple[str, ...] | None = None
    search: bool | None = None
    stream: bool = True
    extra: dict[str, Json] | None = None

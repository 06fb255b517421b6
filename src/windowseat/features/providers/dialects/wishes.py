"""What a program may ask for that the house's own options do not have, as each dialect says it.

For programs that wrote their request on another wire than the model speaks; what they wrote on its own
goes on as it is. A wish that a dialect has no word for is left out. Pure.

Fields: https://platform.openai.com/docs/api-reference/chat/create and …/responses/create,
https://platform.claude.com/docs/en/api/messages, https://ai.google.dev/api/generate-content (2026-11-25).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from windowseat.core.model import Dialect
from windowseat.core.parts import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """None leaves a wish to the model's default.

    `tool` is the one tool that must be called; `logprobs` how many likely tokens to tell beside each that
    was chosen; `end_user` an id of the program's own user, for the provider's safety rules.
    """

    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: int | None = None
    tool_choice: Literal["auto", "none", "required"] | None = None
    tool: str | None = None
    parallel_calls: bool | None = None
    end_user: str | None = None


def fields_of(wishes: Wishes, dialect: Dialect) -> dict[str, Json]:
    """The fields of a request that say the wishes, for `Options.extra`."""
    return {name: value for name, value in _WRITERS[dialect](wishes).items() if value is not None}


def _chat(wishes: Wishes) -> dict[str, Json]:
    named = {"type": "function", "function": {"name": wishes.tool}} if wishes.tool else None
    return {
        "top_p": wishes.top_p,
        "presence_penalty": wishes.presence_penalty,
        "frequency_penalty": wishes.frequency_penalty,
        "logprobs": None if wishes.logprobs is None else True,
        "top_logprobs": wishes.logprobs or None,
        "tool_choice": named or wishes.tool_choice,
        "parallel_tool_calls": wishes.parallel_calls,
        "user": wishes.end_user,
    }


def _responses(wishes: Wishes) -> dict[str, Json]:
    named = {"type": "function", "name": wishes.tool} if wishes.tool else None
    told = ["reasoning.encrypted_content", "message.output_text.logprobs"]
    return {
        "top_p": wishes.top_p,
        "include": None if wishes.logprobs is None else told,
        "top_logprobs": wishes.logprobs,
        "tool_choice": named or wishes.tool_choice,
        "parallel_tool_calls": wishes.parallel_calls,
        "safety_identifier": wishes.end_user,
    }


def _anthropic(wishes: Wishes) -> dict[str, Json]:
    kind = {"auto": "auto", "none": "none", "required": "any", None: None}[wishes.tool_choice]
    choice: dict[str, Json] | None = {"type": kind} if kind else None
    if wishes.tool:
        choice = {"type": "tool", "name": wishes.tool}
    if wishes.parallel_calls is False and kind != "none":
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return {
        "top_p": wishes.top_p,
        "tool_choice": choice,
        "metadata": {"user_id": wishes.end_user} if wishes.end_user else None,
    }


def _gemini(wishes: Wishes) -> dict[str, Json]:
    config = {
        "topP": wishes.top_p,
        "presencePenalty": wishes.presence_penalty,
        "frequencyPenalty": wishes.frequency_penalty,
    }
    config = {name: value for name, value in config.items() if value is not None}
    mode = {"auto": "AUTO", "none": "NONE", "required": "ANY", None: None}[wishes.tool_choice]
    calling: dict[str, Json] | None = {"mode": mode} if mode else None
    if wishes.tool:
        calling = {"mode": "ANY", "allowedFunctionNames": [wishes.tool]}
    return {
        "generationConfig": config or None,
        "toolConfig": {"functionCallingConfig": calling} if calling else None,
    }


_WRITERS = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic-messages": _anthropic,
    "gemini-generate": _gemini,
}

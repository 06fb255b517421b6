"""What the chunks of a chat completion add up to: the whole message; and tokens as its wire counts them.

Format: https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windowseat.core.message import Usage
from windowseat.core.parts import Json


def folded(deltas: Sequence[dict[str, Json]]) -> dict[str, Json]:
    """The message that the deltas add up to."""
    message: dict[str, Any] = {}
    words: dict[str, list[str]] = {}
    calls: dict[int, dict[str, Any]] = {}
    for delta in deltas:
        for name, value in delta.items():
            if name == "tool_calls":
                for piece in value:
                    _add_call(calls, piece)
            elif isinstance(value, str):
                words.setdefault(name, []).append(value)
            elif isinstance(value, list):
                message.setdefault(name, []).extend(value)
            else:
                message[name] = value
    said: dict[str, Any] = {name: "".join(pieces) for name, pieces in words.items()}
    if calls:
        said["tool_calls"] = [calls[number] for number in sorted(calls)]
        said["content"] = said["content"] or None
    if "refusal" in said:
        said["content"] = None
    if "audio" in message:
        message["audio"] = {**message["audio"], "transcript": said["content"]}
    return {"role": "assistant", "content": None, "refusal": None, **said, **message}


def _add_call(calls: dict[int, dict[str, Any]], piece: dict[str, Any]) -> None:
    call = calls.setdefault(piece["index"], {})
    for name, value in piece.items():
        if name in ("function", "custom"):
            held = call.setdefault(name, {})
            for inner, text in value.items():
                held[inner] = held.get(inner, "") + text
        elif name != "index":
            call[name] = value


def usage_of(usage: Usage | None) -> dict[str, Json] | None:
    """Tokens as this wire counts them; None where the provider told none."""
    if usage is None:
        return None
    details = usage.details or {}
    read, written = usage.input_tokens or 0, usage.output_tokens or 0
    told: dict[str, Json] = {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens or 0,
            "audio_tokens": details.get("audio_input_tokens", 0),
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.thinking_tokens or 0,
            "audio_tokens": details.get("audio_output_tokens", 0),
        },
    }
    if usage.cache_write_tokens is not None:
        told["prompt_tokens_details"]["cache_write_tokens"] = usage.cache_write_tokens
    return told

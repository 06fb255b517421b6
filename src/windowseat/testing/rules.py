"""What the real providers refuse, as far as a thread can break it, for a scripted provider that is strict.

    ScriptedProvider(dialect="openai-chat", rules=rules_chat.mistral)

Rules read a request and raise `Broken` in words that the real one has; the provider answers with a 400 in its
own shape. Each file beside this one names where its rules are documented, or who saw them.

Here is what they share: no rule of one dialect, and no code of the product, so that neither hides an error
of the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Rules = Callable[[Mapping[str, Any]], None]
"""Raises Broken for a request that its provider would not take."""


class Broken(Exception):
    """A rule is broken; the message is what the provider says."""


def demand(holds: object, told: str) -> None:
    """Raises Broken unless it holds."""
    if not holds:
        raise Broken(told)


def known_fields(found: Mapping[str, Any], known: Iterable[str], told: str) -> None:
    """Raises Broken for a field that is not known; `told` has a place for its name."""
    for name in found:
        demand(name in known, told.format(name))


def unique(ids: Iterable[str], told: str) -> None:
    """Raises Broken for an id that is there twice."""
    seen: set[str] = set()
    for each in ids:
        demand(each not in seen, told.format(each))
        seen.add(each)


def fits(pattern: str, value: Any, told: str) -> None:
    """Raises Broken for what is no text of that pattern."""
    demand(isinstance(value, str) and re.fullmatch(pattern, value), told.format(value))


def object_in(text: Any, told: str) -> None:
    """Raises Broken for what is not the JSON of an object."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        found = None
    demand(isinstance(found, dict), told)

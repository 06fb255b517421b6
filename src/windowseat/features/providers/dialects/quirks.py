"""Quirks: how providers and models differ from their dialect, as a table of data.

Each row says for which dialect, host and model ids it holds, what differs, who says so, and when that
was read. All rows that fit are laid over each other in order, so a later row is the more special one.
A dialect asks the resulting `Quirks` and has no provider's name in its code.

Not here: facts of models (windows, modalities, prices), and how a dialect looks in general.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from windowseat.core.model import Dialect, Effort
from windowseat.core.parts import Json

Fields = Mapping[str, Json]
"""Fields of a request's body, or of one message in it."""

MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """What a dialect asks before it writes a request; the defaults are what a plain server takes.

    `max_tokens` and `seed` name the fields of these options ("": not sent). `temperature`, `stop`: whether
    the option may be sent at all. `efforts` holds for each effort the fields that say it; one that is not
    in it becomes the nearest that is, and where it is empty none is said. `system` is the role that
    instructions have. `strict`: tools with a fitting schema are marked strict. `asks_usage`: a stream
    reports its usage only when asked to. `call_id` is the pattern of a call's id.

    `thinking` is how thinking goes back to where it came from: "" not at all, "raw" only as the provider's
    own item, "turn" so and only while the turn that thought it runs, else the name of the message's field
    for its words; `calls_need_thinking`: that field stands beside every call, be it empty. `not_back` names
    fields of an answer that its provider refuses in a request. `prefill` are the fields that mark the begun
    answer at the end of a request.

    `alternate`: neighbours of one role become one message. `after_tools` is what the assistant says between
    a tool's result and the user, where the two may not meet. `document` names the content part of a
    document, `sounds` are the formats of audio. `takes_url`: which media may be addresses. `largest` is how
    many bytes one image, audio, video or file may have. `cache_marks`: a prefix is cached only where it is
    marked. `shows_thinking` are the fields that ask a thinking model to show its thoughts. `continues`:
    whether a begun answer at the end is gone on from, None where nobody said. `unsigned` stands for the
    signature of a call that another model made, where the provider wants one. `always` are fields that
    every request has. `result_media`: what a tool's result may hold besides words. `search` are the fields
    that ask the provider to search the web; its `tools` are added to those of the request.
    """

    max_tokens: str = "max_tokens"
    temperature: bool = True
    seed: str = "seed"
    stop: bool = True
    efforts: Mapping[Effort, Fields] = field(default_factory=dict)
    system: str = "system"
    strict: bool = False
    asks_usage: bool = True
    call_id: str = r"[A-Za-z0-9_-]{1,40}"
    thinking: str = "raw"
    calls_need_thinking: bool = False
    not_back: frozenset[str] = frozenset()
    prefill: Fields = field(default_factory=dict)
    alternate: bool = False
    after_tools: str = ""
    document: str = "file"
    sounds: frozenset[str] = frozenset({"wav", "mp3"})
    takes_url: frozenset[str] = frozenset({"image", "video", "file"})
    largest: Mapping[str, int] = field(default_factory=dict)
    cache_marks: bool = False
    shows_thinking: Fields = field(default_factory=dict)
    continues: bool | None = None
    unsigned: str = ""
    always: Fields = field(default_factory=dict)
    result_media: frozenset[str] = frozenset()
    search: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to differ. `host` and `model` are shell patterns, the model's in lower case."""

    dialect: Dialect
    host: str = "*"
    model: str = "*"
    says: Fields
    source: str
    read: date


def fitted(rows: Iterable[Row], dialect: Dialect, host: str, model: str) -> Quirks:
    """The rows that fit, laid over each other in order."""
    found = Quirks()
    for row in rows:
        if row.dialect == dialect and fnmatchcase(host, row.host) and fnmatchcase(model.lower(), row.model):
            found = replace(found, **row.says)
    return found


def host_of(base_url: str) -> str:
    """The host of a connection's URL, as rows name it; "" where there is none."""
    return (urlsplit(base_url).hostname or "").lower()


_EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "max")


def effort_fields(quirks: Quirks, effort: Effort | None, known: tuple[Effort, ...] | None) -> Fields:
    """The fields that say an effort: the nearest one that the provider and the model have, the lower of two.

    `known` are the model's own efforts where they are known. Empty where there is nothing to say.
    """
    if effort is None:
        return {}
    at = _EFFORTS.index(effort)
    offered = [each for each in quirks.efforts if known is None or each in known]
    if not offered:
        return {}
    nearest = min(offered, key=lambda each: (abs(_EFFORTS.index(each) - at), _EFFORTS.index(each)))
    return quirks.efforts[nearest]


FIELDS = frozenset(f.name for f in fields(Quirks))
"""What a row may say."""

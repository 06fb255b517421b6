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
from functools import lru_cache
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
    signature of a call that another model made, where the provider wants one.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to differ. `host` and `model` are shell patterns, the model's in lower case."""

    dialect: Dialect
    host: str = "*"
    model: str = "*"
    says: Fields
    source: str
    read: date


def _by(name: str, **values: Json) -> Mapping[str, Fields]:
    """Efforts that are said by one field with one word each."""
    return {effort: {name: value} for effort, value in values.items()}


_READ = date(2026, 11, 25)
_THREE = _by("reasoning_effort", low="low", medium="medium", high="high")
_OPENAI = "https://platform.openai.com/docs/api-reference/chat/create"
_OPENROUTER = "https://openrouter.ai/docs/use-cases/reasoning-tokens"

ROWS: tuple[Row, ...] = (
    # -- openai-chat ----------------------------------------------------------------------------
    Row(dialect="openai-chat", says={"efforts": _THREE}, source=_OPENAI, read=_READ),
    *(
        Row(dialect="openai-chat", host=host, model=model, says=says, source=_OPENAI, read=_READ)
        for host in ("api.openai.com", "*.openai.azure.com")
        for model, says in (
            (
                "*",
                {
                    "max_tokens": "max_completion_tokens",
                    "strict": True,
                    "takes_url": frozenset({"image"}),
                    "largest": {"image": 50 * MB, "file": 50 * MB},
                },
            ),
            ("gpt-[34]*", {"efforts": {}}),
            ("o[1-9]*", {"temperature": False, "stop": False, "system": "developer"}),
            ("o3-mini*", {"stop": True}),
            (
                "gpt-5*",
                {
                    "temperature": False,
                    "stop": False,
                    "system": "developer",
                    "efforts": {**_by("reasoning_effort", minimal="minimal"), **_THREE},
                },
            ),
            ("gpt-5.*", {"efforts": {**_by("reasoning_effort", none="none", max="xhigh"), **_THREE}}),
            ("gpt-5.1*", {"efforts": {**_by("reasoning_effort", none="none"), **_THREE}}),
            ("gpt-5*-chat*", {"temperature": True, "stop": True, "efforts": {}}),
        )
    ),
    Row(
        dialect="openai-chat",
        host="api.mistral.ai",
        says={
            "seed": "random_seed",
            "asks_usage": False,
            "call_id": "[A-Za-z0-9]{9}",
            "prefill": {"prefix": True},
            "after_tools": "OK",
            "document": "document_url",
            "takes_url": frozenset({"image", "file"}),
            "largest": {"image": 10 * MB, "file": 50 * MB},
            "efforts": _by("reasoning_effort", none="none", high="high"),
        },
        source="https://docs.mistral.ai/api/",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.mistral.ai",
        model="mistral-large-4*",
        says={"efforts": _THREE},
        source="https://docs.mistral.ai/inference/conversations/reasoning",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.mistral.ai",
        model="magistral*",
        says={"efforts": {}},
        source="https://docs.mistral.ai/capabilities/reasoning/adjustable",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.deepseek.com",
        says={
            "thinking": "reasoning_content",
            "calls_need_thinking": True,
            "prefill": {"prefix": True},
            "efforts": {
                "none": {"thinking": {"type": "disabled"}},
                **_by("reasoning_effort", low="low", high="high", max="max"),
            },
        },
        source="https://api-docs.deepseek.com/guides/thinking_mode",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.moonshot.*",
        says={"thinking": "reasoning_content", "calls_need_thinking": True, "efforts": {}},
        source="https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.z.ai",
        says={
            "thinking": "reasoning_content",
            "efforts": {
                "none": {"thinking": {"type": "disabled"}},
                "high": {"thinking": {"type": "enabled"}},
            },
        },
        source="https://docs.z.ai/guides/capabilities/thinking-mode",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.z.ai",
        model="glm-5.[2-9]*",
        says={
            "efforts": {
                "none": {"thinking": {"type": "disabled"}},
                **_THREE,
                **_by("reasoning_effort", max="max"),
            }
        },
        source="https://docs.z.ai/guides/capabilities/thinking-mode",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.groq.com",
        says={
            "max_tokens": "max_completion_tokens",
            "takes_url": frozenset({"image"}),
            "largest": {"image": 3 * MB},  # 4 MB of base64
        },
        source="https://console.groq.com/docs/vision",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.groq.com",
        model="qwen/*",
        says={"efforts": _by("reasoning_effort", none="none", medium="default")},
        source="https://console.groq.com/docs/reasoning",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.x.ai",
        says={"stop": False, "takes_url": frozenset({"image"}), "largest": {"image": 20 * MB}},
        source="https://docs.x.ai/docs/guides/reasoning",
        read=_READ,
    ),
    *(
        Row(
            dialect="openai-chat",
            host="api.x.ai",
            model=model,
            says={"efforts": efforts},
            source="https://docs.x.ai/developers/model-capabilities/text/reasoning",
            read=_READ,
        )
        for model, efforts in (
            ("grok-3-mini*", _by("reasoning_effort", low="low", high="high")),
            ("grok-4", {}),
            ("grok-4-*", {}),
            ("grok-4.3*", {**_by("reasoning_effort", none="none"), **_THREE}),
        )
    ),
    Row(
        dialect="openai-chat",
        host="openrouter.ai",
        says={
            "max_tokens": "max_completion_tokens",
            "sounds": frozenset({"wav", "mp3", "aiff", "aac", "ogg", "flac", "m4a", "pcm16"}),
            "efforts": {
                effort: {"reasoning": {"effort": "xhigh" if effort == "max" else effort}}
                for effort in ("none", "minimal", "low", "medium", "high", "max")
            },
        },
        source=_OPENROUTER,
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="openrouter.ai",
        model="mistralai/*",
        says={"call_id": "[A-Za-z0-9]{9}"},
        source="https://github.com/openclaw/openclaw/issues/57672",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="openrouter.ai",
        model="anthropic/*",
        says={"cache_marks": True},
        source="https://openrouter.ai/docs/features/prompt-caching",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.cerebras.ai",
        says={"max_tokens": "max_completion_tokens"},
        source="https://inference-docs.cerebras.ai/api-reference/chat-completions",
        read=_READ,
    ),
    Row(
        dialect="openai-chat",
        host="api.perplexity.ai",
        says={"alternate": True},
        source="https://docs.perplexity.ai/api-reference/chat-completions-post",
        read=_READ,
    ),
    *(
        # The chat templates of several families raise "roles must alternate", Gemma's for one.
        Row(
            dialect="openai-chat",
            host=host,
            says={"alternate": True},
            source="https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
            read=_READ,
        )
        for host in ("localhost", "127.0.0.1", "::1")
    ),
)


@lru_cache(maxsize=256)
def quirks_of(dialect: Dialect, host: str, model: str) -> Quirks:
    """What holds for this model behind this host ("" where it is not known)."""
    return fitted(ROWS, dialect, host, model)


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

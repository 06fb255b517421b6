"""What a provider's refusal means: from a status, headers and words to one fault with a stable code.

Every provider has its own shape for an error, and some say with a 400 what others say with a 429;
so the words count before the status. The detail quotes the provider, cut and without our keys.

Not here: faults of the network (`transport` has those), and what is done about a fault (turns).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import unescape
from typing import Any, NamedTuple

from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport.retry_after import told_by_headers, told_by_words

QUOTED = 500
"""Characters of the provider's own words that a fault quotes."""


class _Meaning(NamedTuple):
    """What a code says after the provider's name, and what to do about it."""

    says: str
    hint: str


_MEANINGS = {
    "provider_key_refused": _Meaning(
        "did not accept the key", "Check this connection's key and what it may do."
    ),
    "provider_no_credit": _Meaning(
        "says that the account has no credit", "Add credit there, or use another model."
    ),
    "provider_region": _Meaning(
        "does not serve the region that this machine is in",
        "Use a provider that does, or a router such as OpenRouter.",
    ),
    "provider_not_found": _Meaning(
        "knows no such model or address", "Check the model's name and the connection's address."
    ),
    "provider_timeout": _Meaning("took too long", "Try again."),
    "provider_too_large": _Meaning(
        "found the request too large", "Send fewer or smaller files, or a shorter thread."
    ),
    "provider_rate_limit": _Meaning(
        "asks to slow down", "Wait a moment, then try again, or use another model."
    ),
    "provider_refused": _Meaning("refused the request", "Change what it names, or use another model."),
    "window_overflow": _Meaning(
        "says that the window is too long for the model",
        "Mask or summarise parts of the thread, or use a model with a larger window.",
    ),
    "provider_error": _Meaning("failed", "Try again; if it goes on, look at the provider's status page."),
    "provider_overloaded": _Meaning("is overloaded", "Wait a moment, then try again, or use another model."),
}

_BY_STATUS = {
    401: "provider_key_refused",
    402: "provider_no_credit",
    403: "provider_key_refused",
    404: "provider_not_found",
    405: "provider_not_found",
    408: "provider_timeout",
    413: "provider_too_large",
    429: "provider_rate_limit",
    498: "provider_overloaded",  # Groq: flex capacity exceeded
    503: "provider_overloaded",
    524: "provider_timeout",  # Cloudflare: the origin took too long
    529: "provider_overloaded",  # Anthropic
}

_BY_KIND = {
    # Anthropic, https://platform.claude.com/docs/en/api/errors
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
    "invalid_request_error": 400,
    # OpenAI, https://platform.openai.com/docs/guides/error-codes
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "model_not_found": 404,
    # Google, https://cloud.google.com/apis/design/errors
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "resource_exhausted": 429,
    "invalid_argument": 400,
    "failed_precondition": 400,
    "unavailable": 503,
    "deadline_exceeded": 504,
}
"""A provider's own name for an error that comes inside a stream, where no status can come any more."""

_TELLING_WORDS = (
    (
        "provider_no_credit",
        re.compile(r"insufficient_quota|credit balance is too low|insufficient (?:balance|credit)"),
    ),
    # OpenAI, https://platform.openai.com/docs/supported-countries; Google and Anthropic in their answers.
    (
        "provider_region",
        re.compile(
            r"unsupported_country_region_territory|country, region, or territory not supported"
            r"|user location is not supported|not available in your (?:country|region)"
        ),
    ),
    (
        "provider_key_refused",
        re.compile(r"api[_ ]key[_ ](?:not valid|invalid)|(?:incorrect|invalid)[_ ]api[_ ]key"),
    ),
    # The phrases of OpenAI, Azure, vLLM and OpenRouter; Anthropic; Google; xAI; Groq; llama.cpp; LM Studio;
    # Mistral; Bedrock; MiniMax; Kimi; Ollama. Most stand with examples in badlogic/pi-mono,
    # packages/ai/src/utils/overflow.ts.
    (
        "window_overflow",
        re.compile(
            r"context[_ ]length[_ ]exceeded|maximum context length"
            r"|exceeds the (?:model'?s )?context (?:window|length)"
            r"|prompt is too long|exceed context limit"
            r"|input token count.{0,40}exceeds the maximum"
            r"|maximum prompt length is"
            r"|reduce the length of the (?:messages|prompt)"
            r"|exceeds? the available context size|exceed_context_size_error"
            r"|greater than the context length|context window exceeds limit"
            r"|too large for model with \d+ maximum context"
            r"|input is too long for requested model|exceeded model token limit"
            r"|exceeds maximum context length"
        ),
    ),
)

_TAG = re.compile(r"<(/?)([a-zA-Z!][a-zA-Z0-9!-]{0,20})[^<>]*>")
_DEPTH = 5
"""Levels of a provider's error object that are looked into."""


def fault_of_answer(
    *,
    provider: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[str],
    now: datetime,
) -> ProviderFault:
    """The fault that an answer with an error status stands for.

    `provider` is the host as a person knows it, `headers` have names in lower case, `body` may be
    cut, `secrets` are never quoted, `now` is the time against which a date in Retry-After counts.
    """
    error = _parsed(body)
    words = _words(error) or visible(body.decode("utf-8", "replace"))
    return _fault(
        error,
        words,
        provider=provider,
        answered=status,
        status=status,
        after=told_by_headers(headers, now),
        secrets=secrets,
    )


def fault_in_stream(
    error: Any, *, provider: str, answered: int, secrets: Iterable[str] = ()
) -> ProviderFault:
    """The fault that an error object within a stream stands for; `answered` is the stream's status."""
    return _fault(
        error,
        _words(error),
        provider=provider,
        answered=answered,
        status=_status_in(error),
        after=None,
        secrets=secrets,
    )


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it replaced; the longest first, so that no rest of one remains."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def quoted(text: str, secrets: Iterable[str]) -> str:
    """A provider's words as a fault shows them: on one line, without secrets, cut."""
    text = " ".join(scrubbed(text, secrets).split())
    return text if len(text) <= QUOTED else text[:QUOTED] + "…"


def visible(text: str) -> str:
    """What a person would read of a page: the text without tags, scripts and styles."""
    seen: list[str] = []
    at = 0
    hidden = ""
    for tag in _TAG.finditer(text):
        if not hidden:
            seen.append(text[at : tag.start()])
        at = tag.end()
        name = tag[2].lower()
        if hidden and tag[1] and name == hidden:
            hidden = ""
        elif not hidden and not tag[1] and name in ("script", "style"):
            hidden = name
    if not hidden:
        seen.append(text[at:])
    return unescape(" ".join(seen)).strip()


def _fault(
    error: Any,
    words: str,
    *,
    provider: str,
    answered: int,
    status: int,
    after: float | None,
    secrets: Iterable[str],
) -> ProviderFault:
    code = _code_of(status, words, error)
    meaning = _MEANINGS[code]
    quote = quoted(words, secrets)
    detail = f"{provider} {meaning.says} ({status}){f': {quote}' if quote else '.'}"
    if after is None:
        after = told_by_words(error, words)
    return ProviderFault(code, detail, hint=meaning.hint, answered=answered, retry_after=after)


def _code_of(status: int, words: str, error: Any) -> str:
    text = f"{words} {' '.join(_kinds_in(error))}".lower()
    for code, telling in _TELLING_WORDS:
        if telling.search(text) and (code != "window_overflow" or status not in (401, 403, 429)):
            return code
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return "provider_error" if status >= 500 else "provider_refused"


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _words(error: Any, depth: int = _DEPTH) -> str:
    """The sentence for people in any of the known shapes; "" where the shape is new."""
    if isinstance(error, str):
        return visible(error)
    if isinstance(error, list) and depth:
        return "; ".join(_words(entry, depth - 1) for entry in error[:3])
    if isinstance(error, dict) and depth:
        for name in ("error", "errors", "message", "msg", "detail", "title"):
            found = error.get(name)
            if found and isinstance(found, str | dict | list):
                return _words(found, depth - 1) + _upstream(error)
    return ""


def _upstream(error: dict[str, Any]) -> str:
    """OpenRouter says "Provider returned error" and puts what that provider said beside it."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return f" ({visible(raw)})" if isinstance(raw, str) and raw else ""


def _kinds_in(error: Any, depth: int = _DEPTH) -> list[str]:
    """The provider's own short names for an error: `code`, `type`, `status`, `reason`, outside and inside."""
    if isinstance(error, list) and depth:
        return [kind for entry in error[:3] for kind in _kinds_in(entry, depth - 1)]
    if not isinstance(error, dict) or not depth:
        return []
    names = [str(error[name]) for name in ("code", "type", "status", "reason") if error.get(name) is not None]
    return names + _kinds_in(error.get("error"), depth - 1) + _kinds_in(error.get("details"), depth - 1)


def _status_in(error: Any) -> int:
    for kind in _kinds_in(error):
        if kind.isdecimal() and 400 <= int(kind) < 600:
            return int(kind)
    for kind in _kinds_in(error):
        if kind.lower() in _BY_KIND:
            return _BY_KIND[kind.lower()]
    return 500

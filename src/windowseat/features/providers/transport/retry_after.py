"""When a provider says to come back: by a header, by a field of its error, or in its words.

Times are seconds from now; None where it names none, or one that cannot be meant.
Not here: whether anybody waits (turns).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_LONGEST = 7 * 24 * 3600.0
_READ = 10_000
_IN_WORDS = re.compile(
    r"(?:try again|retry)\s+(?:in|after)\s+"
    r"((?:\d+(?:\.\d+)?\s*(?:milliseconds?|ms|minutes?|min|m|hours?|h|seconds?|sec|s)[ ,]*)+)",
    re.IGNORECASE,
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|milli|h|m|s|$)", re.IGNORECASE)
_UNITS = {"ms": 0.001, "milli": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


def told_by_headers(headers: Mapping[str, str], now: datetime) -> float | None:
    """By `retry-after-ms`, `retry-after` (RFC 9110, section 10.2.3), or OpenAI's `x-ratelimit-reset-*`.

    Names are in lower case. Of OpenAI's two limits the one that has run out counts
    (https://platform.openai.com/docs/guides/rate-limits).
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return _sane(milliseconds / 1000)
    told = headers.get("retry-after", "").strip()
    if told:
        seconds = _number(told)
        return _sane(_until(told, headers.get("date", ""), now) if seconds is None else seconds)
    resets = [
        _duration(headers.get(f"x-ratelimit-reset-{limit}", ""))
        for limit in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{limit}", "0").strip() == "0"
    ]
    return _sane(max((reset for reset in resets if reset is not None), default=None))


def told_by_words(error: Any, words: str) -> float | None:
    """By Google's RetryInfo (google/rpc/error_details.proto) in a decoded error, or by "try again in 20s"."""
    inner = error[0] if isinstance(error, list) and error else error
    inner = inner.get("error", inner) if isinstance(inner, dict) else None
    details = inner.get("details") if isinstance(inner, dict) else None
    for entry in details if isinstance(details, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("retryDelay"), str):
            return _sane(_duration(entry["retryDelay"]))
    told = _IN_WORDS.search(words[:_READ])
    return _sane(_duration(told.group(1))) if told else None


def _until(date: str, sent: str, now: datetime) -> float | None:
    """Seconds to an HTTP date, by the server's own clock where it sent one, because ours may differ."""
    try:
        until = parsedate_to_datetime(date)
    except ValueError:
        return None
    with contextlib.suppress(ValueError):
        now = parsedate_to_datetime(sent)
    return (_aware(until) - _aware(now)).total_seconds()


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _duration(text: str) -> float | None:
    """Seconds of "20ms", "6m0s", "1.5 minutes" or "34"."""
    found = _DURATION.findall(text[:100])
    return sum(float(number) * _UNITS[unit.lower()] for number, unit in found) if found else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sane(seconds: float | None) -> float | None:
    """None for what is no time to wait; comparing also catches NaN."""
    return max(0.0, seconds) if seconds is not None and seconds <= _LONGEST else None

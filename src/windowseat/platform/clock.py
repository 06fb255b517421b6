"""The time: the wall clock in UTC, and one that never goes back. A class, so that tests can stop it.

No timer and no sleeping is here.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """The wall clock, in UTC; it can jump when somebody sets it."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment; only differences mean something, and they are never negative."""
        return time.monotonic()


def to_text(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`; texts of this form sort as the moments do.

    >>> to_text(datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC))
    '2026-01-02T03:04:05.678Z'
    """
    if moment.tzinfo is None:
        raise ValueError("A moment without a time zone could be any of 38.")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """The moment of an RFC 3339 text, in UTC. ValueError where it is none or names no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return moment.astimezone(UTC)

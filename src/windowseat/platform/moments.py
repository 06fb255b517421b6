"""Times as the database keeps them: whole microseconds since 1970 in UTC, exact both ways.

RFC 3339 text, for people and JSON, is clock.py's.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = timedelta(microseconds=1)


def to_number(moment: datetime) -> int:
    """Microseconds since 1970. ValueError for a moment without a time zone.

    >>> to_number(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone has no number")
    return (moment - _EPOCH) // _ONE


def from_number(number: int) -> datetime:
    """The moment, in UTC, of a number of microseconds since 1970."""
    return _EPOCH + number * _ONE

"""A clock that moves only when it is told to, for tests of what time decides.

It cannot stop asyncio's own timers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from windowseat.platform.clock import Clock


class StoppedClock(Clock):
    """Both clocks of `Clock`, moved together.

    >>> clock = StoppedClock()
    >>> clock.move(timedelta(hours=1))
    """

    def __init__(self, moment: datetime = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)) -> None:
        self._moment = moment
        self._ticks = 1000.0

    def now(self) -> datetime:
        """The moment where it stands, in UTC."""
        return self._moment

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self._ticks

    def move(self, by: timedelta) -> None:
        """Go on by that much."""
        self._moment += by
        self._ticks += by.total_seconds()

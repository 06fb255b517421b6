"""New ids: UUIDs that sort by the time they were made, so that the rows of one hour lie together.

UUID version 7 (RFC 9562, section 5.7), strictly increasing within one maker by its method 2 ("monotonic
random", section 6.2): the 74 random bits of one millisecond count upwards by a random step.
An id is no secret and no proof of a right.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Callable

_RANDOM_BITS = 74


class Ids:
    """Makes ids; safe to use from several threads.

    >>> Ids().new()
    '019a1f6e-7c1e-7a52-9d3e-6f6f6b0c7a11'
    """

    def __init__(self, milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._milliseconds = milliseconds
        self._last = 0
        self._guard = threading.Lock()

    def new(self) -> str:
        """A UUIDv7 as text, greater than every one before it of this maker, even if the clock goes back."""
        with self._guard:
            fresh = (self._milliseconds() << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
            self._last = fresh if fresh > self._last else self._last + 1 + secrets.randbits(32)
            return str(_uuid7(self._last))


def _uuid7(value: int) -> uuid.UUID:
    milliseconds, high, low = value >> _RANDOM_BITS, (value >> 62) & 0xFFF, value & ((1 << 62) - 1)
    return uuid.UUID(int=(milliseconds << 80) | (7 << 76) | (high << 64) | (2 << 62) | low)

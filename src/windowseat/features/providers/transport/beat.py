"""The beat by which many answers are read together, so that each word costs less.

A word that arrives alone wakes everything between the network and its reader's page, and finds nothing of it
warm in the processor. So when many answers stream, a connection that has brought something is not read again
before the next beat, which all of them share: the words wait in the system's buffer, and come together. Few
answers are read as they come, and the first words of every answer are.

It does not know what is read, and loses nothing: a connection that is not read is slowed by TCP itself.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

_PER_ANSWER = 0.001
_SHORTEST = 0.02
_LONGEST = 0.1
"""Seconds between two beats: so many for each answer that streams. With fewer than 20 there is no beat."""


class Paced(Protocol):
    """A connection that can stop reading for a moment."""

    def pause(self) -> None:
        """Read nothing."""
        ...

    def go_on(self) -> None:
        """Read again; harmless when it was not paused or is closed."""
        ...


class Beat:
    """One for all connections of an event loop."""

    def __init__(self) -> None:
        self._streaming: set[Paced] = set()
        self._paused: list[Paced] = []

    def begin(self, connection: Paced) -> None:
        """An answer begins."""
        self._streaming.add(connection)

    def end(self, connection: Paced) -> None:
        """It is over, however that came."""
        self._streaming.discard(connection)

    def after_read(self, connection: Paced, loop: asyncio.AbstractEventLoop) -> None:
        """Let the connection wait for the next beat, if there is one."""
        seconds = min(_LONGEST, _PER_ANSWER * len(self._streaming))
        if seconds < _SHORTEST:
            return
        connection.pause()
        if not self._paused:
            loop.call_later(seconds, self._ring)
        self._paused.append(connection)

    def _ring(self) -> None:
        paused, self._paused = self._paused, []
        for connection in paused:
            connection.go_on()

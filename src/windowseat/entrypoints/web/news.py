"""News for open streams: which turns start, and which lists changed. Held in memory, for this process.

Whoever missed some asks again by number (of a turn) or version (of a list), so nothing is kept here.
"""

from __future__ import annotations

from typing import Protocol

from windowseat.core.ask import Turn


class Reader(Protocol):
    """A stream that wants to be told; it must not block."""

    def turn_started(self, turn: Turn) -> None:
        """A turn of its user started."""
        ...

    def list_changed(self, name: str, version: int) -> None:
        """A list of its user has a new version."""
        ...

    def end(self) -> None:
        """The server is about to stop."""
        ...


class News:
    """Hands news to the streams of the user whom they concern, and to no other's."""

    def __init__(self) -> None:
        self._readers: dict[str, set[Reader]] = {}
        self.ended = False
        """Whether the server is stopping, so that a stream that begins now should end at once."""

    def add(self, user: str, reader: Reader) -> None:
        """Tell this stream from now on."""
        self._readers.setdefault(user, set()).add(reader)

    def discard(self, user: str, reader: Reader) -> None:
        """Tell it no longer."""
        readers = self._readers.get(user, set())
        readers.discard(reader)
        if not readers:
            self._readers.pop(user, None)

    def turn_started(self, turn: Turn) -> None:
        """A turn started in this process."""
        for reader in self._readers.get(turn.user.id, ()):
            reader.turn_started(turn)

    def list_changed(self, user: str, name: str, version: int) -> None:
        """A user's list has a new version."""
        for reader in self._readers.get(user, ()):
            reader.list_changed(name, version)

    def end(self) -> None:
        """Let every stream come to its end."""
        self.ended = True
        for readers in tuple(self._readers.values()):
            for reader in tuple(readers):
                reader.end()

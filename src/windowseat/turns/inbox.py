"""The inbox of a turn: mail in the order in which it came, for one reader in one event loop.

Every piece of every answer comes through here, so it is the least that can do this: an asyncio.Queue, which
serves many readers and has a bound, costs three times as much.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

Mail = TypeVar("Mail")


class Inbox(Generic[Mail]):
    """Mail that waits; its length is how much."""

    def __init__(self) -> None:
        self._mail: deque[Mail] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._mail)

    def put(self, mail: Mail) -> None:
        """Add mail, and wake the reader if it waits."""
        self._mail.append(mail)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Mail:
        """The oldest mail, as soon as there is some."""
        while not self._mail:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._mail.popleft()

    def take_all(self) -> list[Mail]:
        """All the mail that is there now."""
        mail = list(self._mail)
        self._mail.clear()
        return mail

"""Temporary threads: what the rows of threads and messages are for others, in memory. They are in no list.

The same verbs as thread_store.py and message_store.py have, so that the service need not care. Hiding a whole
temporary thread forgets it for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from windowseat.core.ask import User
from windowseat.core.message import Message
from windowseat.core.thread import Thread, Tree
from windowseat.features.threads.memory import CheckFiles, MemoryTurns, Temporary, shown
from windowseat.features.threads.rules import check_hidden, files_in, no_thread, parent_gone


class TemporaryThreads:
    """The temporary threads of this process."""

    def __init__(self, turns: MemoryTurns, check_files: CheckFiles) -> None:
        self._turns = turns
        self._check_files = check_files

    def __contains__(self, thread: str) -> bool:
        return thread in self._turns.threads

    async def get(self, user: User, thread: str) -> Thread:
        """The thread. Raises NotFound `thread_not_found`."""
        return shown(self._turns, self._owned(user, thread))

    async def change(self, user: User, thread: str, values: Mapping[str, Any], at: datetime) -> Thread:
        """Set fields; a tip must be a message of the thread."""
        kept = self._owned(user, thread)
        if values.get("tip") is not None:
            kept.tree().get(values["tip"])
        kept.change(at, **values)
        return shown(self._turns, kept)

    async def delete(self, user: User, thread: str) -> tuple[str, ...]:
        """Forget the thread; returns its turns that are not settled."""
        left = tuple(self._turns.states(self._owned(user, thread).thread.id))
        del self._turns.threads[thread]
        return left

    async def draft(self, user: User, thread: str) -> str | None:
        """The draft's JSON, None where there is none."""
        return self._owned(user, thread).draft

    async def put_draft(self, user: User, thread: str, data: str | None) -> None:
        """Keep a draft in place of the one before, or with None none."""
        self._owned(user, thread).draft = data

    async def all(self, user: User, thread: str) -> tuple[Message, ...]:
        """The messages in the order in which they were added; those whose turn runs, as far as they are."""
        kept = self._owned(user, thread)
        return tuple(self._turns.as_far(m) for m in kept.messages.values() if m.id not in kept.hidden)

    async def add(
        self, user: User, thread: str, message: Message, check: Callable[[Message, Tree], None]
    ) -> Message:
        """Add a message that `check` lets in, and move the tip to it."""
        kept = self._owned(user, thread)
        check(message, kept.tree())
        await self._check_files(user, files_in(message.parts, displays=False))
        kept.messages[message.id] = message
        kept.change(message.created, tip=message.id, unread=False)
        return message

    async def hide(self, user: User, thread: str, message: str, at: datetime) -> Thread:
        """Hide a message and all below it."""
        kept = self._owned(user, thread)
        tree = kept.tree()
        gone = tree.descendants(message)
        check_hidden(tree, gone)
        kept.change(at, tip=tree.tip_without(message, kept.thread.tip))
        kept.hidden.update(dict.fromkeys(gone, at))
        return shown(self._turns, kept)

    async def show(self, user: User, thread: str, message: str, at: datetime) -> Thread:
        """Bring back a message and what was hidden with it; the tip goes there."""
        kept = self._owned(user, thread)
        whole = Tree(kept.messages.values())
        parent = whole.get(message).parent
        if message not in kept.hidden:
            return shown(self._turns, kept)
        if parent in kept.hidden:
            raise parent_gone()
        stamp = kept.hidden[message]
        for each in whole.descendants(message):
            if kept.hidden.get(each) == stamp:
                del kept.hidden[each]
        kept.change(at, tip=kept.tree().newest_leaf(message))
        return shown(self._turns, kept)

    async def set_feedback(self, user: User, thread: str, message: str, data: str | None) -> None:
        """Keep what the user thinks of a message, as JSON."""
        kept = self._owned(user, thread)
        kept.tree().get(message)
        kept.feedback.pop(message, None)
        if data is not None:
            kept.feedback[message] = data

    async def feedback(self, user: User, thread: str) -> dict[str, str]:
        """By message: what the user thinks of it, as JSON."""
        return dict(self._owned(user, thread).feedback)

    async def path(self, user: User, thread: str, message: str) -> tuple[Message, ...]:
        """The branch that ends in the message."""
        return self._owned(user, thread).tree().path(message)

    def _owned(self, user: User, thread: str) -> Temporary:
        """The one place that asks whose a temporary thread is."""
        kept = self._turns.threads.get(thread)
        if kept is None or kept.user.id != user.id:
            raise no_thread(thread)
        return kept

"""A thread: a tree of messages, and a pointer to the tip that is shown.

Pure operations on the tree: paths, siblings, where the tip goes. No operation loses a message:
an edit is a sibling, a regenerated answer is a sibling, a fork is a copy of a path.
Stored rows, drafts and lists of threads are not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from windowseat.core.errors import NotFound, Refused
from windowseat.core.message import Message
from windowseat.core.parts import Citation, Json

TitleBy = Literal["user", "model", "none"]
ThreadState = Literal["idle", "running", "waiting", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One conversation as lists and pages show it; its messages are read apart."""

    id: str
    created: datetime
    updated: datetime
    title: str | None = None
    title_by: TitleBy = "none"
    tip: str | None = None
    project: str | None = None
    pinned: bool = False
    archived: bool = False
    temporary: bool = False
    forked_from: str | None = None
    model: str | None = None
    options: Mapping[str, Json] | None = None
    state: ThreadState = "idle"
    unread: bool = False
    running: tuple[str, ...] = ()
    version: int = 1


class Tree:
    """The messages of one thread, as a tree. A value: operations return what to add, nothing changes.

    >>> Tree(messages).path(tip)        # root first
    """

    def __init__(self, messages: Iterable[Message]) -> None:
        self._by_id: dict[str, Message] = {}
        self._children: dict[str | None, list[str]] = {}
        for message in messages:
            self._by_id[message.id] = message
        for message in self._by_id.values():
            if message.parent is not None and message.parent not in self._by_id:
                raise ValueError(f"message {message.id} hangs on {message.parent}, which is not in the tree")
            self._children.setdefault(message.parent, []).append(message.id)

    def __contains__(self, message: str) -> bool:
        return message in self._by_id

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, message: str) -> Message:
        """The message. Raises NotFound `message_not_found`."""
        try:
            return self._by_id[message]
        except KeyError:
            raise NotFound(
                "message_not_found",
                f"There is no message {message} in this thread.",
                hint="It may have been deleted; read the thread's messages again.",
            ) from None

    def path(self, tip: str | None) -> tuple[Message, ...]:
        """The branch that ends in `tip`, root first; empty for None."""
        branch: list[Message] = []
        while tip is not None:
            message = self.get(tip)
            branch.append(message)
            tip = message.parent
        return tuple(reversed(branch))

    def siblings(self, message: str) -> tuple[str, ...]:
        """The children of the message's parent in the order in which they were added, itself included."""
        return tuple(self._children[self.get(message).parent])

    def newest_leaf(self, message: str | None) -> str | None:
        """Where a reader lands who chooses this message: its newest descendant without children.

        With None, from the newest root; None in an empty tree.
        """
        children = self._children.get(message, [])
        while children:
            message = children[-1]
            children = self._children.get(message, [])
        return message

    def descendants(self, message: str) -> tuple[str, ...]:
        """All messages below this one, itself first."""
        found = [self.get(message).id]
        for each in found:
            found.extend(self._children.get(each, []))
        return tuple(found)

    def tip_without(self, gone: str, tip: str | None) -> str | None:
        """The tip after `gone` and all below it are hidden: unchanged, or the nearest branch that stays."""
        hidden = set(self.descendants(gone))
        if tip not in hidden:
            return tip
        parent = self.get(gone).parent
        stays = [each for each in self._children.get(parent, []) if each not in hidden]
        return self.newest_leaf(stays[-1]) if stays else parent


def fork(path: tuple[Message, ...], thread: str, new_id: Callable[[], str]) -> tuple[Message, ...]:
    """Copies of a branch for another thread, with new ids and the same parts and origins, in order.

    Raises Refused `turn_running` where a message of the branch is not settled.
    """
    copies: list[Message] = []
    for message in path:
        if message.n is not None:
            raise Refused(
                "turn_running",
                "An answer on this branch is still being written.",
                hint="Wait until it ends, or stop it, then fork.",
                status=409,
            )
        parent = copies[-1].id if copies else None
        copy = replace(message, id=new_id(), thread=thread, parent=parent, turn=None, edited_from=None)
        copies.append(copy)
    return tuple(copies)


def check_parts(parts: tuple[object, ...]) -> None:
    """Refuse a message without parts, or with a citation of a text that is not there."""
    if not parts:
        raise Refused("message_empty", "The message has no parts.", hint="Write something, or add a file.")
    for part in parts:
        if isinstance(part, Citation) and not 0 <= part.part < len(parts):
            raise Refused(
                "citation_without_text",
                f"A citation points at part {part.part}, and the message has {len(parts)} parts.",
                hint="Point it at one of the message's text parts.",
            )

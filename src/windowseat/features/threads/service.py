"""Threads and their messages: read, changed, forked, hidden and brought back; drafts and feedback.

Every method takes who asks first. Whose a thread is, is checked in one place per keeping (`owned` of
within.py, `_owned` of temporary.py); what is not the user's is not there. Turns are begun elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from windowseat import codec
from windowseat.core.ask import Keeping, User
from windowseat.core.errors import Refused
from windowseat.core.message import Message, Role
from windowseat.core.model import Options, split_name
from windowseat.core.parts import Json, Part
from windowseat.core.thread import Thread, fork
from windowseat.features.threads.memory import CheckFiles, MemoryTurns
from windowseat.features.threads.message_store import MessageStore
from windowseat.features.threads.rows import chosen_of, text
from windowseat.features.threads.rules import check_written, files_in
from windowseat.features.threads.tables import OnChange
from windowseat.features.threads.temporary import TemporaryThreads
from windowseat.features.threads.thread_store import ThreadPage, ThreadStore
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.moments import to_number

LONGEST_TITLE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the user is writing and has not sent; `queued` are whole messages that wait to be sent."""

    text: str = ""
    parts: tuple[Part, ...] = ()
    queued: tuple[tuple[Part, ...], ...] = ()


class Threads:
    """The threads of one home, in the database and, temporary ones, in memory. Belongs to one event loop."""

    def __init__(
        self,
        database: Database,
        memory: MemoryTurns,
        clock: Clock,
        ids: Ids,
        *,
        on_change: OnChange,
        check_files: CheckFiles,
    ) -> None:
        self._threads = ThreadStore(database, on_change)
        self._messages = MessageStore(database, self._threads)
        self._temporary = TemporaryThreads(memory, check_files)
        self._clock = clock
        self._ids = ids

    async def keeping(self, user: User, thread: str) -> Keeping:
        """Where the turns of this thread are kept, for the ask of the next one. Raises NotFound."""
        await self.get(user, thread)
        return "memory" if thread in self._temporary else "database"

    # -- threads ------------------------------------------------------------------------------------

    async def list(self, user: User, *, after: str | None = None, archived: bool = False) -> ThreadPage:
        """A hundred threads, the pinned and then the newest first; `after` is the `next` of the page before.

        Raises Refused `bad_cursor`.
        """
        return await self._threads.page(user, _place(after) if after else None, archived=archived)

    async def version(self, user: User) -> int:
        """The version of the user's list of threads; 0 until something is in it."""
        return await self._threads.version(user)

    async def changed(self, user: User, since: int) -> ThreadPage:
        """The threads that changed after version `since` of the list, and the ids of those that are gone."""
        return await self._threads.changed(user, since)

    async def get(self, user: User, thread: str) -> Thread:
        """The thread. Raises NotFound `thread_not_found`, as all of these."""
        return await (self._temporary if thread in self._temporary else self._threads).get(user, thread)

    async def patch(self, user: User, thread: str, changes: Mapping[str, Json]) -> Thread:
        """Change fields of the thread, as JSON has them: `title`, `tip`, `project`, `pinned`, `archived`,
        `unread`, `model`, `options`. Raises Refused `bad_shape`, NotFound `message_not_found`."""
        fields = codec.read(_Patch, changes)
        given = {name: getattr(fields, name) for name in changes}
        if "title" in given:
            title = (fields.title or "").strip()[:LONGEST_TITLE] or None
            given |= {"title": title, "title_by": "user" if title else "none"}
        if fields.model is not None:
            split_name(fields.model)
        if "options" in given:
            given["options"] = chosen_of(fields.options) if fields.options else None
        if thread in self._temporary:
            return await self._temporary.change(user, thread, given, self._clock.now())
        return await self._threads.change(user, thread, _columns(given))

    async def delete(self, user: User, thread: str) -> tuple[str, ...]:
        """Hide the thread until it is restored; a temporary one is gone for good.

        Returns its turns that are not settled: whoever deletes a thread stops them.
        """
        if thread in self._temporary:
            return await self._temporary.delete(user, thread)
        return await self._threads.mark(user, thread, to_number(self._clock.now()))

    async def restore(self, user: User, thread: str) -> Thread:
        """Bring a deleted thread back."""
        if thread not in self._temporary:
            await self._threads.mark(user, thread, None)
        return await self.get(user, thread)

    async def fork(self, user: User, thread: str, message: str) -> Thread:
        """A new thread with copies of the branch that ends in `message`; the old one stays as it is.

        A temporary thread is kept this way. Raises NotFound `message_not_found`, Refused `turn_running`.
        """
        old = await self.get(user, thread)
        kept = self._temporary if thread in self._temporary else self._messages
        now, name = self._clock.now(), self._ids.new()
        copies = fork(await kept.path(user, thread, message), name, self._ids.new)
        new = Thread(
            id=name,
            created=now,
            updated=now,
            title=old.title,
            title_by=old.title_by,
            tip=copies[-1].id,
            project=old.project,
            forked_from=None if old.temporary else old.id,
            model=old.model,
            options=old.options,
        )
        return await self._messages.add_thread(user, new, copies)

    async def draft(self, user: User, thread: str) -> Draft:
        """What the user is writing in this thread."""
        kept = self._temporary if thread in self._temporary else self._threads
        data = await kept.draft(user, thread)
        return codec.read(Draft, msgspec.json.decode(data)) if data else Draft()

    async def put_draft(self, user: User, thread: str, draft: Draft) -> None:
        """Keep what the user is writing, in place of what was kept; the files of it stay."""
        data = text(draft) if draft != Draft() else None
        if thread in self._temporary:
            return await self._temporary.put_draft(user, thread, data)
        files = files_in([*draft.parts, *(part for parts in draft.queued for part in parts)])
        return await self._threads.put_draft(user, thread, data, files, to_number(self._clock.now()))

    # -- messages -----------------------------------------------------------------------------------

    async def messages(self, user: User, thread: str) -> tuple[Message, ...]:
        """All messages in the order in which they were added. One whose turn runs has the parts so far
        and `n`, the number of the last event in them."""
        return await (self._temporary if thread in self._temporary else self._messages).all(user, thread)

    async def write(
        self,
        user: User,
        thread: str,
        *,
        parent: str | None,
        role: Role,
        parts: tuple[Part, ...],
        edited_from: str | None = None,
    ) -> Message:
        """Write a message without a turn; the tip moves to it. An edit is a sibling of what it was made from.

        Raises what `rules.check_written` does, and NotFound `file_not_found`.
        """
        now = self._clock.now()
        message = Message(
            id=self._ids.new(),
            thread=thread,
            parent=parent,
            role=role,
            parts=parts,
            created=now,
            edited_from=edited_from,
        )
        if thread in self._temporary:
            return await self._temporary.add(user, thread, message, check_written)
        return await self._messages.add(user, thread, message, check_written, to_number(now))

    async def delete_message(self, user: User, thread: str, message: str) -> Thread:
        """Hide a message and all that follow it; the tip moves to the nearest branch that stays.

        Raises NotFound `message_not_found`, Conflict `turn_running`.
        """
        now = self._clock.now()
        if thread in self._temporary:
            return await self._temporary.hide(user, thread, message, now)
        return await self._messages.hide(user, thread, message, to_number(now))

    async def restore_message(self, user: User, thread: str, message: str) -> Thread:
        """Bring back a message and those that were deleted with it; the tip moves there.

        Raises NotFound `message_not_found`, Conflict `parent_deleted`.
        """
        now = self._clock.now()
        if thread in self._temporary:
            return await self._temporary.show(user, thread, message, now)
        return await self._messages.show(user, thread, message, to_number(now))

    async def set_feedback(
        self, user: User, thread: str, message: str, feedback: Mapping[str, Json] | None
    ) -> None:
        """Keep what the user thinks of a message; None takes it back. Raises NotFound `message_not_found`."""
        data = text(feedback) if feedback is not None else None
        kept = self._temporary if thread in self._temporary else self._messages
        await kept.set_feedback(user, thread, message, data)

    async def feedback(self, user: User, thread: str) -> dict[str, Json]:
        """By message: what the user thinks of it."""
        kept = self._temporary if thread in self._temporary else self._messages
        return {m: msgspec.json.decode(data) for m, data in (await kept.feedback(user, thread)).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patch:
    title: str | None = None
    tip: str | None = None
    project: str | None = None
    pinned: bool = False
    archived: bool = False
    unread: bool = False
    model: str | None = None
    options: Options | None = None


def _columns(given: Mapping[str, Any]) -> dict[str, Any]:
    columns = {"project_id" if name == "project" else name: value for name, value in given.items()}
    for name in ("pinned", "archived", "unread"):
        if name in columns:
            columns[name] = int(columns[name])
    if columns.get("options") is not None:
        columns["options"] = text(columns["options"])
    return columns


def _place(cursor: str) -> tuple[int, int, str]:
    try:
        pinned, updated, thread = cursor.split(".")
        return int(pinned), int(updated), thread
    except ValueError:
        raise Refused(
            "bad_cursor",
            "The cursor is none of a list's.",
            hint="Use the `next` of the page before.",
            status=400,
        ) from None

"""Rows of the database as values of core, and back. No SQL is run here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, cast

import msgspec
from sqlalchemy import Row

from windowseat import codec
from windowseat.core.ask import Turn, User
from windowseat.core.message import Message, Usage
from windowseat.core.model import Options
from windowseat.core.parts import Json
from windowseat.core.price import Money
from windowseat.core.thread import Thread, ThreadState
from windowseat.core.tool import Tool
from windowseat.platform.moments import from_number, to_number


def text(value: Any) -> str:
    """JSON with origins, as a column keeps it."""
    return codec.to_json(value, origin=True).decode()


def message_values(message: Message, user: str, position: int) -> dict[str, Any]:
    """The columns of a message; one whose turn runs has no parts yet."""
    return {
        "id": message.id,
        "thread_id": message.thread or None,
        "user_id": user,
        "parent_id": message.parent,
        "role": message.role,
        "created_at": to_number(message.created),
        "position": position,
        "edited_from": message.edited_from,
        "turn_id": message.turn,
        "version": 1,
        **settled_values(message),
        "parts": None if message.n is not None else text(message.parts),
    }


def settled_values(message: Message) -> dict[str, Any]:
    """The columns that settling fills."""
    price = message.price
    return {
        "model": message.model,
        "usage": text(message.usage) if message.usage else None,
        "stop_reason": message.stop_reason,
        "price_amount": str(price.amount) if price else None,
        "price_currency": price.currency if price else None,
        "parts": text(message.parts),
    }


def message_of(row: Row[Any]) -> Message:
    """A message; `n` is 0 and there are no parts where its turn runs: its journal knows them."""
    price = None
    if row.price_amount is not None:
        price = Money(amount=Decimal(row.price_amount), currency=row.price_currency)
    return Message(
        id=row.id,
        thread=row.thread_id or "",
        parent=row.parent_id,
        role=row.role,
        parts=codec.read_parts(msgspec.json.decode(row.parts)) if row.parts is not None else (),
        created=from_number(row.created_at),
        edited_from=row.edited_from,
        turn=row.turn_id,
        model=row.model,
        usage=codec.read(Usage, msgspec.json.decode(row.usage)) if row.usage else None,
        stop_reason=row.stop_reason,
        price=price,
        n=None if row.parts is not None else 0,
    )


def thread_values(thread: Thread, user: User, list_version: int) -> dict[str, Any]:
    """The columns of a thread that is made whole."""
    return {
        "id": thread.id,
        "user_id": user.id,
        "title": thread.title,
        "title_by": thread.title_by,
        "tip": thread.tip,
        "project_id": thread.project,
        "pinned": int(thread.pinned),
        "archived": int(thread.archived),
        "temporary": 0,
        "forked_from": thread.forked_from,
        "model": thread.model,
        "options": text(thread.options) if thread.options else None,
        "unread": int(thread.unread),
        "created_at": to_number(thread.created),
        "updated_at": to_number(thread.updated),
        "version": thread.version,
        "list_version": list_version,
    }


def turn_values(turn: Turn, digest: bytes, at: int) -> dict[str, Any]:
    """The columns of a turn that begins."""
    return {
        "id": turn.id,
        "user_id": turn.user.id,
        "thread_id": turn.thread,
        "parent_id": turn.parent,
        "user_message_id": turn.user_message,
        "message_id": turn.message,
        "model": turn.model,
        "purpose": turn.purpose,
        "owner": turn.owner,
        "state": "running",
        "undecided": 0,
        "resumed": 0,
        "created_at": at,
        "ask_digest": digest,
        "options": text(turn.options),
        "instructions": turn.instructions,
        "caller_tools": text(turn.caller_tools) if turn.caller_tools else None,
        "begins_with": text(turn.begins_with) if turn.begins_with else None,
        "path": text(turn.path) if turn.path else None,
    }


def turn_of(row: Row[Any], user: User | None = None) -> Turn:
    """A turn; its user by id alone where nobody is given."""
    return Turn(
        id=row.id,
        user=user or User(id=row.user_id),
        thread=row.thread_id,
        parent=row.parent_id,
        user_message=row.user_message_id,
        message=row.message_id,
        model=row.model,
        options=codec.read(Options, msgspec.json.decode(row.options)),
        purpose=row.purpose,
        owner=row.owner,
        path=_list(Message, row.path),
        instructions=row.instructions,
        caller_tools=_list(Tool, row.caller_tools),
        begins_with=codec.read_parts(msgspec.json.decode(row.begins_with)) if row.begins_with else (),
    )


def _list(cls: type[Any], column: str | None) -> tuple[Any, ...]:
    return tuple(codec.read(cls, item) for item in msgspec.json.decode(column)) if column else ()


def chosen_of(options: Options) -> dict[str, Json] | None:
    """Options as a thread keeps them: only those that were chosen."""
    chosen = cast(dict[str, Json], codec.to_plain(options))
    if options.stream:
        chosen.pop("stream")
    return chosen or None


def thread_of(row: Sequence[Any], running: Sequence[tuple[str, str]] = ()) -> Thread:
    """A thread from the columns `THREAD_COLUMNS` (thread_store.py) and its unsettled turns with their states.

    Its state is that of its turns; when none runs, how the answer that it shows last ended.
    """
    (id, title, title_by, tip, project, pinned, archived, forked_from, model, options, unread,
     created, updated, version, stop_reason) = row  # fmt: skip
    return Thread(
        id=id,
        created=from_number(created),
        updated=from_number(updated),
        title=title,
        title_by=title_by,
        tip=tip,
        project=project,
        pinned=bool(pinned),
        archived=bool(archived),
        forked_from=forked_from,
        model=model,
        options=msgspec.json.decode(options) if options else None,
        state=state_of({state for _, state in running}, stop_reason),
        unread=bool(unread),
        running=tuple(turn for turn, _ in running),
        version=version,
    )


def state_of(states: Collection[str], stop_reason: str | None) -> ThreadState:
    """The state of a thread with turns in these states, whose tip ended so."""
    if "running" in states:
        return "running"
    if "waiting" in states:
        return "waiting"
    return "failed" if stop_reason == "error" else "idle"

"""What an ask may begin, and where its messages hang: the rules of starting a turn, for every store. Pure.

Looking messages up and writing them is the stores' business (turn_store.py, memory.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from windowseat import codec
from windowseat.core.ask import Ask, Turn
from windowseat.core.errors import Conflict, NotFound, Refused
from windowseat.core.message import Message
from windowseat.core.model import Model
from windowseat.core.parts import Audio, Citation, Display, File, Image, Part, ToolResult, Video
from windowseat.core.thread import Tree, check_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a turn hangs: what its first new message follows, and what its answer begins with."""

    parent: str | None
    begins_with: tuple[Part, ...] = ()


def digest_of(ask: Ask) -> bytes:
    """A digest of all that an ask says; the same ask has the same, in whatever order its JSON was."""
    plain = codec.to_plain(ask, origin=True)
    plain["user"] = ask.user.id
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).digest()


def check_same(kept: bytes, asked: bytes) -> None:
    """The id of a turn stands for one ask. Raises Conflict `turn_id_used`."""
    if kept != asked:
        raise Conflict(
            "turn_id_used",
            "There is a turn with this id, and it began with another body.",
            hint="Make a new id for a new turn; the same id is only for asking the same again.",
        )


def check_ask(ask: Ask) -> None:
    """Refuse an ask that contradicts itself: Refused `ask_contradicts`, `ask_empty`, `message_empty` …"""
    if ask.new is not None and (ask.thread is not None or ask.parent is not None):
        raise _contradicts("A new thread has no id and no message yet to follow.")
    if ask.path and (ask.thread is not None or ask.new is not None or ask.parent is not None):
        raise _contradicts("A path of messages is given, and a thread as well.")
    if ask.goes_on and ask.parts:
        raise _contradicts("Either an answer is continued, or a new message is answered.")
    if ask.parts:
        check_parts(ask.parts)
    elif ask.parent is None and not ask.path:
        raise Refused("ask_empty", "There is nothing to answer.", hint="Send parts, or name a message.")


def parts_of(ask: Ask) -> list[Part]:
    """All parts that an ask brings along."""
    return [*ask.parts, *(part for message in ask.path for part in message.parts)]


def place(ask: Ask, parent: Message | None) -> Place:
    """Where the turn hangs, `parent` being the message that the ask names. `n` says that it is not settled.

    Raises Conflict `turn_running`, Refused `parent_not_answer`, `parent_not_question`.
    """
    if parent is not None and parent.n is not None:
        raise running("The answer that this would follow is still being written.")
    if ask.parts:
        if parent is not None and parent.role != "assistant":
            raise _not_answer()
        return Place(parent=ask.parent)
    if parent is None:  # a path of messages is given
        return Place(parent=None)
    if ask.goes_on:
        if parent.role != "assistant":
            raise Refused(
                "parent_not_answer",
                "Only an answer can be continued; the parent is a message of the user.",
                hint="Leave “continue” out to have the message answered again.",
            )
        return Place(parent=parent.parent, begins_with=parent.parts)
    if parent.role != "user":
        raise Refused(
            "parent_not_question",
            "Without parts a message of the user is answered again; the parent is an answer.",
            hint="Send parts to reply to the answer, or “continue” to have it go on.",
        )
    return Place(parent=parent.id)


def make_turn(
    ask: Ask, model: Model, where: Place, *, thread: str | None, owner: int, new_id: Callable[[], str]
) -> Turn:
    """The turn as it will be committed, with the ids of its messages."""
    user_message = new_id() if ask.parts else None
    return Turn(
        id=ask.id,
        user=ask.user,
        thread=thread,
        parent=where.parent,
        user_message=user_message,
        message=new_id(),
        model=model.name,
        options=ask.options,
        purpose=ask.purpose,
        keeping=ask.keeping,
        owner=owner,
        path=ask.path,
        instructions=ask.instructions,
        caller_tools=ask.caller_tools,
        begins_with=where.begins_with,
    )


def written(turn: Turn, parts: tuple[Part, ...], at: datetime) -> tuple[Message | None, Message]:
    """The user's message, None where an earlier one is answered, and the answer with nothing in it yet."""
    thread = turn.thread or ""
    question = None
    if turn.user_message is not None:
        question = Message(
            id=turn.user_message, thread=thread, parent=turn.parent, role="user", parts=parts, created=at
        )
    answer = Message(
        id=turn.message,
        thread=thread,
        parent=turn.user_message or turn.parent,
        role="assistant",
        parts=(),
        created=at,
        turn=turn.id,
        model=turn.model,
        n=1,
    )
    return question, answer


def files_in(parts: Iterable[Part], *, displays: bool = True) -> set[str]:
    """The ids of all files that parts name, within results too.

    A form of a display is words or an id, and nothing says which: those that may be one are taken too.
    """
    found: set[str] = set()
    for part in parts:
        match part:
            case Image() | Audio() | Video() | File() | Citation():
                if part.file is not None:
                    found.add(part.file)
            case Display() if displays:
                found.update(form for form in part.forms.values() if len(form) == _ID_LENGTH)
            case ToolResult():
                found |= files_in(part.content, displays=displays)
            case _:
                pass
    return found


_ID_LENGTH = 36


def check_written(message: Message, tree: Tree) -> None:
    """Whether a message may be written by hand where it says.

    Raises NotFound `message_not_found`, Conflict `turn_running`, Refused `parent_not_answer`,
    `edited_from_other_role`, and what `check_parts` raises.
    """
    check_parts(message.parts)
    parent = tree.get(message.parent) if message.parent is not None else None
    if parent is not None and parent.n is not None:
        raise running("The answer that this would follow is still being written.")
    if message.role == "user" and parent is not None and parent.role != "assistant":
        raise _not_answer()
    if message.edited_from is not None and tree.get(message.edited_from).role != message.role:
        raise Refused(
            "edited_from_other_role",
            "The message says that it was edited from one of the other role.",
            hint="Name the message whose words were changed.",
        )


def check_hidden(tree: Tree, gone: Iterable[str]) -> None:
    """Whether these messages may be hidden. Raises Conflict `turn_running` where one is being written."""
    if any(tree.get(message).n is not None for message in gone):
        raise running("An answer below this message is still being written.")


def running(detail: str) -> Conflict:
    """A turn that is not over is in the way."""
    return Conflict("turn_running", detail, hint="Wait until it ends, or stop it.")


def thread_id_used() -> Conflict:
    """The id that a client made for a new thread is there already."""
    return Conflict(
        "thread_id_used", "There is a thread with this id.", hint="Make a new id, or leave it out."
    )


def parent_gone() -> Conflict:
    """What a hidden message follows is hidden too."""
    return Conflict(
        "parent_deleted", "The message that this one follows is deleted.", hint="Restore that one first."
    )


def no_turn(turn: str) -> NotFound:
    """No such turn of this user."""
    return NotFound("turn_not_found", f"There is no turn {turn}.", hint="Read the thread again.")


def no_thread(thread: str) -> NotFound:
    """No such thread of this user."""
    return NotFound(
        "thread_not_found",
        f"There is no thread {thread}.",
        hint="It may have been deleted; read the list of threads again.",
    )


def no_message(message: str) -> NotFound:
    """No such message in the thread."""
    return NotFound(
        "message_not_found",
        f"There is no message {message} in this thread.",
        hint="It may have been deleted; read the thread's messages again.",
    )


def no_file(file: str) -> NotFound:
    """No such file of this user."""
    return NotFound(
        "file_not_found",
        f"There is no file {file}.",
        hint="A file that no message uses is removed after a day; put it in again.",
    )


def no_request(name: str) -> NotFound:
    """No request of that name was kept for the turn."""
    return NotFound("request_not_found", f"There is no request {name}.", hint="Read the turn again.")


def taken(turn: str) -> Conflict:
    """Somebody else writes this turn now, or it is over."""
    return Conflict(
        "turn_taken",
        f"Turn {turn} is over, or another process goes on with it.",
        hint="Nothing of this was kept; read the turn again.",
    )


def _contradicts(detail: str) -> Refused:
    return Refused("ask_contradicts", detail, hint="Leave one of the two out.")


def _not_answer() -> Refused:
    return Refused(
        "parent_not_answer",
        "A message follows an answer, or nothing; this one would follow a message of the user.",
        hint="Name the answer as the parent; to change a message, name what it follows.",
    )

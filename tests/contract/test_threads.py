"""Threads and their messages by hand, in the database and in memory: one promise for both."""

from __future__ import annotations

import pytest
from tests.contract.kept import Kept, said

from windowseat.core.errors import Conflict, Fault, NotFound, Refused
from windowseat.core.parts import Citation, File, Image, Text
from windowseat.features.threads import Draft

HI = (Text(text="Hi"),)


async def fails(code: str, call: object) -> None:
    with pytest.raises(Fault) as caught:
        await call  # type: ignore[misc]
    assert caught.value.code == code
    assert caught.value.hint


async def ids(kept: Kept, thread: str) -> list[str]:
    return [message.id for message in await kept.threads.messages(kept.user, thread)]


async def tip(kept: Kept, thread: str) -> str | None:
    return (await kept.threads.get(kept.user, thread)).tip


async def test_what_a_user_changes_stays_changed(kept: Kept) -> None:
    turn, answer = await kept.answered()
    before = await kept.threads.get(kept.user, turn.thread)
    assert (before.title, before.title_by, before.unread) == (None, "none", True)
    changed = await kept.threads.patch(
        kept.user,
        turn.thread,
        {
            "title": "  Blue  ",
            "tip": turn.user_message,
            "project": "p",
            "pinned": True,
            "archived": True,
            "unread": False,
            "model": "work/other",
            "options": {"temperature": 0.5},
        },
    )
    assert changed == await kept.threads.get(kept.user, turn.thread)
    assert (changed.title, changed.title_by, changed.tip) == ("Blue", "user", turn.user_message)
    assert (changed.project, changed.pinned, changed.archived, changed.unread) == ("p", True, True, False)
    assert (changed.model, changed.options) == ("work/other", {"temperature": 0.5})
    assert changed.version > before.version
    plain = await kept.threads.patch(
        kept.user, turn.thread, {"title": " ", "tip": answer.id, "options": None}
    )
    assert (plain.title, plain.title_by, plain.tip, plain.options) == (None, "none", answer.id, None)
    assert plain.pinned


async def test_a_change_that_cannot_be_made_changes_nothing(kept: Kept) -> None:
    turn, _ = await kept.answered()
    elsewhere, _ = await kept.answered()
    before = await kept.threads.get(kept.user, turn.thread)
    for changes, code in (
        ({"title": 5}, "bad_shape"),
        ({"pinned": None}, "bad_shape"),
        ({"version": 7}, "bad_shape"),
        ({"options": {"effort": "lots"}}, "bad_shape"),
        ({"model": "no-slash"}, "model_name"),
        ({"title": "x", "tip": "no"}, "message_not_found"),
        ({"title": "x", "tip": elsewhere.message}, "message_not_found"),
    ):
        await fails(code, kept.threads.patch(kept.user, turn.thread, changes))
    assert await kept.threads.get(kept.user, turn.thread) == before


async def test_a_message_written_by_hand_is_a_sibling_of_what_it_was_made_from(kept: Kept) -> None:
    turn, answer = await kept.answered()
    edited = await kept.threads.write(
        kept.user,
        turn.thread,
        parent=turn.user_message,
        role="assistant",
        parts=(Text(text="Better."),),
        edited_from=answer.id,
    )
    assert (await kept.threads.messages(kept.user, turn.thread))[-1] == edited
    assert (edited.edited_from, edited.model, edited.turn) == (answer.id, None, None)
    assert await tip(kept, turn.thread) == edited.id
    follows = (await kept.begin(thread=turn.thread, parent=edited.id, parts=HI)).turn
    assert [m.id for m in await kept.turns.path(follows)] == [
        turn.user_message,
        edited.id,
        follows.user_message,
    ]


async def test_a_message_that_cannot_hang_there_is_refused(kept: Kept) -> None:
    turn, answer = await kept.answered()
    running = (await kept.begin(thread=turn.thread, parent=turn.user_message)).turn
    file = File(media_type="text/plain", file="no")

    def write(**more: object) -> object:
        values = {"parent": answer.id, "role": "user", "parts": HI} | more
        return kept.threads.write(kept.user, turn.thread, **values)  # type: ignore[arg-type]

    await fails("message_empty", write(parts=()))
    await fails("citation_without_text", write(parts=(Citation(part=3),)))
    await fails("message_not_found", write(parent="no"))
    await fails("message_not_found", write(edited_from="no"))
    await fails("turn_running", write(parent=running.message))
    await fails("parent_not_answer", write(parent=turn.user_message))
    await fails("edited_from_other_role", write(edited_from=answer.id))
    await fails("file_not_found", write(parts=(file,)))
    assert len(await ids(kept, turn.thread)) == 3


async def test_a_deleted_message_takes_what_follows_it_along_and_brings_it_back(kept: Kept) -> None:
    turn, answer = await kept.answered()
    second, reply = await kept.answered(thread=turn.thread, parent=answer.id, parts=HI)
    other = await kept.threads.write(
        kept.user, turn.thread, parent=turn.user_message, role="assistant", parts=HI
    )
    whole = await ids(kept, turn.thread)
    await kept.threads.patch(kept.user, turn.thread, {"tip": reply.id})

    await kept.threads.delete_message(kept.user, turn.thread, reply.id)
    assert await tip(kept, turn.thread) == second.user_message
    gone = await kept.threads.delete_message(kept.user, turn.thread, answer.id)
    assert gone.tip == other.id
    assert await ids(kept, turn.thread) == [turn.user_message, other.id]
    await fails("message_not_found", kept.threads.delete_message(kept.user, turn.thread, answer.id))
    await fails("parent_deleted", kept.threads.restore_message(kept.user, turn.thread, second.user_message))

    back = await kept.threads.restore_message(kept.user, turn.thread, answer.id)
    assert back.tip == second.user_message  # the reply was deleted apart, and stays so
    await kept.threads.restore_message(kept.user, turn.thread, reply.id)
    assert await ids(kept, turn.thread) == whole
    assert await tip(kept, turn.thread) == reply.id
    await fails("message_not_found", kept.threads.restore_message(kept.user, turn.thread, "no"))
    now = await kept.threads.get(kept.user, turn.thread)
    assert await kept.threads.restore_message(kept.user, turn.thread, answer.id) == now  # it is there


async def test_a_tip_elsewhere_stays_where_it_is_when_a_branch_goes(kept: Kept) -> None:
    turn, answer = await kept.answered()
    again, _ = await kept.answered(thread=turn.thread, parent=turn.user_message)
    gone = await kept.threads.delete_message(kept.user, turn.thread, answer.id)
    assert gone.tip == again.message
    none = await kept.threads.delete_message(kept.user, turn.thread, turn.user_message)
    assert none.tip is None
    assert await ids(kept, turn.thread) == []


async def test_an_answer_that_is_being_written_is_not_deleted(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    for message in (turn.user_message, turn.message):
        await fails("turn_running", kept.threads.delete_message(kept.user, turn.thread, message))


async def test_a_deleted_thread_tells_what_still_runs_in_it(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    assert await kept.threads.delete(kept.user, turn.thread) == (turn.id,)
    await fails("thread_not_found", kept.threads.get(kept.user, turn.thread))
    await kept.commit(turn, 2, *said("on"))  # until it is stopped
    await kept.settle(turn, "cancelled")
    if kept.keeping == "memory":
        await fails("thread_not_found", kept.threads.restore(kept.user, turn.thread))
    else:
        assert (await kept.threads.restore(kept.user, turn.thread)).running == ()
        assert len(await ids(kept, turn.thread)) == 2


async def test_a_fork_is_a_thread_of_its_own_with_the_branch_up_to_there(kept: Kept) -> None:
    file = kept.ids.new()
    await kept.add_file(kept.user, file)
    turn, answer = await kept.answered(parts=(Text(text="See"), Image(media_type="image/png", file=file)))
    await kept.answered(thread=turn.thread, parent=answer.id, parts=HI)
    await kept.threads.patch(kept.user, turn.thread, {"title": "Old"})
    old = await kept.threads.get(kept.user, turn.thread)
    new = await kept.threads.fork(kept.user, turn.thread, answer.id)
    assert (new.title, new.model, new.temporary) == ("Old", "work/model", False)
    assert new.forked_from == (None if old.temporary else old.id)
    copies = await kept.threads.messages(kept.user, new.id)
    originals = (await kept.threads.messages(kept.user, turn.thread))[:2]
    assert [message.parts for message in copies] == [message.parts for message in originals]
    assert not {message.id for message in copies} & {message.id for message in originals}
    assert (copies[0].parent, copies[1].parent, new.tip) == (None, copies[0].id, copies[1].id)
    assert await kept.threads.get(kept.user, turn.thread) == old
    assert await kept.threads.keeping(kept.user, new.id) == "database"
    await fails("message_not_found", kept.threads.fork(kept.user, turn.thread, "no"))
    running = (await kept.begin(thread=turn.thread, parent=turn.user_message)).turn
    await fails("turn_running", kept.threads.fork(kept.user, turn.thread, running.message))


async def test_a_draft_is_kept_until_it_is_empty(kept: Kept) -> None:
    turn, _ = await kept.answered()
    assert await kept.threads.draft(kept.user, turn.thread) == Draft()
    draft = Draft(text="Half a", parts=(File(media_type="text/plain", file="f"),), queued=(HI, HI))
    for each in (draft, Draft(text="Half a sentence"), Draft()):
        await kept.threads.put_draft(kept.user, turn.thread, each)
        assert await kept.threads.draft(kept.user, turn.thread) == each


async def test_what_a_user_thinks_of_an_answer_is_kept_and_taken_back(kept: Kept) -> None:
    turn, answer = await kept.answered()
    await kept.threads.set_feedback(kept.user, turn.thread, answer.id, {"rating": "up", "text": "Ja"})
    assert await kept.threads.feedback(kept.user, turn.thread) == {answer.id: {"rating": "up", "text": "Ja"}}
    await kept.threads.set_feedback(kept.user, turn.thread, answer.id, None)
    assert await kept.threads.feedback(kept.user, turn.thread) == {}
    await fails("message_not_found", kept.threads.set_feedback(kept.user, turn.thread, "no", {}))


async def test_nobody_else_finds_a_thread_by_any_verb(kept: Kept) -> None:
    turn, answer = await kept.answered()
    threads, other, thread = kept.threads, kept.other, turn.thread
    whole = await kept.threads.messages(kept.user, thread)
    for call in (
        threads.get(other, thread),
        threads.keeping(other, thread),
        threads.patch(other, thread, {"title": "Mine"}),
        threads.delete(other, thread),
        threads.restore(other, thread),
        threads.fork(other, thread, answer.id),
        threads.draft(other, thread),
        threads.put_draft(other, thread, Draft(text="x")),
        threads.messages(other, thread),
        threads.write(other, thread, parent=answer.id, role="user", parts=HI),
        threads.delete_message(other, thread, answer.id),
        threads.restore_message(other, thread, answer.id),
        threads.set_feedback(other, thread, answer.id, {"rating": "down"}),
        threads.feedback(other, thread),
    ):
        await fails("thread_not_found", call)
    assert await kept.threads.messages(kept.user, thread) == whole


async def test_errors_are_of_the_kind_that_they_are(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    with pytest.raises(Conflict):
        await kept.threads.delete_message(kept.user, turn.thread, turn.message)
    with pytest.raises(NotFound):
        await kept.threads.get(kept.user, "no")
    with pytest.raises(Refused):
        await kept.threads.write(kept.user, turn.thread, parent=None, role="user", parts=())

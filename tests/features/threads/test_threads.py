"""The list of threads: its order, its pages, its version; and files that messages use."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from tests.contract.kept import Kept, said

from windowseat.core.ask import NewThread
from windowseat.core.errors import Refused
from windowseat.core.parts import Display, File, Image, Text, ToolResult
from windowseat.features.threads import Draft
from windowseat.platform.database import Database


async def titled(kept: Kept, *titles: str) -> list[str]:
    """Threads with these titles, the last one newest."""
    made = []
    for title in titles:
        turn, _ = await kept.answered()
        await kept.threads.patch(kept.user, turn.thread, {"title": title})
        made.append(turn.thread)
    return made


async def titles(kept: Kept, **more: object) -> list[str | None]:
    return [thread.title for thread in (await kept.threads.list(kept.user, **more)).threads]


async def test_the_pinned_and_then_the_newest_come_first(kept: Kept) -> None:
    a, b, c, d = await titled(kept, "a", "b", "c", "d")
    await kept.threads.patch(kept.user, b, {"pinned": True})
    await kept.threads.patch(kept.user, c, {"archived": True})
    await kept.begin(thread=a, parent=None, parts=(Text(text="More"),))
    assert await titles(kept) == ["b", "a", "d"]
    assert await titles(kept, archived=True) == ["c"]
    await kept.threads.delete(kept.user, d)
    assert await titles(kept) == ["b", "a"]
    await kept.threads.restore(kept.user, d)
    assert await titles(kept) == ["b", "a", "d"]
    assert (await kept.threads.list(kept.other)).threads == ()


async def test_pages_follow_each_other_without_gap_or_double(kept: Kept) -> None:
    made = [(await kept.begin()).turn.thread for _ in range(205)]
    for thread in made[::40]:
        await kept.threads.patch(kept.user, thread, {"pinned": True})
    seen, cursor = [], None
    for size in (100, 100, 5):
        page = await kept.threads.list(kept.user, after=cursor)
        assert len(page.threads) == size
        seen += [thread.id for thread in page.threads]
        cursor = page.next
    assert cursor is None
    assert seen == made[::40][::-1] + [thread for thread in made[::-1] if thread not in made[::40]]
    for wrong in ("x", "1.2", "a.b.c"):
        with pytest.raises(Refused) as caught:
            await kept.threads.list(kept.user, after=wrong)
        assert caught.value.code == "bad_cursor"


async def test_since_a_version_come_those_that_changed_and_those_that_are_gone(kept: Kept) -> None:
    assert await kept.threads.version(kept.user) == 0
    a, b, c, d = await titled(kept, "a", "b", "c", "d")
    version = await kept.threads.version(kept.user)
    assert (await kept.threads.list(kept.user)).version == version
    assert kept.changes[-1] == (kept.user.id, "threads", version)
    none = await kept.threads.changed(kept.user, version)
    assert (none.threads, none.gone, none.version) == ((), (), version)
    await kept.threads.patch(kept.user, a, {"archived": True})
    await kept.threads.delete(kept.user, b)
    turn = (await kept.begin(thread=c, parent=None, parts=(Text(text="x"),))).turn
    await kept.commit(turn, 2, *said("text alone is no change of the list"))
    changed = await kept.threads.changed(kept.user, version)
    assert [(thread.id, thread.state) for thread in changed.threads] == [(a, "idle"), (c, "running")]
    assert changed.gone == (b,)
    assert changed.version == version + 3 == kept.changes[-1][2]
    assert d in [thread.id for thread in (await kept.threads.changed(kept.user, 0)).threads]
    assert await kept.threads.version(kept.other) == 0


async def test_every_change_raises_the_version_and_reading_none(kept: Kept) -> None:
    turn, answer = await kept.answered()
    threads, user, thread = kept.threads, kept.user, turn.thread
    await threads.delete_message(user, thread, answer.id)
    changes = [
        lambda: threads.restore_message(user, thread, answer.id),
        lambda: threads.patch(user, thread, {"title": "t"}),
        lambda: threads.write(user, thread, parent=answer.id, role="user", parts=(Text(text="x"),)),
        lambda: threads.set_feedback(user, thread, answer.id, {}),
        lambda: threads.fork(user, thread, answer.id),
        lambda: threads.delete(user, thread),
        lambda: threads.restore(user, thread),
    ]
    for change in changes:
        before = await threads.version(user)
        await change()
        assert await threads.version(user) == before + 1
        assert kept.changes[-1] == (user.id, "threads", before + 1)
    before = len(kept.changes)
    await threads.restore(user, thread)  # it is there: nothing changes
    for _ in range(2):
        await threads.get(user, thread)
        await threads.messages(user, thread)
        await threads.draft(user, thread)
        await threads.put_draft(user, thread, Draft(text="x"))
    assert len(kept.changes) == before


async def test_files_that_messages_and_drafts_name_stay(kept: Kept, database: Database) -> None:
    asked, answered, shown, drafted, unused = files = [kept.ids.new() for _ in range(5)]
    for file in files:
        await kept.add_file(kept.user, file)
    turn = (await kept.begin(parts=(File(media_type="text/plain", file=asked),))).turn
    image = Image(media_type="image/png", file=answered)
    result = ToolResult(id="c", content=(image, Display(forms={"image/png": shown, "text/plain": "p" * 36})))
    events = said("See")
    events.append(type(events[-1])(index=1, part=result))
    await kept.commit(turn, 2, *events)
    await kept.settle(turn)
    await kept.threads.put_draft(
        kept.user, turn.thread, Draft(queued=((image.__class__(media_type="image/png", file=drafted),),))
    )
    query = text("SELECT id FROM files WHERE used = 1")
    used = set(await database.read(lambda conn: conn.execute(query).scalars().all()))
    assert used == {asked, answered, shown, drafted}
    assert unused not in used


async def test_a_temporary_thread_is_never_written_to_the_database(kept: Kept) -> None:
    with pytest.raises(ValueError, match="temporary"):
        await kept.begin(new=NewThread(temporary=True))
    assert (await kept.threads.list(kept.user)).threads == ()

"""The port TurnStore, in the database and in memory: how turns begin, settle, and keep what they sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.contract.kept import MODEL, Kept, numbered, said

from windowseat.core.ask import NewThread
from windowseat.core.errors import Conflict, Fault, NotFound, Refused
from windowseat.core.events import StepEnded, StepStarted, TurnSettled
from windowseat.core.message import Message, Usage
from windowseat.core.model import Options
from windowseat.core.parts import Audio, Image, Origin, Text, ToolResult
from windowseat.core.request import Piece, Request
from windowseat.core.tool import Tool


async def refused(kept: Kept, code: str, **more: object) -> Fault:
    with pytest.raises(Fault) as caught:
        await kept.begin(**more)
    assert caught.value.code == code
    assert caught.value.hint
    return caught.value


async def test_a_turn_begins_a_thread_with_its_message_and_an_empty_answer(kept: Kept) -> None:
    ask = kept.ask(options=Options(effort="low"))
    turn = (await kept.begin(ask)).turn
    thread = await kept.threads.get(kept.user, turn.thread)
    assert (thread.tip, thread.model, thread.options) == (turn.message, "work/model", {"effort": "low"})
    assert (thread.state, thread.running, thread.temporary) == (
        "running",
        (turn.id,),
        kept.keeping == "memory",
    )
    question, answer = await kept.threads.messages(kept.user, turn.thread)
    assert (question.id, question.role, question.parts) == (turn.user_message, "user", ask.parts)
    assert (answer.id, answer.parent, answer.turn, answer.parts) == (turn.message, question.id, turn.id, ())
    assert answer.n == 1
    assert [line.event.type for line in await kept.journal.read(turn.id, 0)] == ["turn_started"]
    assert await kept.turns.path(turn) == (question,)


async def test_all_that_was_asked_comes_back_with_the_turn(kept: Kept) -> None:
    tool = Tool(name="theirs", description="d", schema={"type": "object"}, touches="nothing", timeout=3.0)
    path = (
        Message(
            id="m", thread="", parent=None, role="user", parts=(Text(text="Hi"),), created=kept.clock.now()
        ),
    )
    ask = kept.ask(
        path=path,
        instructions="Be short.",
        caller_tools=(tool,),
        options=Options(stop=("a", "b"), extra={"top_k": 3}, stream=False),
        purpose="api",
    )
    begun = (await kept.begin(ask)).turn
    turn = await kept.turns.get(kept.user, ask.id)
    assert turn == begun
    assert (turn.instructions, turn.caller_tools, turn.options) == (ask.instructions, (tool,), ask.options)
    assert (turn.purpose, turn.keeping, turn.thread, turn.path) == ("api", kept.keeping, None, path)
    assert await kept.turns.path(turn) == path


async def test_a_path_with_new_words_ends_in_them(kept: Kept) -> None:
    created = kept.clock.now()
    path = (
        Message(id="m", thread="", parent=None, role="assistant", parts=(Text(text="Hi"),), created=created),
    )
    turn = (await kept.begin(path=path, parts=(Text(text="Now?"),))).turn
    *before, last = await kept.turns.path(turn)
    assert tuple(before) == path
    assert (last.id, last.parts) == (turn.user_message, (Text(text="Now?"),))


async def test_the_same_ask_twice_is_one_turn_and_another_with_its_id_is_refused(kept: Kept) -> None:
    ask = kept.ask(options=Options(extra={"a": 1, "b": 2}))
    first = await kept.begin(ask)
    again = await kept.begin(replace(ask, options=Options(extra={"b": 2, "a": 1})))
    assert (first.fresh, again.fresh) == (True, False)
    assert again.turn == first.turn
    for other in (
        replace(ask, parts=(Text(text="Another"),)),
        replace(ask, user=kept.other),
        replace(ask, options=Options(extra={"a": 1, "b": 3})),
    ):
        with pytest.raises(Conflict) as caught:
            await kept.begin(other)
        assert caught.value.code == "turn_id_used"
    assert len(await kept.threads.messages(kept.user, first.turn.thread)) == 2


async def test_the_same_ask_at_the_same_time_is_one_turn(kept: Kept) -> None:
    ask = kept.ask()
    begun = await asyncio.gather(*(kept.begin(ask) for _ in range(5)))
    assert sorted(each.fresh for each in begun) == [False] * 4 + [True]
    assert len({each.turn.message for each in begun}) == 1


async def test_a_client_may_name_its_new_thread_once(kept: Kept) -> None:
    new = NewThread(id=kept.ids.new(), project="p", temporary=kept.keeping == "memory")
    turn = (await kept.begin(new=new)).turn
    assert turn.thread == new.id
    assert (await kept.threads.get(kept.user, turn.thread)).project == "p"
    await refused(kept, "thread_id_used", new=new)


async def test_a_message_follows_an_answer_and_the_tip_moves_with_it(kept: Kept) -> None:
    turn, answer = await kept.answered()
    second = (await kept.begin(thread=turn.thread, parent=answer.id, parts=(Text(text="More"),))).turn
    messages = await kept.threads.messages(kept.user, turn.thread)
    assert [message.parent for message in messages] == [
        None,
        turn.user_message,
        answer.id,
        second.user_message,
    ]
    assert (await kept.threads.get(kept.user, turn.thread)).tip == second.message
    assert [m.id for m in await kept.turns.path(second)] == [
        turn.user_message,
        answer.id,
        second.user_message,
    ]


async def test_a_message_may_be_asked_anew_beside_the_first(kept: Kept) -> None:
    turn, _ = await kept.answered()
    second = (await kept.begin(thread=turn.thread, parent=None, parts=(Text(text="Or so"),))).turn
    assert [m.id for m in await kept.turns.path(second)] == [second.user_message]


async def test_a_message_of_the_user_is_answered_again_even_while_an_answer_runs(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    again = (await kept.begin(thread=turn.thread, parent=turn.user_message)).turn
    assert (again.user_message, again.parent) == (None, turn.user_message)
    assert again.message != turn.message
    assert [m.id for m in await kept.turns.path(again)] == [turn.user_message]
    assert (await kept.threads.get(kept.user, turn.thread)).running == (turn.id, again.id)


async def test_a_continued_answer_is_a_sibling_that_begins_with_its_parts(kept: Kept) -> None:
    turn, answer = await kept.answered("It is")
    more = (await kept.begin(thread=turn.thread, parent=answer.id, goes_on=True)).turn
    assert (more.parent, more.user_message, more.begins_with) == (turn.user_message, None, answer.parts)
    assert (await kept.turns.get(kept.user, more.id)).begins_with == answer.parts
    assert [m.id for m in await kept.turns.path(more)] == [turn.user_message]


async def test_nothing_follows_an_answer_that_is_still_written(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    await refused(kept, "turn_running", thread=turn.thread, parent=turn.message, parts=(Text(text="x"),))
    await refused(kept, "turn_running", thread=turn.thread, parent=turn.message, goes_on=True)


async def test_an_ask_that_contradicts_itself_is_refused_with_the_reason(kept: Kept) -> None:
    turn, answer = await kept.answered()
    words = (Text(text="x"),)
    here = {"thread": turn.thread}
    await refused(kept, "parent_not_answer", **here, parent=turn.user_message, parts=words)
    await refused(kept, "parent_not_answer", **here, parent=turn.user_message, goes_on=True)
    await refused(kept, "parent_not_question", **here, parent=answer.id)
    await refused(kept, "ask_contradicts", **here, parent=answer.id, goes_on=True, parts=words)
    await refused(kept, "ask_contradicts", **here, new=NewThread(), parts=words)
    await refused(kept, "ask_contradicts", **here, path=(answer,), parts=words)
    await refused(kept, "ask_empty", **here, parent=None)
    assert len(await kept.threads.messages(kept.user, turn.thread)) == 2


async def test_what_is_not_there_or_not_the_users_is_not_found(kept: Kept) -> None:
    turn, answer = await kept.answered()
    elsewhere, _ = await kept.answered()
    words = (Text(text="x"),)
    await refused(kept, "thread_not_found", thread="no", parts=words)
    await refused(kept, "thread_not_found", thread=turn.thread, parts=words, user=kept.other)
    await refused(kept, "message_not_found", thread=turn.thread, parent="no", parts=words)
    await refused(kept, "message_not_found", thread=elsewhere.thread, parent=answer.id, parts=words)
    await kept.threads.delete_message(kept.user, turn.thread, answer.id)
    await refused(kept, "message_not_found", thread=turn.thread, parent=answer.id, parts=words)
    await kept.threads.delete(kept.user, turn.thread)
    await refused(kept, "thread_not_found", thread=turn.thread, parts=words)
    for user, name in ((kept.other, elsewhere.id), (kept.user, "no")):
        with pytest.raises(NotFound) as caught:
            await kept.turns.get(user, name)
        assert caught.value.code == "turn_not_found"


async def test_only_the_users_own_files_may_be_named(kept: Kept) -> None:
    mine, theirs = kept.ids.new(), kept.ids.new()
    await kept.add_file(kept.user, mine)
    await kept.add_file(kept.other, theirs)
    image = Image(media_type="image/png", file=mine)
    await kept.begin(parts=(image,))
    await refused(kept, "file_not_found", parts=(image, Audio(media_type="audio/wav", file=theirs)))
    await refused(kept, "file_not_found", parts=(ToolResult(id="c", content=(replace(image, file="no"),)),))


async def test_a_settled_answer_stays_as_its_events_made_it(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    used = Usage(input_tokens=3, output_tokens=5)
    now = kept.clock.now()
    ended = StepEnded(
        step=1, usage=used, stop_reason="end", queued=now, first_byte=None, first_token=now, ended=now
    )
    await kept.commit(turn, 2, StepStarted(step=1, request="r", model="work/fallback"), *said("Blue."), ended)
    before = await kept.journal.read(turn.id, 0)
    settled = await kept.settle(turn)
    assert (settled.usage, settled.stop_reason, settled.model, settled.n) == (
        used,
        "end",
        "work/fallback",
        None,
    )
    assert (await kept.threads.messages(kept.user, turn.thread))[-1] == settled
    lines = await kept.journal.read(turn.id, 0)
    assert list(lines[:-1]) == list(before)
    assert isinstance(lines[-1].event, TurnSettled)
    assert list(await kept.journal.read(turn.id, 4)) == list(lines[4:])
    thread = await kept.threads.get(kept.user, turn.thread)
    assert (thread.state, thread.running, thread.unread) == ("idle", (), True)


async def test_a_turn_that_is_over_takes_nothing_more(kept: Kept) -> None:
    turn, message = await kept.answered()
    line = kept.line(7, TurnSettled(stop_reason="end", usage=None, price=None))
    for late in (
        kept.turns.settle(turn, message, line),
        kept.commit(turn, 7, *said("late")),
        kept.turns.take_over(turn, counts=True),
    ):
        with pytest.raises(Conflict) as caught:
            await late
        assert caught.value.code == "turn_taken"
    assert len(await kept.journal.read(turn.id, 0)) == 6


async def test_a_turn_whose_answer_ended_in_an_error_makes_its_thread_failed(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    await kept.settle(turn, "error")
    assert (await kept.threads.get(kept.user, turn.thread)).state == "failed"
    await kept.begin(thread=turn.thread, parent=turn.user_message)
    assert (await kept.threads.get(kept.user, turn.thread)).state == "running"


async def test_an_exact_request_comes_back_under_its_name_only_for_its_turn(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    request = Request(
        dialect="anthropic-messages",
        connection="work",
        model="model",
        stream=False,
        pieces=(
            Piece(segment="", data=b'{"messages":['),
            Piece(segment="message:a/0", data="“ä”".encode()),
            Piece(segment="message:a/0", data=b""),
            Piece(segment="message:a/1", file="f"),
            Piece(segment="", data=b'{"messages":['),
            Piece(segment="", data=bytes(range(256))),
        ),
    )
    name = await kept.turns.keep_request(turn, 1, request)
    other = await kept.turns.keep_request(turn, 2, replace(request, pieces=request.pieces[:3], stream=True))
    assert await kept.turns.kept_request(turn, name) == request
    assert (await kept.turns.kept_request(turn, other)).pieces == request.pieces[:3]
    another = (await kept.begin()).turn
    for wrong in ((another, name), (turn, "no")):
        with pytest.raises(NotFound) as caught:
            await kept.turns.kept_request(*wrong)
        assert caught.value.code == "request_not_found"


async def test_origins_are_kept_and_not_shown(kept: Kept) -> None:
    origin = Origin(dialect="openai-chat", connection="work", model="model", item={"signature": "s"})
    turn = (await kept.begin()).turn
    events = said("Blue.")
    events[-1] = replace(events[-1], part=replace(events[-1].part, origin=origin))
    await kept.commit(turn, 2, *events)
    settled = await kept.settle(turn)
    assert settled.parts[0].origin == origin
    (_, answer) = await kept.threads.messages(kept.user, turn.thread)
    assert answer.parts[0].origin == origin
    line = (await kept.journal.read(turn.id, 4))[0]
    assert line.event.part.origin == origin
    assert b"signature" not in line.data


async def test_the_turns_own_lines_fold_to_the_message_at_any_time(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    n = 2
    for event in said("Hello there"):
        await kept.commit(turn, n, event)
        n += 1
        fold = await kept.fold(turn.id)
        assert fold.message() == (await kept.threads.messages(kept.user, turn.thread))[-1]
        assert fold.message().n == n - 1


async def test_a_beginning_that_fails_half_way_leaves_nothing(kept: Kept) -> None:
    def broken(turn: object) -> None:
        raise LookupError("half-way")

    ask = kept.ask()
    with pytest.raises(LookupError):
        await kept.turns.begin(ask, MODEL, broken)
    with pytest.raises(NotFound):
        await kept.turns.get(kept.user, ask.id)
    assert (await kept.begin(ask)).fresh


async def test_a_line_is_its_event_again_in_every_form(kept: Kept) -> None:
    turn, _ = await kept.answered()
    for line in await kept.journal.read(turn.id, 0):
        assert numbered([line])[0].n == line.n
        assert f'"n":{line.n}'.encode() in line.data


async def test_an_empty_message_is_refused(kept: Kept) -> None:
    with pytest.raises(Refused):
        await kept.begin(parts=())

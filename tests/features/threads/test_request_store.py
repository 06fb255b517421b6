"""Every exact request is kept, and all of them together take little more than the last."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text
from tests.contract.kept import Kept, make_kept

from windowseat.core.ask import Turn
from windowseat.core.request import Piece, Request
from windowseat.platform.database import Database

OPEN, CLOSE = Piece(segment="", data=b'{"messages":['), Piece(segment="", data=b'],"stream":true}')


def request(*pieces: Piece) -> Request:
    """A request of these pieces between two that frame them."""
    return Request(
        dialect="openai-chat", connection="work", model="model", stream=True, pieces=(OPEN, *pieces, CLOSE)
    )


def piece(name: str, size: int = 1000) -> Piece:
    """A piece with bytes of its own."""
    return Piece(segment=f"message:{name}/0", data=(name * size).encode()[:size])


async def used(database: Database) -> tuple[int, int, int]:
    """Bytes of all pieces, rows of all requests, and uses counted."""
    query = text(
        "SELECT (SELECT sum(length(data)) FROM pieces), (SELECT count(*) FROM request_pieces), "
        "(SELECT sum(uses) FROM pieces)"
    )
    return tuple(await database.read(lambda conn: conn.execute(query).one()))


async def test_thirty_steps_take_linear_space_and_each_comes_back_exactly(
    kept: Kept, database: Database
) -> None:
    turn = (await kept.begin()).turn
    pieces: list[Piece] = [piece(f"system {n}") for n in range(10)]
    sent: dict[str, Request] = {}
    for step in range(1, 31):
        pieces += [piece(f"call {step}"), piece(f"result {step}", 5000)]
        name = await kept.turns.keep_request(turn, step, request(*pieces))
        sent[name] = request(*pieces)
    stored, rows, uses = await used(database)
    assert stored == len(sent[name].body(lambda _: b""))  # as much as the last of them alone
    assert rows == 2 + 10 + 2 + 29 * 3  # each step its own pieces and the one that closes the body
    assert uses == rows
    for name, each in sent.items():
        assert await kept.turns.kept_request(turn, name) == each


async def test_the_next_turn_builds_on_the_one_that_it_follows_also_after_a_restart(
    kept: Kept, database: Database
) -> None:
    turn, answer = await kept.answered()
    common = [piece(f"old {n}") for n in range(20)]
    await kept.turns.keep_request(turn, 1, request(*common))
    asked = {"thread": turn.thread, "parent": answer.id}
    begun = kept.ask(**asked, parts=answer.parts)
    later = await make_kept(database, "database")
    later.user = kept.user
    follows = (await later.begin(replace(begun, user=kept.user))).turn
    _, before, _ = await used(database)
    name = await later.turns.keep_request(follows, 1, request(*common, piece("new")))
    _, rows, _ = await used(database)
    assert rows - before == 2
    assert await later.turns.kept_request(follows, name) == request(*common, piece("new"))


async def test_an_answer_asked_for_again_builds_on_the_same_branch(kept: Kept, database: Database) -> None:
    turn, answer = await kept.answered()
    common = [piece(f"old {n}") for n in range(20)]
    await kept.turns.keep_request(turn, 1, request(*common))
    second, _ = await kept.answered(thread=turn.thread, parent=answer.id, parts=answer.parts)
    await kept.turns.keep_request(second, 1, request(*common, piece("b")))
    again = (await kept.begin(thread=turn.thread, parent=second.user_message)).turn
    _, before, _ = await used(database)
    name = await kept.turns.keep_request(again, 1, request(*common, piece("c"), piece("d")))
    _, rows, _ = await used(database)
    assert rows - before == 3
    assert await kept.turns.kept_request(again, name) == request(*common, piece("c"), piece("d"))


async def test_a_request_that_shares_nothing_and_one_that_is_shorter_come_back_too(kept: Kept) -> None:
    turn = (await kept.begin()).turn
    sent: list[Request] = [
        request(piece("a"), piece("b"), piece("c")),
        request(piece("a")),
        Request(dialect="openai-chat", connection="w", model="m", stream=False, pieces=()),
        request(piece("x"), piece("b"), Piece(segment="f", file="file")),
        request(piece("x"), piece("b"), Piece(segment="f", file="other"), piece("c")),
        request(piece("x"), piece("b"), Piece(segment="f", file="other"), piece("c")),
    ]
    names = [await kept.turns.keep_request(turn, step, each) for step, each in enumerate(sent, 1)]
    assert [await kept.turns.kept_request(turn, name) for name in names] == sent


async def test_the_same_bytes_in_two_threads_are_counted_in_each(kept: Kept, database: Database) -> None:
    turns: list[Turn] = [(await kept.begin()).turn for _ in range(2)]
    for turn in turns:
        await kept.turns.keep_request(turn, 1, request(piece("a"), piece("a")))
    query = text("SELECT thread_id, uses FROM pieces WHERE length(data) = 1000 ORDER BY thread_id")
    rows = await database.read(lambda conn: conn.execute(query).all())
    assert sorted(rows) == sorted((turn.thread, 2) for turn in turns)


async def test_chains_stay_as_short_as_the_pieces_that_changed(kept: Kept, database: Database) -> None:
    turn = (await kept.begin()).turn
    for step in range(1, 40):  # only what closes the body is new each time
        await kept.turns.keep_request(turn, step, request(piece("a"), piece(f"{step}", 10)))
    query = text("SELECT count(DISTINCT base) FROM requests WHERE base IS NOT NULL")
    assert await database.read(lambda conn: conn.execute(query).scalar()) == 1

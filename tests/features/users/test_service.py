"""Links, sign-ins and keys: who gets in, for how long, and what it costs to look."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from windowseat.core.ask import User
from windowseat.core.errors import NotAllowed, NotFound, Refused
from windowseat.features.users import Users
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.testing.clock import StoppedClock


@pytest.fixture
def service(database: Database, clock: StoppedClock, ids: Ids) -> Users:
    return Users(database, clock, ids)


async def test_a_fresh_install_has_one_owner_also_when_two_ask_at_once(service: Users) -> None:
    first, second = await asyncio.gather(service.owner(), service.owner())
    assert first == second == await service.owner()
    assert first.name == "owner"


async def test_a_link_signs_one_browser_in(service: Users, user: User) -> None:
    link = await service.new_link(user)
    signed_in = await service.sign_in(link.token, "Firefox")
    assert signed_in.user == user
    assert await service.user_of(signed_in.cookie) == user


async def test_a_link_works_once_also_when_two_browsers_open_it_at_once(service: Users, user: User) -> None:
    link = await service.new_link(user)
    results = await asyncio.gather(
        *(service.sign_in(link.token, "Firefox") for _ in range(5)), return_exceptions=True
    )
    faults = [result for result in results if isinstance(result, NotAllowed)]
    assert len(faults) == 4
    assert {(fault.code, fault.status) for fault in faults} == {("link_not_valid", 401)}
    assert "used already" in faults[0].detail


async def test_a_link_ends_after_an_hour(service: Users, user: User, clock: StoppedClock) -> None:
    link = await service.new_link(user)
    clock.move(timedelta(minutes=59))
    early = await service.new_link(user)
    clock.move(timedelta(minutes=1))
    with pytest.raises(NotAllowed, match="over"):
        await service.sign_in(link.token, "Firefox")
    assert (await service.sign_in(early.token, "Firefox")).user == user


@pytest.mark.parametrize("cookie", [None, "", "nonsense", "ws-nonsense"])
async def test_without_a_valid_cookie_nobody_is_let_in(
    service: Users, user: User, cookie: str | None
) -> None:
    with pytest.raises(NotAllowed) as fault:
        await service.user_of(cookie)
    assert (fault.value.code, fault.value.status) == ("not_signed_in", 401)


async def test_sign_ins_are_listed_for_their_user_only_and_the_own_one_is_marked(
    service: Users, user: User, other: User
) -> None:
    here = await service.sign_in((await service.new_link(user)).token, "Firefox")
    away = await service.sign_in((await service.new_link(user)).token, "Safari")
    listed = {sign_in.id: sign_in for sign_in in await service.sign_ins(user, here.cookie)}
    assert {sign_in.agent: sign_in.here for sign_in in listed.values()} == {"Firefox": True, "Safari": False}
    assert await service.sign_ins(other) == ()
    with pytest.raises(NotFound):
        await service.end_sign_in(other, away.sign_in)
    assert await service.user_of(away.cookie) == user


async def test_an_ended_sign_in_is_refused_at_once(service: Users, user: User) -> None:
    signed_in = await service.sign_in((await service.new_link(user)).token, "Firefox")
    assert await service.user_of(signed_in.cookie) == user
    await service.end_sign_in(user, signed_in.sign_in)
    with pytest.raises(NotAllowed):
        await service.user_of(signed_in.cookie)
    with pytest.raises(NotFound):
        await service.end_sign_in(user, signed_in.sign_in)


async def test_what_another_process_ended_is_refused_after_a_minute(
    service: Users, database: Database, user: User, clock: StoppedClock, ids: Ids
) -> None:
    signed_in = await service.sign_in((await service.new_link(user)).token, "Firefox")
    await service.user_of(signed_in.cookie)
    await Users(database, clock, ids).end_sign_in(user, signed_in.sign_in)
    clock.move(timedelta(seconds=60))
    with pytest.raises(NotAllowed):
        await service.user_of(signed_in.cookie)


async def test_a_sign_in_that_ends_while_it_is_looked_up_is_not_remembered(
    service: Users, user: User
) -> None:
    signed_in = await service.sign_in((await service.new_link(user)).token, "Firefox")
    looking = asyncio.create_task(service.user_of(signed_in.cookie))
    await asyncio.sleep(0)
    await service.end_sign_in(user, signed_in.sign_in)
    await asyncio.gather(looking, return_exceptions=True)
    with pytest.raises(NotAllowed):
        await service.user_of(signed_in.cookie)


async def test_checking_again_within_a_minute_asks_the_database_nothing(
    service: Users, database: Database, user: User
) -> None:
    signed_in = await service.sign_in((await service.new_link(user)).token, "Firefox")
    key = await service.new_key(user, "editor")
    await service.user_of(signed_in.cookie)
    await service.user_of_key(key.secret, "v1")
    await database.close()
    assert await service.user_of(signed_in.cookie) == user
    assert await service.user_of_key(key.secret, "v1") == user


async def test_when_a_browser_was_seen_is_written_at_most_once_a_minute(
    service: Users, user: User, clock: StoppedClock
) -> None:
    signed_in = await service.sign_in((await service.new_link(user)).token, "Firefox")
    begun = clock.now()
    clock.move(timedelta(seconds=30))
    await service.user_of(signed_in.cookie)
    assert [each.seen for each in await service.sign_ins(user)] == [begun]
    clock.move(timedelta(seconds=60))
    await service.user_of(signed_in.cookie)
    assert [each.seen for each in await service.sign_ins(user)] == [clock.now()]


async def test_a_key_is_shown_once_and_only_its_hash_is_kept(
    service: Users, database: Database, user: User
) -> None:
    made = await service.new_key(user, " editor ")
    assert made.secret.startswith("ws-")
    assert made.secret not in repr(made)
    assert made.key.name == "editor"
    kept = await database.read(lambda conn: conn.execute(text("SELECT * FROM api_keys")).mappings().all())
    assert made.secret not in str(kept)
    assert [key.id for key in await service.keys(user)] == [made.key.id]


async def test_a_key_opens_its_scope_and_a_full_key_opens_both(service: Users, user: User) -> None:
    program, full = await service.new_key(user, "editor", "v1"), await service.new_key(user, "script", "api")
    assert await service.user_of_key(program.secret, "v1") == user
    assert await service.user_of_key(full.secret, "v1") == user
    assert await service.user_of_key(full.secret, "api") == user
    with pytest.raises(NotAllowed) as fault:
        await service.user_of_key(program.secret, "api")
    assert (fault.value.code, fault.value.status) == ("key_scope", 403)


async def test_a_key_does_not_pass_for_a_cookie_nor_a_cookie_for_a_key(service: Users, user: User) -> None:
    signed_in = await service.sign_in((await service.new_link(user)).token, "Firefox")
    key = await service.new_key(user, "editor")
    await service.user_of(signed_in.cookie)
    await service.user_of_key(key.secret, "v1")
    with pytest.raises(NotAllowed):
        await service.user_of(key.secret)
    with pytest.raises(NotAllowed):
        await service.user_of_key(signed_in.cookie, "v1")


async def test_a_revoked_key_is_refused_at_once_and_only_its_user_revokes_it(
    service: Users, user: User, other: User
) -> None:
    key = await service.new_key(user, "editor")
    assert await service.user_of_key(key.secret, "v1") == user
    with pytest.raises(NotFound):
        await service.revoke_key(other, key.key.id)
    await service.revoke_key(user, key.key.id)
    with pytest.raises(NotAllowed) as fault:
        await service.user_of_key(key.secret, "v1")
    assert (fault.value.code, fault.value.status) == ("key_not_valid", 401)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
async def test_a_key_needs_a_name(service: Users, user: User, name: str) -> None:
    with pytest.raises(Refused) as fault:
        await service.new_key(user, name)
    assert fault.value.code == "key_name"


async def test_no_secret_shows_in_a_repr(service: Users, user: User) -> None:
    link = await service.new_link(user)
    signed_in = await service.sign_in(link.token, "Firefox")
    assert link.token not in repr(link)
    assert signed_in.cookie not in repr(signed_in)

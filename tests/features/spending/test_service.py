"""The ledger keeps each request once and adds up what is known without hiding what is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from windowseat.core.ask import User
from windowseat.core.errors import Refused
from windowseat.core.message import Usage
from windowseat.core.ports import LedgerRow
from windowseat.features.spending import Spending
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids

AT = datetime(2026, 11, 25, 8, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def service(database: Database, ids: Ids) -> Spending:
    return Spending(database, ids)


def row(
    user: User, step: int, *, turn: str = "turn", thread: str | None = "thread", **more: object
) -> LedgerRow:
    facts: dict[str, object] = {
        "purpose": "answer",
        "model": "local/smollm2",
        "at": AT,
        "usage": None,
        **more,
    }
    return LedgerRow(turn=turn, step=step, user=user.id, thread=thread, **facts)  # type: ignore[arg-type]


FULL = Usage(
    input_tokens=10,
    cached_tokens=4,
    cache_write_tokens=2,
    output_tokens=5,
    thinking_tokens=1,
    details={"searches": 2},
)


async def test_a_row_comes_back_as_it_was_recorded_and_has_no_price_yet(
    service: Spending, user: User
) -> None:
    recorded = [row(user, 1, usage=FULL), row(user, 2, thread=None, purpose="api", estimated=True)]
    assert [await service.record(each) for each in recorded] == [None, None]
    assert (await service.rows(user)).rows == tuple(reversed(recorded))


async def test_a_step_is_recorded_once_and_the_first_row_stays(service: Spending, user: User) -> None:
    await service.record(row(user, 1, usage=FULL))
    await service.record(row(user, 1, usage=Usage(input_tokens=99)))
    assert [each.usage for each in (await service.rows(user)).rows] == [FULL]


async def test_a_row_that_breaks_another_rule_is_not_taken_for_a_repeated_one(
    service: Spending, user: User
) -> None:
    with pytest.raises(IntegrityError):
        await service.record(row(user, 1, model=None))


async def test_a_thread_adds_up_and_a_silent_step_makes_the_sum_partial(
    service: Spending, user: User
) -> None:
    await service.record(row(user, 1, usage=FULL))
    await service.record(row(user, 2, usage=FULL, estimated=True))
    await service.record(row(user, 3))
    await service.record(row(user, 1, turn="elsewhere", thread="other", usage=FULL))
    spent = await service.spent_in(user, "thread")
    assert (spent.requests, spent.price, spent.estimated) == (3, None, True)
    assert spent.usage == Usage(
        input_tokens=20,
        cached_tokens=8,
        cache_write_tokens=4,
        output_tokens=10,
        thinking_tokens=2,
        details={"searches": 4},
        partial=True,
    )


async def test_a_thread_without_requests_adds_up_to_nothing_known(service: Spending, user: User) -> None:
    spent = await service.spent_in(user, "thread")
    assert (spent.requests, spent.usage, spent.estimated) == (0, None, False)


async def test_pages_follow_each_other_without_gap_or_double(service: Spending, user: User) -> None:
    for step in range(1, 8):
        await service.record(row(user, step))
    seen: list[int] = []
    after: str | None = None
    for size in (3, 3, 1):
        page = await service.rows(user, after=after, limit=3)
        assert len(page.rows) == size
        seen += [each.step for each in page.rows]
        after = page.next
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert after is None


async def test_a_thread_has_its_own_rows_and_nobody_sees_another_users(
    service: Spending, user: User, other: User
) -> None:
    await service.record(row(user, 1))
    await service.record(row(user, 2, thread="other"))
    assert [each.step for each in (await service.rows(user, thread="other")).rows] == [2]
    assert (await service.rows(other)).rows == ()
    assert (await service.spent_in(other, "thread")).requests == 0


@pytest.mark.parametrize("limit", [0, 501])
async def test_a_page_has_a_size(service: Spending, user: User, limit: int) -> None:
    with pytest.raises(Refused):
        await service.rows(user, limit=limit)

"""The ledger keeps each request once, with its price, and adds up what is known, not hiding what is not."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage as Counts
from genai_prices import calc_price
from sqlalchemy.exc import IntegrityError

from windowseat.core.ask import User
from windowseat.core.errors import Refused
from windowseat.core.message import Usage
from windowseat.core.ports import LedgerRow
from windowseat.core.price import Money, Seller
from windowseat.features.spending import BY, Chosen, OwnRates, Spending
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.testing.clock import StoppedClock

AT = datetime(2026, 11, 25, 8, 0, 0, 123456, tzinfo=UTC)


SELLERS: Mapping[str, Seller] = {
    "local": Seller(model="smollm2", free=True),
    "work": Seller(model="gpt-5.5", name="openai"),
    "claude": Seller(model="claude-sonnet-5-5", name="anthropic"),
    "strange": Seller(model="gpt-5.5", url="https://models.example.org/v1"),
}


@pytest.fixture
def service(database: Database, ids: Ids, clock: StoppedClock) -> Spending:
    async def seller_of(_: User, model: str) -> Seller:
        connection = model.partition("/")[0]
        if connection not in SELLERS:
            raise Refused("connection_unknown", "There is no such connection.")
        return SELLERS[connection]

    return Spending(database, ids, clock, seller_of)


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


async def test_a_row_comes_back_as_it_was_recorded(service: Spending, user: User) -> None:
    recorded = [
        row(user, 1, usage=FULL, first_token=0.25, writing=1.5, written=4),
        row(user, 2, thread=None, purpose="api", estimated=True),
    ]
    for each in recorded:
        await service.record(each)
    shared = {each.name for each in fields(LedgerRow)} - {"user", "written"}
    for before, after in zip(reversed(recorded), (await service.rows(user)).rows, strict=True):
        assert {name: getattr(after, name) for name in shared} == {
            name: getattr(before, name) for name in shared
        }


# -- prices ---------------------------------------------------------------------------------------


async def test_a_request_is_priced_as_genai_prices_does_with_source_day_and_rates(
    service: Spending, user: User
) -> None:
    usage = Usage(input_tokens=300_000, cached_tokens=1000, output_tokens=50, thinking_tokens=20)
    price = await service.record(row(user, 1, model="work/gpt-5.5", usage=usage))
    theirs = calc_price(
        Counts(input_tokens=300_000, cache_read_tokens=1000, output_tokens=50, output_reasoning_tokens=20),
        "gpt-5.5", provider_id="openai", genai_request_timestamp=AT,
    )  # fmt: skip
    assert price == Money(amount=theirs.total_price)
    (kept,) = (await service.rows(user)).rows
    assert kept.price == price
    assert kept.price_source is not None
    assert kept.price_source.startswith("genai-prices ")
    assert kept.price_rates is not None
    assert Decimal(kept.price_rates["input_mtok"]) == Decimal(10), "the tier above 272,000 tokens"


async def test_what_nobody_knows_the_price_of_has_none(service: Spending, user: User) -> None:
    told = Usage(input_tokens=1, output_tokens=1)
    assert await service.record(row(user, 1, model="strange/gpt-5.5", usage=told)) is None
    assert await service.record(row(user, 2, model="gone/gpt-5.5", usage=told)) is None
    assert await service.record(row(user, 3, model="work/gpt-5.5", usage=None)) is None
    spent = await service.spent_in(user, "thread")
    assert (spent.requests, spent.price, spent.unpriced) == (3, None, 3)


async def test_counts_that_do_not_add_up_have_no_price(service: Spending, user: User) -> None:
    wrong = Usage(input_tokens=10, cached_tokens=50, output_tokens=1)
    assert await service.record(row(user, 1, model="work/gpt-5.5", usage=wrong)) is None


async def test_what_runs_on_this_machine_costs_nothing(service: Spending, user: User) -> None:
    assert await service.record(row(user, 1, usage=FULL)) == Money(amount=Decimal(0))


async def test_the_users_own_rates_stand_over_the_known_ones_until_they_are_taken_back(
    service: Spending, user: User, other: User
) -> None:
    usage = Usage(input_tokens=1_000_000, cached_tokens=400_000, output_tokens=500_000)
    own = OwnRates(input=Decimal(3), output=Decimal(10), cached=Decimal("0.5"))
    await service.set_rates(user, "strange/gpt-5.5", own)
    price = await service.record(row(user, 1, model="strange/gpt-5.5", usage=usage))
    assert price == Money(amount=Decimal("7.0"))
    (kept,) = (await service.rows(user)).rows
    assert (kept.price_source, kept.price_date) == ("you", "2026-11-25")
    assert await service.record(row(other, 2, model="strange/gpt-5.5", usage=usage)) is None
    await service.set_rates(user, "strange/gpt-5.5", None)
    assert await service.record(row(user, 3, model="strange/gpt-5.5", usage=usage)) is None
    assert (await service.rows(user)).rows[-1].price == price, "what was kept stays"


@pytest.mark.parametrize("wrong", ["-1", "NaN", "Infinity", "1000000"])
async def test_rates_are_amounts_of_money(service: Spending, user: User, wrong: str) -> None:
    rates = OwnRates(input=Decimal(wrong), output=Decimal(1))
    with pytest.raises(Refused) as fault:
        await service.set_rates(user, "work/gpt-5.5", rates)
    assert fault.value.code == "rates_wrong"


async def test_the_rates_that_hold_now_can_be_asked_for(service: Spending, user: User) -> None:
    price = await service.rates(user, "claude/claude-sonnet-5-5")
    assert price is not None
    assert price.rates["input_mtok"] == "2"
    assert await service.rates(user, "strange/gpt-5.5") is None


async def test_a_repeated_row_tells_the_price_that_was_kept(service: Spending, user: User) -> None:
    usage = Usage(input_tokens=1000, output_tokens=10)
    price = await service.record(row(user, 1, model="work/gpt-5.5", usage=usage))
    assert price is not None
    twice = row(user, 1, model="work/gpt-5.5", usage=Usage(input_tokens=9, output_tokens=9))
    assert await service.record(twice) == price


async def test_a_thousand_random_usages_add_up_to_the_cent_in_every_grouping(
    service: Spending, user: User
) -> None:
    chance = random.Random(5)
    whole = Decimal(0)
    for step in range(1, 1001):
        read, written = chance.randrange(400_000), chance.randrange(20_000)
        cached = chance.randrange(read + 1)
        stored = chance.randrange(read - cached + 1)
        model = chance.choice(("work/gpt-5.5", "claude/claude-sonnet-5-5"))
        usage = Usage(
            input_tokens=read, cached_tokens=cached, cache_write_tokens=stored, output_tokens=written
        )
        at = AT + timedelta(hours=chance.randrange(2000))
        await service.record(row(user, step, thread=f"thread {step % 7}", model=model, usage=usage, at=at))
        seller = SELLERS[model.partition("/")[0]]
        counts = Counts(
            input_tokens=read, cache_read_tokens=cached, cache_write_tokens=stored, output_tokens=written
        )
        whole += calc_price(
            counts, seller.model, provider_id=seller.name, genai_request_timestamp=at
        ).total_price
    for by in BY:
        sums = await service.sums(user, by, zone="Europe/Berlin")
        assert sum((each.price.amount for each in sums if each.price), Decimal(0)) == whole
        assert sum(each.requests for each in sums) == 1000
    exported = "".join([text async for text in service.export(user)])
    assert sum(Decimal(line["price"]) for line in csv.DictReader(io.StringIO(exported))) == whole


# -- sums and pages -------------------------------------------------------------------------------


async def test_a_day_is_one_of_the_users_zone(service: Spending, user: User) -> None:
    late = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    await service.record(row(user, 1, at=late))
    assert [each.key for each in await service.sums(user, "day")] == ["2026-11-30"]
    assert [each.key for each in await service.sums(user, "day", zone="Europe/Berlin")] == ["2026-12-01"]
    assert [each.key for each in await service.sums(user, "month", zone="Europe/Berlin")] == ["2026-12"]
    with pytest.raises(Refused) as fault:
        await service.sums(user, "day", zone="../etc/passwd")
    assert fault.value.code == "zone_unknown"


async def test_sums_are_of_what_was_chosen(service: Spending, user: User) -> None:
    for step, day in enumerate((1, 2, 3), 1):
        await service.record(row(user, step, at=datetime(2026, 11, day, tzinfo=UTC)))
    chosen = Chosen(since=datetime(2026, 11, 2, tzinfo=UTC), until=datetime(2026, 11, 3, tzinfo=UTC))
    assert [each.key for each in await service.sums(user, "day", chosen=chosen)] == ["2026-11-02"]


async def test_no_cell_of_the_export_is_a_formula(service: Spending, user: User) -> None:
    await service.record(row(user, 1, model="=cmd|' /C calc'!A0/x", usage=FULL))
    text = "".join([each async for each in service.export(user)])
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["model"].startswith("'=")
    assert line["details"] == "searches=2"


async def test_speed_is_measured_over_the_latest_requests_that_had_one(service: Spending, user: User) -> None:
    for step in range(1, 31):
        slow = step <= 10
        await service.record(
            row(
                user, step, usage=FULL,
                first_token=9.0 if slow else 0.5, writing=10.0 if slow else 2.0, written=100,
            )
        )  # fmt: skip
    await service.record(row(user, 31, model="work/gpt-5.5"))
    speeds = await service.speeds(user)
    assert list(speeds) == ["local/smollm2"]
    assert (speeds["local/smollm2"].first_token, speeds["local/smollm2"].tokens_per_second) == (0.5, 50.0)


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
    assert (spent.requests, spent.unpriced, spent.estimated) == (3, 1, 1)
    assert spent.price == Money(amount=Decimal(0))
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
    assert (spent.requests, spent.usage, spent.price) == (0, None, None)


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

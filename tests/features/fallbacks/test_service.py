"""Lists of models that take over: whose they are, which one is next, and what it may cost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from windowseat.core.ask import Turn, User
from windowseat.core.errors import NotFound, Refused
from windowseat.core.model import Model, Options, split_name
from windowseat.core.price import Money, Price
from windowseat.features.fallbacks import FallbackList, FallbackLists
from windowseat.platform.database import Database
from windowseat.testing.clock import StoppedClock

RATES = {"cheap/c": "2", "dear/d": "60", "local/l": None}


@pytest.fixture
def gone() -> set[str]:
    return set()


@pytest.fixture
def lists(database: Database, clock: StoppedClock, gone: set[str]) -> FallbackLists:
    async def model_of(_: User, name: str) -> Model:
        if name in gone:
            raise NotFound("model_unknown", "It is gone.")
        connection, id = split_name({"friendly": "cheap/c"}.get(name, name))
        return Model(connection=connection, id=id, dialect="openai-chat")

    async def rates_of(_: User, name: str) -> Price | None:
        if name not in RATES:
            return None
        rate = RATES[name]
        rates = {} if rate is None else {"output_mtok": rate}
        return Price(money=Money(amount=Decimal(0)), source="test", rates=rates)

    return FallbackLists(database, clock, model_of=model_of, rates_of=rates_of)


def turn(user: User, *, thread: str | None = "thread", purpose="answer") -> Turn:
    return Turn(
        id="t", user=user, thread=thread, parent=None, user_message=None, message="m", model="first/x",
        options=Options(), purpose=purpose,
    )  # fmt: skip


async def name_of(lists: FallbackLists, asked: Turn, *tried: str) -> str | None:
    model = await lists.next(asked, {"first/x", *tried})
    return None if model is None else model.name


async def test_models_take_over_in_their_order_and_each_once(lists: FallbackLists, user: User) -> None:
    await lists.set(user, None, FallbackList(models=("first/x", "friendly", "dear/d")))
    assert await name_of(lists, turn(user)) == "cheap/c"
    assert await name_of(lists, turn(user), "cheap/c") == "dear/d"
    assert await name_of(lists, turn(user), "cheap/c", "dear/d") is None


async def test_a_threads_list_stands_in_place_of_its_users(
    lists: FallbackLists, user: User, other: User
) -> None:
    await lists.set(user, None, FallbackList(models=("cheap/c",)))
    await lists.set(user, "thread", FallbackList(models=("dear/d",)))
    assert await name_of(lists, turn(user)) == "dear/d"
    assert await name_of(lists, turn(user, thread="elsewhere")) == "cheap/c"
    assert await name_of(lists, turn(other)) is None
    await lists.set(user, "thread", FallbackList())
    assert await name_of(lists, turn(user)) == "cheap/c"


async def test_nobody_takes_over_who_costs_more_than_the_limit_or_nobody_knows_what(
    lists: FallbackLists, user: User
) -> None:
    names = ("dear/d", "strange/s", "local/l", "cheap/c")
    await lists.set(user, None, FallbackList(models=names, most_per_mtok=Decimal("2.0")))
    assert await name_of(lists, turn(user)) == "local/l", "what costs nothing is within any limit"
    assert await name_of(lists, turn(user), "local/l") == "cheap/c"
    await lists.set(user, None, FallbackList(models=names, most_per_mtok=Decimal("1.99")))
    assert await name_of(lists, turn(user), "local/l") is None


async def test_one_that_is_gone_is_passed_over(lists: FallbackLists, user: User, gone: set[str]) -> None:
    await lists.set(user, None, FallbackList(models=("dear/d", "cheap/c")))
    gone.add("dear/d")
    assert await name_of(lists, turn(user)) == "cheap/c"


@pytest.mark.parametrize("purpose", ["api", "title", "test"])
async def test_only_an_answer_in_a_thread_gives_way(lists: FallbackLists, user: User, purpose: str) -> None:
    await lists.set(user, None, FallbackList(models=("cheap/c",)))
    assert await name_of(lists, turn(user, purpose=purpose)) is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (FallbackList(models=("no-slash",)), "model_name"),
        (FallbackList(models=("cheap/c",) * 11), "fallbacks_too_many"),
        (FallbackList(models=("cheap/c",), most_per_mtok=Decimal(-1)), "fallbacks_limit"),
        (FallbackList(models=("cheap/c",), most_per_mtok=Decimal("NaN")), "fallbacks_limit"),
    ],
)
async def test_a_list_that_cannot_be_is_refused_whole(
    lists: FallbackLists, user: User, given: FallbackList, code: str
) -> None:
    await lists.set(user, None, FallbackList(models=("dear/d",), most_per_mtok=Decimal(100)))
    with pytest.raises(Refused) as fault:
        await lists.set(user, None, given)
    assert fault.value.code == code
    assert await lists.get(user, None) == FallbackList(models=("dear/d",), most_per_mtok=Decimal(100))

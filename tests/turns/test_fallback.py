"""Another model takes over only before the first word, only for an outage or a limit, and never silently."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.turns.kept import Process

from windowseat.core.errors import Fault, ProviderFault
from windowseat.core.events import NoticeGiven, PartDelta, PartStarted
from windowseat.core.exchange import Answered
from windowseat.core.message import Usage
from windowseat.core.model import Model
from windowseat.core.parts import Notice, Text, text_of
from windowseat.core.price import Money
from windowseat.testing.ports import FakeLedger, said
from windowseat.turns.turns import Turns
from windowseat.turns.world import Bounds

DOWN = ProviderFault("provider_overloaded", "fake is overloaded (529).", hint="Wait.", retry_after=99)


class List:
    """The port `Fallbacks`: the models of a list that were not tried."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.tried: list[set[str]] = []

    async def next(self, turn, tried):
        self.tried.append(set(tried))
        left = [name for name in self.names if name not in tried]
        if not left:
            return None
        connection, _, id = left[0].partition("/")
        return Model(connection=connection, id=id, dialect="openai-chat")


def process(*scripts, names=("second/y",), **more) -> Process:
    made = Process(scripts=scripts, **more)
    made.world = replace(made.world, fallbacks=List(*names))
    made.turns = Turns(made.world)
    return made


@pytest.mark.parametrize(
    "code",
    ["provider_overloaded", "provider_rate_limit", "provider_no_credit", "provider_error", "provider_timeout",
     "provider_silent", "provider_unreachable", "provider_cut"],
)  # fmt: skip
async def test_the_next_model_answers_and_the_message_says_who_and_why(code: str) -> None:
    one = process([ProviderFault(code, "fake is away.", retry_after=99)], said("Here", " I am"))
    turn = await one.ask()
    events = await one.events(turn)
    message = one.kitchen.messages["t-m"]
    assert (message.model, message.stop_reason) == ("second/y", "end")
    assert text_of(message.parts) == "Here I am"
    (notice,) = [part for part in message.parts if isinstance(part, Notice)]
    assert notice.code == "fallback"
    for words in ("fake is away.", "second/y", "fake/x"):
        assert words in notice.text
    assert [event.model for event in events if event.type == "step_started"] == ["fake/x", "second/y"]
    assert [(row.step, row.model) for row in one.ledger.rows.values()] == [(1, "fake/x"), (2, "second/y")]
    assert [request.connection for request in one.providers.requests] == ["fake", "second"]


async def test_several_models_are_tried_in_order_and_the_last_fault_is_told() -> None:
    one = process([DOWN], [DOWN], [DOWN], names=("second/y", "third/z"))
    events = await one.events(await one.ask())
    notices = [event.code for event in events if isinstance(event, NoticeGiven)]
    assert notices == ["fallback", "fallback", "error"]
    assert events[-1].stop_reason == "error"
    assert one.world.fallbacks.tried[-1] == {"fake/x", "second/y", "third/z"}


async def test_after_the_first_word_nobody_takes_over() -> None:
    begun = [[Answered()], [PartStarted(index=0, part=Text(text=""))], [PartDelta(index=0, text="so")], DOWN]
    one = process(begun, said("never"))
    events = await one.events(await one.ask())
    assert [event.code for event in events if isinstance(event, NoticeGiven)] == ["error"]
    assert text_of(one.kitchen.messages["t-m"].parts) == "so"
    assert one.world.fallbacks.tried == []


@pytest.mark.parametrize(
    "code", ["provider_key_refused", "provider_refused", "provider_not_found", "window_overflow"]
)
async def test_a_fault_of_ours_is_told_and_not_carried_elsewhere(code: str) -> None:
    one = process([ProviderFault(code, "No.")], said("never"))
    events = await one.events(await one.ask())
    assert events[-1].stop_reason == "error"
    assert len(one.providers.requests) == 1


async def test_a_fault_on_the_way_to_the_provider_ends_the_turn_and_says_why() -> None:
    one = process(
        [Fault("key_file_lost", "The key file is gone.", hint="Enter the key again.")], said("never")
    )
    events = await one.events(await one.ask())
    (notice,) = [event for event in events if isinstance(event, NoticeGiven)]
    assert (notice.code, notice.fault) == ("error", "key_file_lost")
    assert "Enter the key again." in notice.text
    assert events[-1].stop_reason == "error"


async def test_without_a_list_the_turn_ends_as_ever() -> None:
    one = process([DOWN], said("never"), names=())
    assert (await one.events(await one.ask()))[-1].stop_reason == "error"


async def test_steps_stay_bounded_and_the_bound_is_told() -> None:
    one = process([DOWN], said("never"), bounds=Bounds(steps=1))
    assert (await one.events(await one.ask()))[-1].stop_reason == "step_limit"
    assert len(one.providers.requests) == 1


class Priced(FakeLedger):
    """A ledger that knows what an answer costs, and nothing of what was never answered."""

    async def record(self, row):
        await super().record(row)
        return None if row.usage is None else Money(amount=Decimal(7))


async def test_the_turn_costs_what_was_answered() -> None:
    one = process([DOWN], said("Here", usage=Usage(input_tokens=1, output_tokens=1)))
    one.turns = Turns(replace(one.world, ledger=Priced()))
    settled = (await one.events(await one.ask()))[-1]
    assert settled.price == Money(amount=Decimal(7))


async def test_after_a_kill_the_one_that_took_over_goes_on() -> None:
    hangs = [
        [Answered()],
        [PartStarted(index=0, part=Text(text=""))],
        [PartDelta(index=0, text="half ")],
        99.0,
    ]
    before = process([DOWN], hangs)
    turn = await before.ask()
    await before.until(turn, "part_delta")
    after = process(said("half done"), kitchen=before.kitchen)
    await before.turns.stop()
    await after.turns.recover()
    events = await after.events(turn)
    assert events[-1].stop_reason == "end"
    assert {request.connection for request in after.providers.requests} == {"second"}
    assert after.kitchen.messages["t-m"].model == "second/y"

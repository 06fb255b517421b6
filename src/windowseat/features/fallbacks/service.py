"""Lists of models that take over, each with the most that it may cost; and the next one of such a list.

A thread's list stands in place of its user's. What a model costs and whether it is there is asked of others;
when a model gives way is the turn's to decide.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from decimal import Decimal

from windowseat.core.ask import Turn, User
from windowseat.core.errors import Fault, Refused
from windowseat.core.model import Model
from windowseat.core.price import Price
from windowseat.features.fallbacks.store import FallbackStore
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database

MOST_MODELS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackList:
    """Models in the order in which they take over, by any name that a model may be asked for.

    `most_per_mtok`: none that costs more US dollars for a million tokens of output takes over, nor one
    whose price is not known. None: no such limit.
    """

    models: tuple[str, ...] = ()
    most_per_mtok: Decimal | None = None


class FallbackLists:
    """The port `Fallbacks`, and setting the lists."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        model_of: Callable[[User, str], Awaitable[Model]],
        rates_of: Callable[[User, str], Awaitable[Price | None]],
    ) -> None:
        self._store = FallbackStore(database)
        self._clock = clock
        self._model_of = model_of
        self._rates_of = rates_of

    async def get(self, user: User, thread: str | None) -> FallbackList:
        """The user's list, or the one that was set for a thread; an empty one where none was."""
        models, most = await self._store.get(user.id, thread) or ((), None)
        return FallbackList(models=models, most_per_mtok=most)

    async def set(self, user: User, thread: str | None, given: FallbackList) -> None:
        """Set the user's list, or that of a thread; an empty one removes it.

        Raises Refused `fallbacks_too_many`, `fallbacks_limit`, and what asking for each model raises.
        """
        if len(given.models) > MOST_MODELS:
            raise Refused(
                "fallbacks_too_many", "The list is too long.", hint=f"Name {MOST_MODELS} models at the most."
            )
        most = given.most_per_mtok
        if most is not None and not (most.is_finite() and 0 <= most < 1_000_000):
            raise Refused(
                "fallbacks_limit",
                "The limit has to be an amount of US dollars for a million tokens.",
                hint='Give it as a decimal number, such as "20".',
            )
        for name in given.models:
            await self._model_of(user, name)
        await self._store.set(user.id, thread, given.models, most, self._clock.now())

    async def next(self, turn: Turn, tried: Collection[str]) -> Model | None:
        """The first model of the list that was not tried, is there, and may cost what it does; None: nobody.

        Only an answer in a thread gives way to another model: programs asked for the one that they named.
        """
        if turn.purpose != "answer":
            return None
        rule = await self.get(turn.user, turn.thread)
        if not rule.models and turn.thread is not None:
            rule = await self.get(turn.user, None)
        for name in rule.models:
            try:
                model = await self._model_of(turn.user, name)
                if model.name not in tried and await self._may(turn.user, model, rule.most_per_mtok):
                    return model
            except Fault:
                continue  # it is gone, or nobody knows who is paid for it: the next one may be there
        return None

    async def _may(self, user: User, model: Model, most: Decimal | None) -> bool:
        if most is None:
            return True
        price = await self._rates_of(user, model.name)
        return price is not None and Decimal(price.rates.get("output_mtok", "0")) <= most

"""What is known of single models over HTTP: facts with who says so, rates, and how quick they were here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response

from windowseat.core.parts import Json
from windowseat.entrypoints.web.answers import answer, nothing
from windowseat.entrypoints.web.reading import bad_query, read_value
from windowseat.entrypoints.web.route import Query, Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.providers import Facts
from windowseat.features.spending import OwnRates, Speed

_MOST_MODELS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FactShown:
    """A fact, who says so (`you`: the user), and the day on which that was said; null is not known."""

    value: Json
    source: str
    date: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsShown:
    """All that is known of a model; what nobody said is not there."""

    model: str
    facts: Mapping[str, FactShown]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsTold:
    """What the user says of a model, over all others; null takes a word back."""

    facts: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesShown:
    """What a million tokens cost by kind, as decimals in the currency; null: nobody knows."""

    model: str
    rates: Mapping[str, str] | None
    currency: str
    source: str | None
    date: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesOfModels:
    """The rates of each model that was asked for."""

    models: tuple[RatesShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesTold:
    """What the user says that a million tokens cost, in US dollars; without `input` that is taken back."""

    input: Decimal | None = None
    output: Decimal = Decimal(0)
    cached: Decimal | None = None
    cache_write: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedsShown:
    """By model, how quick its latest requests were here."""

    speeds: Mapping[str, Speed]


async def get_model_facts(request: Request) -> Response:
    """All that is known of a model, each fact with who says so and when."""
    name = _model(request)
    return answer(_shown(name, await services_of(request).providers.facts(user_of(request), name)))


async def tell_model_facts(request: Request) -> Response:
    """Say something of a model, which then stands over what others say; null takes a word back."""
    name, told = _model(request), await read_value(request, FactsTold)
    facts = await services_of(request).providers.tell(user_of(request), name, told.facts)
    return answer(_shown(name, facts))


async def list_model_rates(request: Request) -> Response:
    """What a million tokens of each of these models cost now, by who says so."""
    names = request.query_params.getlist("model")
    if not 0 < len(names) <= _MOST_MODELS:
        raise bad_query(f"Name 1 to {_MOST_MODELS} models, each as model=NAME.")
    spending, user = services_of(request).spending, user_of(request)
    found: list[RatesShown] = []
    for name in names:
        price = await spending.rates(user, name)
        found.append(
            RatesShown(
                model=name,
                rates=None if price is None else price.rates,
                currency="USD" if price is None else price.money.currency,
                source=None if price is None else price.source,
                date=None if price is None or price.date is None else price.date.isoformat(),
            )
        )
    return answer(RatesOfModels(models=tuple(found)))


async def tell_model_rates(request: Request) -> Response:
    """Say what a model costs, over what others say; without `input` that is taken back."""
    told = await read_value(request, RatesTold)
    rates = None
    if told.input is not None:
        rates = OwnRates(
            input=told.input, output=told.output, cached=told.cached, cache_write=told.cache_write
        )
    await services_of(request).spending.set_rates(user_of(request), _model(request), rates)
    return nothing()


async def list_speeds(request: Request) -> Response:
    """How quick each model answered here, over its latest requests."""
    return answer(SpeedsShown(speeds=await services_of(request).spending.speeds(user_of(request))))


def _model(request: Request) -> str:
    name = request.query_params.get("model")
    if not name:
        raise bad_query("“model” has to name a model, as CONNECTION/MODEL.")
    return name


def _shown(model: str, facts: Facts) -> FactsShown:
    return FactsShown(
        model=model,
        facts={
            name: FactShown(
                value=fact.value,
                source=fact.source,
                date=None if fact.date is None else fact.date.isoformat(),
            )
            for name, fact in sorted(facts.items())
        },
    )


_MODEL = Query(name="model", meaning="The model's name, as CONNECTION/MODEL.", required=True)
_MODELS = Query(
    name="model", meaning="A model's name; may be given again and again.", many=True, required=True
)

ROUTES = (
    Route("GET", "/api/models/facts", get_model_facts, gives=FactsShown, query=(_MODEL,)),
    Route("PATCH", "/api/models/facts", tell_model_facts, FactsTold, FactsShown, query=(_MODEL,)),
    Route("GET", "/api/models/rates", list_model_rates, gives=RatesOfModels, query=(_MODELS,)),
    Route("PUT", "/api/models/rates", tell_model_rates, RatesTold, status=204, query=(_MODEL,)),
    Route("GET", "/api/models/speeds", list_speeds, gives=SpeedsShown),
)

"""What providers really reported costs what genai-prices makes of it: its reading of each answer beside ours.

genai-prices reads the raw answer by its extractors, we by our decoders; the two figures have to be one and
the same. Where we count what its extractors do not read, the test says what that is.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage as Counts
from genai_prices import calc_price, extract_usage

from windowseat.app import _codec
from windowseat.core.errors import ProviderFault
from windowseat.core.exchange import Finished
from windowseat.core.message import Usage
from windowseat.core.model import Dialect
from windowseat.core.price import Seller
from windowseat.features.providers.transport.sse import SseParser
from windowseat.features.spending.rates import price_of

AT = datetime(2026, 11, 25, 8, tzinfo=UTC)
FLAVOURS: dict[Dialect, tuple[str, ...]] = {
    "openai-chat": ("chat", "default"),
    "openai-responses": ("responses",),
    "anthropic-messages": ("default",),
    "gemini-generate": ("default",),
}


def what_we_count_more(answer: dict[str, Any], usage: Usage) -> str | None:
    """What of this answer genai-prices' extractors do not read, None where that is nothing."""
    told = answer.get("usage") or {}
    if (usage.details or {}).get("searches"):
        return "web searches that OpenAI and Google bill apart"
    if told.get("num_cached_tokens"):
        return "Mistral's second name for cached tokens"
    if any(each.get("type") == "compaction" for each in told.get("iterations") or []):
        return "Anthropic's tokens of compaction, which stand beside the others"
    if told.get("total_tokens", 0) > told.get("prompt_tokens", 0) + told.get("completion_tokens", 0):
        return "thinking that Google's compatible address leaves out of the output"
    return None


def exchanges(folder: Path, dialect: Dialect) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / f"{dialect}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (each for line in lines if (each := json.loads(line))["status"] == 200)


def ours(dialect: Dialect, exchange: dict[str, Any]) -> Usage | None:
    """The usage as our decoder reads it."""
    decoder = _codec(dialect, exchange["host"]).decoder("c", "m")
    body = exchange["response"].encode()
    events: list[Any] = []
    if exchange["stream"]:
        parser = SseParser()
        for event, data, _ in [*parser.feed(body), *parser.end()]:
            events += decoder.feed("" if event == "message" else event, data)
        events += decoder.end()
    else:
        events += decoder.whole(body)
    return next(each.usage for each in reversed(events) if isinstance(each, Finished))


def raw(exchange: dict[str, Any]) -> dict[str, Any]:
    """The raw object that holds the usage: the whole answer, or the last event of a stream that has one."""
    if not exchange["stream"]:
        whole: dict[str, Any] = json.loads(exchange["response"])
        return whole
    parser = SseParser()
    found: dict[str, Any] = {}
    for _, data, _ in [*parser.feed(exchange["response"].encode()), *parser.end()]:
        if data != b"[DONE]":
            event = json.loads(data)
            for place in (event, event.get("response") or {}):
                if place.get("usage") or place.get("usageMetadata"):
                    found = place
    return found


def theirs(dialect: Dialect, answer: dict[str, Any], url: str, model: str) -> Decimal | None:
    for flavour in FLAVOURS[dialect]:
        try:
            told = extract_usage(answer, provider_api_url=url, api_flavor=flavour)
            return calc_price(told.usage, model, provider_api_url=url, genai_request_timestamp=AT).total_price
        except (LookupError, ValueError):
            continue
    return None


@pytest.mark.parametrize("dialect", FLAVOURS)
def test_a_recorded_usage_costs_what_genai_prices_makes_of_the_answer_itself(
    recordings: Path, dialect: Dialect
) -> None:
    counted: Counter[str] = Counter()
    for exchange in exchanges(recordings, dialect):
        try:
            usage = ours(dialect, exchange)
        except ProviderFault:
            continue  # an error within the stream: nothing to price
        answer = raw(exchange)
        model = answer.get("modelVersion") or exchange["request"].get("model") or answer.get("model", "")
        url = f"https://{exchange['host']}{exchange['path']}"
        known = theirs(dialect, answer, url, model)
        price = None if usage is None else price_of(usage, Seller(model=model, url=url), AT)
        if known is None:
            counted["not in its reach"] += 1
        elif price is not None and price.money.amount == known:
            counted["same"] += 1
        else:
            more = None if usage is None else what_we_count_more(answer, usage)
            assert more is not None, f"{exchange['name']}: {price} is not {known}"
            assert price is not None
            assert price.money.amount != known
            counted[more] += 1
    assert counted["same"] > 20, counted
    assert counted["same"] > 4 * (counted.total() - counted["same"] - counted["not in its reach"]), counted


@pytest.mark.parametrize(
    ("model", "name", "usage", "counts"),
    [
        pytest.param(
            "claude-opus-5-5", "anthropic",
            Usage(
                input_tokens=90_000, cached_tokens=50_000, cache_write_tokens=30_000, output_tokens=700,
                details={"cache_write_5m_tokens": 10_000, "cache_write_1h_tokens": 20_000},
            ),
            {
                "input_tokens": 90_000, "cache_read_tokens": 50_000, "cache_write_tokens": 30_000,
                "cache_write_5m_tokens": 10_000, "cache_write_1h_tokens": 20_000, "output_tokens": 700,
            },
            id="cache lifetimes",
        ),
        pytest.param(
            "grok-4.7", "x-ai", Usage(input_tokens=200_001, output_tokens=10),
            {"input_tokens": 200_001, "output_tokens": 10}, id="a tier",
        ),
        pytest.param(
            "gemini-4-argon", "google", Usage(input_tokens=10, output_tokens=9000, thinking_tokens=8000),
            {"input_tokens": 10, "output_tokens": 9000, "output_reasoning_tokens": 8000}, id="thinking",
        ),
        pytest.param(
            "gpt-audio", "openai",
            Usage(
                input_tokens=500, output_tokens=300,
                details={"audio_input_tokens": 400, "audio_output_tokens": 250},
            ),
            {
                "input_tokens": 500, "input_audio_tokens": 400, "input_text_tokens": 100,
                "output_tokens": 300, "output_audio_tokens": 250, "output_text_tokens": 50,
            },
            id="audio",
        ),
    ],
)  # fmt: skip
def test_each_kind_of_token_costs_what_it_does_there(
    model: str, name: str, usage: Usage, counts: dict[str, int]
) -> None:
    known = calc_price(Counts(**counts), model, provider_id=name, genai_request_timestamp=AT)
    price = price_of(usage, Seller(model=model, name=name), AT)
    assert price is not None
    assert price.money.amount == known.total_price
    plain = price_of(Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens),
                     Seller(model=model, name=name), AT)  # fmt: skip
    assert plain is not None
    if usage.details or usage.cached_tokens:
        assert price.money != plain.money, "the kind of token does not matter to the price"


def test_a_rate_that_changes_with_the_hour_is_the_one_of_the_requests_time() -> None:
    usage, seller = (
        Usage(input_tokens=10**6, output_tokens=10**6),
        Seller(model="deepseek-v4-pro", name="deepseek"),
    )
    prices = [price_of(usage, seller, AT.replace(hour=hour)) for hour in range(24)]
    assert len({price.money.amount for price in prices if price is not None}) > 1

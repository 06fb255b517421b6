"""What providers' refusals are taken for, in the shapes and words that each of them uses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport.faults import fault_in_stream, fault_of_answer, visible

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
KEY = "sk-live-0123456789"


def refused(status: int, body: Any = b"", headers: dict[str, str] | None = None) -> ProviderFault:
    return fault_of_answer(
        provider="api.example",
        status=status,
        headers=headers or {},
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        secrets=[KEY],
        now=NOW,
    )


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "provider_refused"),
        (401, "provider_key_refused"),
        (402, "provider_no_credit"),
        (403, "provider_key_refused"),
        (404, "provider_not_found"),
        (405, "provider_not_found"),
        (408, "provider_timeout"),
        (409, "provider_refused"),
        (413, "provider_too_large"),
        (422, "provider_refused"),
        (429, "provider_rate_limit"),
        (500, "provider_error"),
        (502, "provider_error"),
        (503, "provider_overloaded"),
        (504, "provider_error"),
        (529, "provider_overloaded"),
        (599, "provider_error"),
    ],
)
def test_a_bare_status_has_its_code(status: int, code: str) -> None:
    fault = refused(status)
    assert (fault.code, fault.answered) == (code, status)
    assert "api.example" in fault.detail
    assert fault.hint


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded")),
        (400, openai("Your input exceeds the context window of this model.")),
        (
            400,
            {
                "type": "error",
                "error": {"type": "invalid_request_error", "message": "prompt is too long: 213462 tokens"},
            },
        ),
        (
            400,
            {
                "type": "error",
                "error": {"message": "input length and `max_tokens` exceed context limit: 188240"},
            },
        ),
        (
            400,
            {"error": {"code": 400, "message": "The input token count (1196265) exceeds the maximum number"}},
        ),
        (400, {"code": "Client specified an invalid argument", "error": "maximum prompt length is 131072"}),
        (400, openai("the request exceeds the available context size", kind="exceed_context_size_error")),
        (
            400,
            {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context"},
        ),
        (413, openai("Please reduce the length of the messages or completion.")),
        (500, {"error": "tokens to keep from the initial prompt is greater than the context length"}),
    ],
)
def test_a_window_that_is_too_long_is_known_by_every_providers_words(status: int, body: Any) -> None:
    assert refused(status, body).code == "window_overflow"


def test_a_quota_that_is_used_up_is_no_rate_limit_although_the_status_says_so() -> None:
    fault = refused(
        429, openai("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")
    )
    assert fault.code == "provider_no_credit"


def test_a_key_that_is_refused_with_status_400_is_still_a_refused_key() -> None:
    google = {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}
    assert refused(400, google).code == "provider_key_refused"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (openai("Slow down."), "Slow down."),
        ({"type": "error", "error": {"type": "api_error", "message": "Slow down."}}, "Slow down."),
        ([{"error": {"code": 500, "message": "Slow down.", "status": "INTERNAL"}}], "Slow down."),
        ({"error": "Slow down."}, "Slow down."),
        ({"object": "error", "message": "Slow down."}, "Slow down."),
        ({"detail": "Slow down."}, "Slow down."),
        ({"detail": [{"loc": ["body", "model"], "msg": "Slow down."}]}, "Slow down."),
        ({"errors": [{"code": 1, "message": "Slow down."}]}, "Slow down."),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": "Slow down."}}},
            "Provider returned error (Slow down.)",
        ),
        (
            b"<html><head><style>p{}</style></head><body><h1>Slow</h1> down.<script>x()</script></body>",
            "Slow down.",
        ),
        (b"Slow\n  down.", "Slow down."),
    ],
)
def test_the_providers_own_words_are_quoted_from_any_shape(body: Any, words: str) -> None:
    assert refused(500, body).detail == f"api.example failed (500): {words}"


def test_a_key_that_the_provider_repeats_is_not_quoted() -> None:
    fault = refused(401, openai(f"Incorrect API key provided: {KEY}."))
    assert KEY not in str(fault)
    assert "…" in fault.detail


def test_long_words_are_cut() -> None:
    assert len(refused(500, b"word " * 10_000).detail) < 600


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"error":' * 5_000 + b"1" + b"}" * 5_000,
        b"<" * 60_000,
        b"<a" * 30_000,
        b"<" + b"a" * 60_000,
        b"<script>" * 8_000,
        b"<!--" * 15_000,
        b"\xff\xfe" * 30_000,
        b"try again in " + b"1s" * 30_000,
        b'{"code": "\xc2\xb2"}',
    ],
)
def test_a_body_made_to_hurt_costs_nothing(body: bytes) -> None:
    begun = datetime.now(UTC)
    assert refused(500, body).code == "provider_error"
    assert (datetime.now(UTC) - begun).total_seconds() < 0.5


def test_text_between_angle_brackets_that_is_no_tag_stays() -> None:
    assert visible("1 < 2 and 3 > 2 &amp; so on") == "1 < 2 and 3 > 2 & so on"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            "provider_overloaded",
        ),
        ({"error": {"code": 429, "message": "Rate limited upstream"}}, "provider_rate_limit"),
        ({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}, "provider_overloaded"),
        ({"error": {"message": "x", "type": "server_error", "code": None}}, "provider_error"),
        ({"code": "rate_limit_exceeded", "message": "x"}, "provider_rate_limit"),
        ({"error": {"message": "prompt is too long", "type": "invalid_request_error"}}, "window_overflow"),
        ("something", "provider_error"),
        (None, "provider_error"),
    ],
)
def test_an_error_inside_a_stream_is_known_by_its_names(error: Any, code: str) -> None:
    fault = fault_in_stream(error, provider="api.example", answered=200, secrets=[KEY])
    assert (fault.code, fault.answered) == (code, 200)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after-ms": "350", "retry-after": "1"}, 0.35),
        ({"retry-after": "Wed, 25 Nov 2026 08:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 25 Nov 2026 07:00:00 GMT"}, 0),
        ({"retry-after": "Wed, 25 Nov 2026 09:00:30 GMT", "date": "Wed, 25 Nov 2026 09:00:00 GMT"}, 30),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-remaining-tokens": "0"}, 0.02),
        (
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "6m0s",
                "x-ratelimit-remaining-tokens": "4000",
            },
            1,
        ),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e9"}, None),
        ({}, None),
    ],
)
def test_the_time_to_come_back_is_read_from_the_headers(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert refused(429, b"", headers).retry_after == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (openai("Rate limit reached. Please try again in 20s. Visit …"), 20),
        (openai("Rate limit reached. Please try again in 350ms."), 0.35),
        (openai("Rate limit reached. Please try again in 1m2.5s."), 62.5),
        (openai("Please retry after 7 minutes."), 420),
        (openai("Please retry after 12 seconds."), 12),
        (openai("Try again later."), None),
        (
            {
                "error": {
                    "code": 429,
                    "message": "Quota",
                    "details": [
                        {"@type": "type.googleapis.com/google.rpc.QuotaFailure"},
                        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"},
                    ],
                }
            },
            34,
        ),
    ],
)
def test_the_time_to_come_back_is_read_from_the_words_when_no_header_says_it(
    body: Any, seconds: float | None
) -> None:
    assert refused(429, body).retry_after == (None if seconds is None else pytest.approx(seconds))

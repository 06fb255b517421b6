"""The table of quirks is data that a person can check: what, for whom, who says so, and since when."""

from __future__ import annotations

import re
from datetime import date
from typing import get_args

import pytest

from windowseat.core.model import Effort
from windowseat.features.providers.dialects import quirks_claude_gemini, quirks_openai
from windowseat.features.providers.dialects.quirks import FIELDS, Quirks, Row, effort_fields, host_of

ROWS = (*quirks_openai.ROWS, *quirks_claude_gemini.ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.dialect} {row.host} {row.model}")
def test_a_row_says_known_things_with_their_source_and_date(row: Row) -> None:
    assert set(row.says) <= FIELDS
    assert row.says
    assert re.match(r"https://\w|the docstring of ", row.source)
    assert date(2026, 1, 1) <= row.read
    assert row.model == row.model.lower()
    assert set(row.says.get("efforts", {})) <= set(get_args(Effort))


def test_later_rows_are_the_more_special_ones() -> None:
    quirks = quirks_openai.quirks_of("openai-chat", "api.openai.com", "GPT-5.1-mini")
    assert quirks.max_tokens == "max_completion_tokens"
    assert set(quirks.efforts) == {"none", "low", "medium", "high"}
    assert quirks_openai.quirks_of("openai-chat", "api.openai.com", "gpt-4o").efforts == {}
    assert quirks_openai.quirks_of("openai-chat", "unheard.of", "x").max_tokens == "max_tokens"


def test_an_effort_becomes_the_nearest_there_is_and_the_lower_of_two() -> None:
    quirks = Quirks(efforts={"low": {"e": "low"}, "high": {"e": "high"}})
    said = [effort_fields(quirks, effort, None)["e"] for effort in get_args(Effort)]
    assert said == ["low", "low", "low", "low", "high", "high"]
    assert effort_fields(quirks, "low", ("high",)) == {"e": "high"}
    assert effort_fields(quirks, None, None) == effort_fields(Quirks(), "low", None) == {}


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://API.Mistral.ai/v1", "api.mistral.ai"), ("http://127.0.0.1:8080/v1", "127.0.0.1"), ("x", "")],
)
def test_a_connections_host_is_what_rows_name(url: str, host: str) -> None:
    assert host_of(url) == host

"""Wishes of programs in the words of each dialect."""

from __future__ import annotations

from typing import Any

import pytest

from windowseat.core.model import DIALECTS, Dialect
from windowseat.features.providers.dialects.wishes import Wishes, fields_of


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_wish_is_no_field(dialect: Dialect) -> None:
    assert fields_of(Wishes(), dialect) == {}


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        ("openai-chat", {"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        ("openai-responses", {"tool_choice": {"type": "function", "name": "f"}}),
        ("anthropic-messages", {"tool_choice": {"type": "tool", "name": "f"}}),
        (
            "gemini-generate",
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}},
        ),
    ],
)
def test_one_tool_must_be_called(dialect: Dialect, fields: dict[str, Any]) -> None:
    assert fields_of(Wishes(tool="f"), dialect) == fields


@pytest.mark.parametrize(
    ("wishes", "fields"),
    [
        (Wishes(tool_choice="required"), {"tool_choice": {"type": "any"}}),
        (Wishes(tool_choice="none", parallel_calls=False), {"tool_choice": {"type": "none"}}),
        (
            Wishes(parallel_calls=False),
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        (Wishes(parallel_calls=True), {}),
        (Wishes(top_p=0.5, end_user="u"), {"top_p": 0.5, "metadata": {"user_id": "u"}}),
        (Wishes(presence_penalty=1, frequency_penalty=1, logprobs=2), {}),
    ],
)
def test_anthropic_says_what_it_has_words_for(wishes: Wishes, fields: dict[str, Any]) -> None:
    assert fields_of(wishes, "anthropic-messages") == fields


def test_gemini_says_numbers_in_its_configuration() -> None:
    wishes = Wishes(top_p=0.0, presence_penalty=0.5, frequency_penalty=1.0, tool_choice="none")
    assert fields_of(wishes, "gemini-generate") == {
        "generationConfig": {"topP": 0.0, "presencePenalty": 0.5, "frequencyPenalty": 1.0},
        "toolConfig": {"functionCallingConfig": {"mode": "NONE"}},
    }


def test_likely_tokens_are_asked_for_without_losing_the_thoughts() -> None:
    assert fields_of(Wishes(logprobs=0), "openai-chat") == {"logprobs": True}
    assert fields_of(Wishes(logprobs=3), "openai-responses") == {
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "top_logprobs": 3,
    }

"""`anthropic-messages`, answers made by hand: one for each feature, and one for each way it breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from windowseat.core.errors import ProviderFault
from windowseat.core.exchange import Finished
from windowseat.core.message import Usage
from windowseat.core.parts import Citation, File, Image, Notice, Opaque, Text, Thinking, ToolCall, ToolResult
from windowseat.features.providers.dialects.anthropic_decode import AnthropicDecoder

from .decoded import Answer, answer_of, streamed

HEAD = {"type": "message_start", "message": {"id": "msg_1", "content": [], "usage": {"input_tokens": 3}}}
END = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
]


def stream_of(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events)


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def decoded(*blocks: list[dict[str, Any]], end: list[dict[str, Any]] = END) -> Answer:
    events = [HEAD, *(event for each in blocks for event in each), *end]
    return answer_of(streamed(AnthropicDecoder("claude", "m"), stream_of(*events)))


def whole(content: list[dict[str, Any]], **more: Any) -> Answer:
    message = {"id": "msg_1", "type": "message", "content": content, "stop_reason": "end_turn", **more}
    return answer_of(AnthropicDecoder("claude", "m").whole(json.dumps(message).encode()))


def test_text_with_sources_becomes_a_text_and_its_citations_that_go_back_as_one_item() -> None:
    web = {"type": "web_search_result_location", "url": "https://a.test", "title": "A", "cited_text": "wet"}
    page = {"type": "page_location", "document_title": "Rain.pdf", "cited_text": "wetter"}
    answer = decoded(
        block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "So: "}),
        block(
            1,
            {"type": "text", "text": "", "citations": []},
            {"type": "citations_delta", "citation": web},
            {"type": "citations_delta", "citation": page},
            {"type": "text_delta", "text": "It räins."},
        ),
    )
    first, text, one, two = answer.parts
    assert first == Text(text="So: ", origin=first.origin)
    assert first.origin is not None
    assert first.origin.item is None
    assert isinstance(one, Citation)
    assert (one.part, one.start, one.end, one.title, one.url, one.quote) == (
        1,
        0,
        9,
        "A",
        "https://a.test",
        "wet",
    )
    assert isinstance(two, Citation)
    assert (two.title, two.url, two.quote) == ("Rain.pdf", None, "wetter")
    assert text.origin is not None
    assert text.origin.item == {"type": "text", "text": "It räins.", "citations": [web, page]}
    assert [p.origin.shares for p in (text, one, two) if p.origin] == [3, 3, 3]
    assert len({p.origin.key for p in (text, one, two) if p.origin}) == 1


def test_thinking_keeps_its_signature_and_what_is_hidden_has_no_words() -> None:
    answer = decoded(
        block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Hm"},
            {"type": "thinking_delta", "thinking": "m."},
            {"type": "signature_delta", "signature": "c2ln"},
        ),
        block(1, {"type": "redacted_thinking", "data": "ZGF0YQ=="}),
    )
    shown, hidden = answer.parts
    assert isinstance(shown, Thinking)
    assert shown.text == "Hmm."
    assert shown.origin is not None
    assert shown.origin.item == {"type": "thinking", "thinking": "Hmm.", "signature": "c2ln"}
    assert isinstance(hidden, Thinking)
    assert hidden.text == ""
    assert hidden.origin is not None
    assert hidden.origin.item == {"type": "redacted_thinking", "data": "ZGF0YQ=="}


def test_calls_stream_side_by_side_and_one_without_input_has_none() -> None:
    start = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    events = [
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "content_block_start", "index": 1, "content_block": {**start, "id": "toolu_2"}},
        *(
            {
                "type": "content_block_delta",
                "index": i,
                "delta": {"type": "input_json_delta", "partial_json": part},
            }
            for i, part in ((0, '{"a": '), (1, ""), (0, '"ü"}'))
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_stop", "index": 1},
    ]
    one, two = decoded(events).calls("us")
    assert (one.id, one.name, one.arguments) == ("toolu_1", "look", {"a": "ü"})
    assert (two.id, two.arguments) == ("toolu_2", {})
    assert one.origin is not None
    assert one.origin.item == {**start, "input": {"a": "ü"}}


def test_a_call_that_is_cut_by_the_limit_keeps_what_was_written_and_no_item() -> None:
    answer = decoded(
        block(
            0,
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"a": "b'},
        ),
        end=[{"type": "message_delta", "delta": {"stop_reason": "max_tokens"}}, {"type": "message_stop"}],
    )
    (call,) = answer.calls("us")
    assert call.arguments == '{"a": "b'
    assert call.origin is not None
    assert call.origin.item is None
    assert answer.finished is not None
    assert answer.finished.stop_reason == "length"


RESULTS: list[tuple[dict[str, Any], tuple[Any, ...], str | None]] = [
    (
        {
            "type": "web_search_tool_result",
            "content": [
                {
                    "type": "web_search_result",
                    "title": "A [1]",
                    "url": "https://a.test",
                    "page_age": "2 days",
                },
                {"type": "web_search_result", "title": "B", "url": "https://b.test", "page_age": None},
            ],
        },
        (Text(text="[A (1)](https://a.test) (2 days)\n[B](https://b.test)"),),
        None,
    ),
    (
        {
            "type": "web_search_tool_result",
            "content": {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"},
        },
        (),
        "max_uses_exceeded",
    ),
    (
        {
            "type": "web_fetch_tool_result",
            "content": {
                "type": "web_fetch_result",
                "url": "https://a.test/x.pdf",
                "content": {
                    "type": "document",
                    "title": "X",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
                },
            },
        },
        (
            Text(text="[X](https://a.test/x.pdf)"),
            File(media_type="application/pdf", url="https://a.test/x.pdf", name="X"),
        ),
        None,
    ),
    (
        {
            "type": "bash_code_execution_tool_result",
            "content": {
                "type": "bash_code_execution_result",
                "stdout": "1\n",
                "stderr": "oh\n",
                "return_code": 2,
                "content": [{"type": "bash_code_execution_output", "file_id": "file_1"}],
            },
        },
        (Text(text="1\noh\n(file file_1)\n(exit code 2)"),),
        None,
    ),
    (
        {"type": "mcp_tool_result", "is_error": True, "content": [{"type": "text", "text": "no"}]},
        (),
        "no",
    ),
    (
        {
            "type": "mcp_tool_result",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            ],
        },
        (Text(text="see"), Image(media_type="image/png", url="data:image/png;base64,AAAA")),
        None,
    ),
    (
        {"type": "brand_new_tool_result", "content": {"type": "brand_new_result", "answer": 42}},
        (Text(text='{"type":"brand_new_result","answer":42}'),),
        None,
    ),
]


@pytest.mark.parametrize(("raw", "content", "error"), RESULTS, ids=[row[0]["type"] for row in RESULTS])
def test_a_tool_that_ran_there_shows_its_result(
    raw: dict[str, Any], content: tuple[Any, ...], error: str | None
) -> None:
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    raw = {**raw, "tool_use_id": "srvtoolu_1"}
    for answer in (decoded(block(0, call), block(1, raw)), whole([call, raw])):
        ran, result = answer.parts
        assert isinstance(ran, ToolCall)
        assert (ran.by, ran.arguments) == ("provider", {"query": "x"})
        assert isinstance(result, ToolResult)
        assert (result.id, result.content, result.error) == ("srvtoolu_1", content, error)
        assert result.origin is not None
        assert result.origin.item == raw


def test_a_block_that_is_new_is_kept_with_all_that_its_deltas_bring() -> None:
    (part,) = decoded(
        block(
            0,
            {"type": "hologram", "content": None, "size": 1},
            {"type": "hologram_delta", "content": "light", "depth": [3]},
        )
    ).parts
    data = {"type": "hologram", "content": "light", "size": 1, "depth": [3]}
    assert isinstance(part, Opaque)
    assert (part.dialect, part.kind, part.data) == ("anthropic-messages", "hologram", data)


def test_a_delta_that_is_new_stays_with_the_item_of_its_block() -> None:
    (part,) = decoded(
        block(
            0,
            {"type": "text", "text": "a"},
            {"type": "mood_delta", "mood": "glad"},
            {"type": "text_delta", "text": "b"},
        )
    ).parts
    assert isinstance(part, Text)
    assert part.text == "ab"
    assert part.origin is not None
    assert part.origin.item == {"type": "text", "text": "ab", "mood": "glad"}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("end_turn", "end"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("stop_sequence", "stop_sequence"),
        ("tool_use", "tool_call"),
        ("refusal", "refusal"),
        ("pause_turn", "paused"),
        ("a reason of next year", "end"),
    ],
)
def test_every_reason_to_stop_has_its_own_word(theirs: str, ours: str) -> None:
    answer = whole([{"type": "text", "text": "x"}], stop_reason=theirs)
    assert answer.finished is not None
    assert answer.finished.stop_reason == ours


def test_why_it_was_refused_is_said_in_a_notice() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "Not this."}
    answer = whole([], stop_reason="refusal", stop_details=details)
    assert answer.parts == (Notice(code="refusal", text="Not this."),)


def test_usage_counts_what_the_cache_gave_and_took() -> None:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 200,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 4},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
    }
    answer = whole([], usage=usage)
    assert answer.finished is not None
    assert answer.finished.usage == Usage(
        input_tokens=240,
        cached_tokens=200,
        cache_write_tokens=30,
        output_tokens=7,
        thinking_tokens=4,
        details={"cache_write_5m_tokens": 20, "cache_write_1h_tokens": 10, "searches": 2},
    )


def test_usage_that_is_told_again_stands_in_place_of_the_first() -> None:
    answer = decoded(
        end=[
            {"type": "message_delta", "delta": {}, "usage": {"input_tokens": 9, "output_tokens": 1}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
            {"type": "message_stop"},
        ]
    )
    assert answer.finished == Finished(stop_reason="end", usage=Usage(input_tokens=9, output_tokens=2))


def test_an_advising_model_is_counted_apart_because_it_has_its_own_price() -> None:
    advice = {"type": "advisor_message", "model": "other", "input_tokens": 100, "output_tokens": 50}
    answer = whole([], usage={"input_tokens": 1, "output_tokens": 2, "iterations": [advice]})
    assert answer.finished is not None
    usage = answer.finished.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (1, 2)
    assert usage.details == {"advisor_input_tokens": 100, "advisor_output_tokens": 50}


def test_without_any_count_the_usage_is_unknown() -> None:
    answer = whole([])
    assert answer.finished is not None
    assert answer.finished.usage is None


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("overloaded_error", "provider_overloaded"),
        ("rate_limit_error", "provider_rate_limit"),
        ("api_error", "provider_error"),
        ("authentication_error", "provider_key_refused"),
        ("invalid_request_error", "provider_refused"),
    ],
)
def test_an_error_in_the_stream_is_a_fault_with_its_code(kind: str, code: str) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "Sorry."}}
    with pytest.raises(ProviderFault, match=r"Sorry\.") as caught:
        streamed(AnthropicDecoder("claude", "m"), stream_of(HEAD, error))
    assert caught.value.code == code


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"a":1}', b'{"content":7}'])
def test_a_body_that_is_no_message_is_said_to_be_unreadable(body: bytes) -> None:
    with pytest.raises(ProviderFault) as caught:
        AnthropicDecoder("claude", "m").whole(body)
    assert caught.value.code == "provider_unreadable"


def test_a_stream_that_ends_without_a_reason_is_cut() -> None:
    decoder = AnthropicDecoder("claude", "m")
    with pytest.raises(ProviderFault) as caught:
        streamed(decoder, stream_of(HEAD, *block(0, {"type": "text", "text": "Hal"})))
    assert caught.value.code == "provider_cut"


def test_a_stream_that_forgets_only_its_last_event_is_complete() -> None:
    answer = decoded(block(0, {"type": "text", "text": "Hallo"})[:1], end=END[:1])
    assert answer.text == "Hallo"
    assert answer.finished is not None


def test_nothing_follows_the_end() -> None:
    late = block(0, {"type": "text", "text": "late"})
    answer = decoded(end=[*END, *late, *END])
    assert answer.parts == ()

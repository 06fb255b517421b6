"""`openai-responses` answers made by hand: one small exchange for every kind of item."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowseat.core.errors import ProviderFault
from windowseat.core.message import Usage
from windowseat.core.parts import Citation, Image, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from windowseat.features.providers.dialects.openai_responses_decode import OpenaiResponsesDecoder

from .decoded import Answer, answer_of, streamed

CALL = {
    "type": "function_call",
    "id": "fc",
    "call_id": "c",
    "name": "f",
    "arguments": '{"x": 1}',
    "status": "completed",
}


def message(*contents: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "msg",
        "role": "assistant",
        "status": "completed",
        "content": list(contents),
    }


def text(words: str, *notes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "output_text", "text": words, "annotations": list(notes), "logprobs": []}


def whole(*items: dict[str, Any], **more: Any) -> Answer:
    body = {"status": "completed", "output": list(items), **more}
    return answer_of(OpenaiResponsesDecoder("there", "m").whole(json.dumps(body).encode()))


def events(*listed: dict[str, Any]) -> Answer:
    body = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in listed)
    return answer_of(streamed(OpenaiResponsesDecoder("there", "m"), body.encode()))


def done(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"status": "completed", "output": list(items), **more}}


def delta(kind: str, words: str, at: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "delta": words, "output_index": at, "item_id": "i", **more}


def item(kind: str, at: int, what: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.output_item.{kind}", "output_index": at, "item": what}


def stop_of(answer: Answer) -> str:
    assert answer.finished is not None
    return answer.finished.stop_reason


def item_of(part: Part) -> Any:
    assert part.origin is not None
    return part.origin.item


# -- words, thoughts, calls -----------------------------------------------------------------------


def test_each_item_settles_with_itself_in_its_origin() -> None:
    thought = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "xyz"}
    said = message(text("Hello"))
    answer = events(
        item("added", 0, {**thought, "encrypted_content": "half"}),
        item("done", 0, thought),
        item("added", 1, {**said, "content": []}),
        delta("output_text", "Hel", 1, content_index=0, logprobs=[]),
        delta("output_text", "lo", 1, content_index=0),
        item("done", 1, said),
        item("added", 2, {**CALL, "arguments": ""}),
        delta("function_call_arguments", '{"x": ', 2),
        delta("function_call_arguments", "1}", 2),
        item("done", 2, CALL),
        done(thought, said, CALL),
    )
    assert [part.type for part in answer.parts] == ["thinking", "text", "tool_call"]
    assert [item_of(part) for part in answer.parts] == [thought, said, CALL]
    assert [part.origin and part.origin.key for part in answer.parts] == ["item/0", "item/1", "item/2"]
    assert answer.parts[2] == ToolCall(id="c", name="f", arguments={"x": 1}, origin=answer.parts[2].origin)
    assert stop_of(answer) == "tool_call"


def test_a_message_of_several_contents_is_a_text_for_each_and_one_item() -> None:
    said = message(text("One"), text("Two"))
    answer = whole(said)
    assert [(part.text, item_of(part)) for part in answer.parts if isinstance(part, Text)] == [
        ("One", said),
        ("Two", None),
    ]
    assert [part.origin and part.origin.shares for part in answer.parts] == [2, 2]


def test_a_thoughts_summaries_are_one_thought_with_a_line_between() -> None:
    thought = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": each} for each in ("One", "Two")],
    }
    answer = events(
        item("added", 0, {"type": "reasoning", "summary": []}),
        delta("reasoning_summary_text", "On", summary_index=0),
        delta("reasoning_summary_text", "e", summary_index=0),
        delta("reasoning_summary_text", "Two", summary_index=1),
        item("done", 0, thought),
        done(thought),
    )
    assert answer.thinking == "One\n\nTwo"
    assert whole(thought).thinking == "One\n\nTwo"


def test_open_thinking_streams_too() -> None:
    answer = events(delta("reasoning_text", "Hm", content_index=0), done())
    assert [(type(part), getattr(part, "text", "")) for part in answer.parts] == [(Thinking, "Hm")]


def test_words_that_did_not_stream_come_with_their_item() -> None:
    assert events(item("done", 0, message(text("All at once"))), done()).text == "All at once"
    assert events(done(message(text("At the end")))).text == "At the end"


def test_items_that_the_last_event_tells_again_count_once() -> None:
    said = message(text("Once"))
    assert events(item("done", 3, said), done(said)).text == "Once"


def test_a_custom_tools_input_is_no_json() -> None:
    call = {"type": "custom_tool_call", "call_id": "c", "name": "sh", "input": "ls -l"}
    answer = events(
        item("added", 0, {**call, "input": ""}),
        delta("custom_tool_call_input", "ls -l"),
        item("done", 0, call),
        done(),
    )
    assert [(each.name, each.arguments) for each in answer.calls("us")] == [("sh", "ls -l")]


# -- tools that ran there -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ran", "name", "arguments", "content", "error"),
    [
        (
            {"type": "web_search_call", "action": {"type": "search", "query": "x", "sources": [{"url": "https://e.org"}]}},
            "web_search", {"type": "search", "query": "x"}, (Text(text="https://e.org"),), None,
        ),
        ({"type": "web_search_call", "action": {"type": "search", "query": "x"}},
         "web_search", {"type": "search", "query": "x"}, None, None),
        (
            {"type": "code_interpreter_call", "code": "1+1", "outputs": [
                {"type": "logs", "logs": "2"}, {"type": "image", "url": "data:image/jpeg;base64,AA"}]},
            "code_interpreter", {"code": "1+1"},
            (Text(text="2"), Image(media_type="image/jpeg", url="data:image/jpeg;base64,AA")), None,
        ),
        (
            {"type": "mcp_call", "name": "ask", "arguments": '{"q":1}', "output": None, "error": "no"},
            "ask", {"q": 1}, (), "no",
        ),
        (
            {"type": "file_search_call", "queries": ["q"], "results": [{"filename": "a.txt", "text": "A"}]},
            "file_search", {"queries": ["q"]}, (Text(text="a.txt\nA"),), None,
        ),
        (
            {"type": "image_generation_call", "result": "AA", "revised_prompt": "a cat"},
            "image_generation", {"revised_prompt": "a cat"},
            (Image(media_type="image/png", url="data:image/png;base64,AA"),), None,
        ),
    ],
)  # fmt: skip
def test_a_tool_that_ran_there_is_a_call_with_what_came_of_it(
    ran: dict[str, Any], name: str, arguments: Any, content: tuple[Part, ...] | None, error: str | None
) -> None:
    answer = whole({"id": "x", **ran}, message(text("So.")))
    (call,) = answer.calls("provider")
    assert (call.name, call.arguments) == (name, arguments)
    assert item_of(call)["type"] == ran["type"]
    results = [part for part in answer.parts if isinstance(part, ToolResult)]
    assert [(each.id, each.content, each.error) for each in results] == (
        [] if content is None else [(call.id, content, error)]
    )
    assert stop_of(answer) == "end"


def test_a_pictures_bytes_are_kept_once() -> None:
    answer = whole({"type": "image_generation_call", "id": "x", "result": "A" * 100})
    assert item_of(answer.calls("provider")[0]) == {"type": "image_generation_call", "id": "x"}


def test_code_that_runs_there_is_seen_while_it_is_written() -> None:
    call = {"type": "code_interpreter_call", "id": "x", "code": "1+1", "outputs": None}
    answer = events(
        item("added", 0, {**call, "code": ""}),
        delta("code_interpreter_call_code", "1+1"),
        item("done", 0, call),
        done(),
    )
    assert answer.calls("provider")[0].arguments == {"code": "1+1"}


def test_an_item_that_is_not_known_is_kept_in_its_place() -> None:
    unknown = {"type": "crystal_ball_call", "id": "x", "sees": "rain"}
    answer = whole(unknown, message(text("Rain.")))
    first = answer.parts[0]
    assert isinstance(first, Opaque)
    assert (first.kind, first.data) == ("item.crystal_ball_call", unknown)


# -- citations, ends, usage -----------------------------------------------------------------------


def test_citations_name_their_text_and_span() -> None:
    note = {"type": "url_citation", "url": "https://e.org", "title": "E", "start_index": 0, "end_index": 3}
    file = {"type": "file_citation", "file_id": "f", "filename": "a.pdf", "index": 2}
    cited = [
        part
        for part in whole(message(text("One"), text("Two", note, file))).parts
        if isinstance(part, Citation)
    ]
    assert [(c.part, c.start, c.end, c.url, c.title) for c in cited] == [
        (1, 0, 3, "https://e.org", "E"), (1, None, None, None, "a.pdf"),
    ]  # fmt: skip


@pytest.mark.parametrize(("why", "means"), [("max_output_tokens", "length"), ("content_filter", "filtered")])
def test_an_answer_that_was_broken_off_says_why_and_keeps_what_came(why: str, means: str) -> None:
    end = {
        "type": "response.incomplete",
        "response": {"status": "incomplete", "incomplete_details": {"reason": why}},
    }
    answer = events(
        delta("output_text", "Half", content_index=0),
        item("added", 1, {**CALL, "arguments": ""}),
        delta("function_call_arguments", '{"x', 1),
        end,
    )
    assert (answer.text, stop_of(answer)) == ("Half", means)
    assert [call.arguments for call in answer.calls("us")] == ['{"x']


def test_a_refusal_is_text_and_a_reason() -> None:
    answer = events(
        delta("refusal", "I cannot.", content_index=0),
        item("done", 0, message({"type": "refusal", "refusal": "I cannot."})),
        done(),
    )
    assert (answer.text, stop_of(answer)) == ("I cannot.", "refusal")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "server_error", "message": "down"},
        {"type": "error", "error": {"type": "server_error", "message": "down"}},
        {
            "type": "response.failed",
            "response": {"status": "failed", "error": {"code": "x", "message": "down"}},
        },
    ],
)
def test_an_error_is_a_fault(event: dict[str, Any]) -> None:
    with pytest.raises(ProviderFault, match="down"):
        events(event)


def test_a_stream_without_its_last_event_was_cut() -> None:
    with pytest.raises(ProviderFault) as fault:
        events(delta("output_text", "Half", content_index=0))
    assert fault.value.code == "provider_cut"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"output":{}}', b"\xff"])
def test_what_is_no_response_is_a_clear_fault(body: bytes) -> None:
    with pytest.raises(ProviderFault) as fault:
        OpenaiResponsesDecoder("there", "m").whole(body)
    assert fault.value.code == "provider_unreadable"


def test_usage_with_what_tools_used() -> None:
    usage = {
        "input_tokens": 9, "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 3},
    }  # fmt: skip
    answer = whole(
        usage=usage, tool_usage={"web_search": {"num_requests": 2}, "image_gen": {"output_tokens": 7}}
    )
    assert answer.finished is not None
    assert answer.finished.usage == Usage(
        input_tokens=9,
        cached_tokens=4,
        cache_write_tokens=2,
        output_tokens=5,
        thinking_tokens=3,
        details={"searches": 2, "image_output_tokens": 7},
    )


# -- anything -------------------------------------------------------------------------------------

_TYPES = st.sampled_from(
    [
        "response.output_item.added",
        "response.output_item.done",
        "response.output_text.delta",
        "response.completed",
        "response.reasoning_summary_text.delta",
        "response.function_call_arguments.delta",
        "response.incomplete",
        "reasoning",
        "message",
        "function_call",
        "web_search_call",
        "mcp_call",
        "code_interpreter_call",
        "image_generation_call",
        "output_text",
        "refusal",
        "url_citation",
        "error",
    ]
)
_FIELDS = st.sampled_from(
    [
        "type",
        "item",
        "output_index",
        "content_index",
        "delta",
        "response",
        "output",
        "content",
        "text",
        "summary",
        "arguments",
        "action",
        "outputs",
        "annotations",
        "usage",
        "input_tokens_details",
        "status",
        "call_id",
        "id",
    ]
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | _TYPES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_FIELDS, inner, max_size=5),
    max_leaves=15,
)
_EVENT = st.fixed_dictionaries(
    {"type": _TYPES}, optional={"output_index": st.integers(-1, 2), "item": _ANYTHING}
) | (st.dictionaries(_FIELDS, _ANYTHING, max_size=5))


@settings(max_examples=400)
@given(st.lists(_EVENT, max_size=6))
def test_whatever_fields_come_it_ends_in_parts_or_in_a_fault(listed: list[dict[str, Any]]) -> None:
    decoder = OpenaiResponsesDecoder("there", "m")
    body = "".join(f"data: {json.dumps(each)}\n\n" for each in [*listed, done()])
    try:
        decoded = streamed(decoder, body.encode())
    except ProviderFault:
        return
    assert answer_of(decoded).finished is not None


_STREAM = [
    item("added", 0, {"type": "reasoning", "summary": []}),
    delta("reasoning_summary_text", "Hm", summary_index=0),
    item("done", 0, {"type": "reasoning", "summary": [{"text": "Hm"}]}),
    item("added", 1, message()),
    delta("output_text", "Yes", 1, content_index=0),
    delta("output_text", "!", 1, content_index=1),
    delta("refusal", "No", 1, content_index=0),
    item("done", 1, message(text("Yes!"))),
    item("added", 2, {**CALL, "arguments": ""}),
    delta("function_call_arguments", '{"x": 1}', 2),
    delta("output_text", "?", 2, content_index=0),
    item("done", 2, CALL),
    item("done", 2, message(text("Changed"))),
    item("added", 0, CALL),
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(_STREAM), max_size=20))
def test_in_whatever_order_events_come_each_part_settles_once(listed: list[dict[str, Any]]) -> None:
    assert events(*listed, done(CALL, message(text("Yes!")))).finished is not None


@settings(max_examples=200)
@given(st.lists(st.dictionaries(_FIELDS, _ANYTHING, max_size=5) | _ANYTHING, max_size=4))
def test_whatever_a_whole_answer_holds_it_ends_in_parts_or_in_a_fault(items: list[Any]) -> None:
    body = json.dumps({"status": "completed", "output": items}).encode()
    assert answer_of(OpenaiResponsesDecoder("there", "m").whole(body)).finished is not None

"""`openai-chat` answers made by hand: one small exchange for every feature of the wire."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowseat.core.errors import ProviderFault
from windowseat.core.events import PartDelta
from windowseat.core.message import Usage
from windowseat.core.parts import Audio, Citation, Image, Opaque, Text, Thinking, ToolCall, ToolResult
from windowseat.features.providers.dialects.openai_chat_decode import OpenaiChatDecoder

from .decoded import Answer, answer_of, streamed


def chunk(delta: dict[str, Any], stop: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": stop}], **more}


def sse(*chunks: dict[str, Any], done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(each)}\n\n" for each in chunks]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def decoded(*chunks: dict[str, Any], done: bool = True) -> Answer:
    return answer_of(streamed(OpenaiChatDecoder("there", "m"), sse(*chunks, done=done)))


def whole(message: dict[str, Any], stop: str = "stop", **more: Any) -> Answer:
    body = {"choices": [{"index": 0, "message": message, "finish_reason": stop}], **more}
    return answer_of(OpenaiChatDecoder("there", "m").whole(json.dumps(body).encode()))


def stop_of(answer: Answer) -> str:
    assert answer.finished is not None
    return answer.finished.stop_reason


def usage_of(answer: Answer) -> Usage:
    assert answer.finished is not None
    assert answer.finished.usage is not None
    return answer.finished.usage


# -- words and thinking ---------------------------------------------------------------------------


def test_neighbouring_words_are_one_text() -> None:
    answer = decoded(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}, "stop"),
    )
    assert [(part.type, getattr(part, "text", "")) for part in answer.parts] == [("text", "Hello")]
    assert stop_of(answer) == "end"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thinking_stands_before_the_text_it_led_to_and_again_between(field: str) -> None:
    answer = decoded(
        chunk({field: "Hm", "content": None}),
        chunk({field: "m."}),
        chunk({"content": "Yes"}),
        chunk({field: "Or"}),
        chunk({"content": "No", field: None}, "stop"),
    )
    assert [(type(part), getattr(part, "text", "")) for part in answer.parts] == [
        (Thinking, "Hmm."), (Text, "Yes"), (Thinking, "Or"), (Text, "No"),
    ]  # fmt: skip


def test_a_whole_answer_has_the_same_parts_as_a_streamed_one() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    one = whole({"role": "assistant", "content": "Hi", "reasoning": "Hm", "tool_calls": [call]}, "tool_calls")
    other = decoded(
        chunk({"reasoning": "Hm"}),
        chunk({"content": "Hi"}),
        chunk({"tool_calls": [{"index": 0, **call}]}, "tool_calls"),
    )
    assert one == other


def test_reasoning_details_are_joined_and_kept_with_their_signature() -> None:
    piece = {"type": "reasoning.text", "index": 0, "format": "f"}
    answer = decoded(
        chunk({"content": "", "reasoning": "Th", "reasoning_details": [{**piece, "text": "Th"}]}),
        chunk({"content": "", "reasoning": "ink", "reasoning_details": [{**piece, "text": "ink"}]}),
        chunk({"content": "", "reasoning": "", "reasoning_details": [{**piece, "signature": "s"}]}),
        chunk({"content": "Yes"}, "stop"),
    )
    thought = answer.parts[0]
    assert isinstance(thought, Thinking)
    assert thought.text == "Think"
    assert thought.origin is not None
    assert thought.origin.item == {"reasoning_details": [{**piece, "text": "Think", "signature": "s"}]}


def test_hidden_reasoning_is_a_thought_without_words() -> None:
    secret = {"type": "reasoning.encrypted", "data": "xyz", "index": 0}
    answer = whole({"content": "Yes", "reasoning_details": [secret]})
    assert [(type(part), getattr(part, "text", "")) for part in answer.parts] == [
        (Thinking, ""),
        (Text, "Yes"),
    ]


def test_content_may_be_a_list_with_thinking_in_it() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    more = {"type": "thinking", "thinking": [{"type": "text", "text": "m"}]}
    reference = {"type": "reference", "reference_ids": [1]}
    answer = decoded(
        chunk({"content": [thinking]}),
        chunk({"content": [more]}),
        chunk({"content": [{"type": "text", "text": "Yes"}, reference]}),
        chunk({"content": "!"}, "stop"),
    )
    assert [part.type for part in answer.parts] == ["thinking", "text", "opaque", "text"]
    assert answer.thinking == "Hmm"
    assert answer.text == "Yes!"
    assert isinstance(answer.parts[2], Opaque)
    assert answer.parts[2].data == reference


def test_log_probabilities_pass_through() -> None:
    chance = {"content": [{"token": "a", "logprob": -1}]}
    body = {"choices": [{"index": 0, "delta": {"content": "a"}, "logprobs": chance, "finish_reason": "stop"}]}
    events = streamed(OpenaiChatDecoder("there", "m"), sse(body))
    assert [event.logprobs for event in events if isinstance(event, PartDelta)] == [chance["content"]]


def test_only_the_first_choice_is_the_answer() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": "stop"}]}
    assert decoded(chunk({"content": "yes"}, "stop"), other, {"choices": []}).text == "yes"


# -- tool calls -----------------------------------------------------------------------------------


def call_piece(
    index: int | None, written: str, id: str | None = None, name: str | None = None
) -> dict[str, Any]:
    piece: dict[str, Any] = {"function": {"arguments": written}}
    if index is not None:
        piece["index"] = index
    if id is not None:
        piece |= {"id": id, "type": "function"}
    if name is not None:
        piece["function"]["name"] = name
    return chunk({"tool_calls": [piece]})


def test_parallel_calls_may_come_interleaved() -> None:
    answer = decoded(
        chunk({"content": "Let me see."}),
        call_piece(0, "", "a", "one"),
        call_piece(1, "", "b", "two"),
        call_piece(0, '{"x"'),
        call_piece(1, '{"y":2}'),
        call_piece(0, ":1}"),
        chunk({}, "tool_calls"),
    )
    assert [(call.id, call.name, call.arguments) for call in answer.calls("us")] == [
        ("a", "one", {"x": 1}), ("b", "two", {"y": 2}),
    ]  # fmt: skip
    assert stop_of(answer) == "tool_call"
    origin = answer.calls("us")[0].origin
    assert origin is not None
    assert origin.item == {"type": "function", "id": "a", "function": {"name": "one", "arguments": '{"x":1}'}}


def test_calls_without_an_index_or_with_the_same_one_are_told_apart_by_their_ids() -> None:
    for index in (None, 0):
        answer = decoded(
            call_piece(index, '{"x":1}', "a", "f"), call_piece(index, "{}", "b", "f"), chunk({}, "stop")
        )
        assert [(call.id, call.arguments) for call in answer.calls("us")] == [("a", {"x": 1}), ("b", {})]
        assert stop_of(answer) == "tool_call"


def test_an_id_that_is_repeated_in_each_piece_is_one_call() -> None:
    answer = decoded(call_piece(0, '{"x"', "a", "f"), call_piece(0, ":1}", "a", "f"), chunk({}, "tool_calls"))
    assert [(call.name, call.arguments) for call in answer.calls("us")] == [("f", {"x": 1})]


def test_calls_without_an_id_get_one_each() -> None:
    answer = decoded(call_piece(0, "{}", None, "f"), call_piece(1, "{}", "", "g"), chunk({}, "tool_calls"))
    assert [call.id for call in answer.calls("us")] == ["call_0", "call_1"]


def test_two_calls_with_one_id_get_ids_of_their_own() -> None:
    answer = decoded(
        call_piece(0, "{}", "same", "f"), call_piece(1, "{}", "same", "g"), chunk({}, "tool_calls")
    )
    assert len({call.id for call in answer.calls("us")}) == 2


@pytest.mark.parametrize(("written", "read"), [("", {}), ("{", "{"), ("[1]", "[1]"), ('{"a":{}}', {"a": {}})])
def test_arguments_that_are_no_object_stay_as_they_were_written(written: str, read: Any) -> None:
    assert decoded(call_piece(0, written, "a", "f"), chunk({}, "tool_calls")).calls("us")[0].arguments == read


def test_arguments_may_come_as_an_object() -> None:
    answer = whole({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]})
    assert answer.calls("us")[0].arguments == {"x": 1}


def test_the_old_function_call_is_a_call() -> None:
    answer = whole({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, "function_call")
    assert [(call.name, call.arguments) for call in answer.calls("us")] == [("f", {})]


def test_what_a_call_carries_besides_is_kept_with_it() -> None:
    extra = {"google": {"thought_signature": "s"}}
    answer = whole(
        {"tool_calls": [{"id": "a", "extra_content": extra, "function": {"name": "f", "arguments": "{}"}}]}
    )
    origin = answer.calls("us")[0].origin
    assert origin is not None
    assert origin.item["extra_content"] == extra


def test_a_tool_that_ran_there_is_a_call_with_its_result() -> None:
    ran = {"index": 0, "type": "search", "arguments": '{"query":"x"}'}
    answer = decoded(
        chunk({"reasoning": "Hm"}),
        chunk({"executed_tools": [ran]}),
        chunk({"executed_tools": [{**ran, "output": "found"}]}),
        chunk({"content": "Yes"}, "stop"),
    )
    assert [part.type for part in answer.parts] == ["thinking", "tool_call", "tool_result", "text"]
    call, result = answer.parts[1], answer.parts[2]
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (call.by, call.name, call.arguments) == ("provider", "search", {"query": "x"})
    assert (result.id, result.content) == (call.id, (Text(text="found"),))
    assert stop_of(answer) == "end"


# -- media, citations, what is not known ----------------------------------------------------------


def test_images_come_as_parts() -> None:
    url = "data:image/webp;base64,AAAA"
    answer = whole({"content": "Here.", "images": [{"type": "image_url", "image_url": {"url": url}}]})
    image = answer.parts[1]
    assert isinstance(image, Image)
    assert (image.media_type, image.url) == ("image/webp", url)


def test_sound_is_its_transcript_and_one_recording() -> None:
    pieces = [base64.b64encode(each).decode() for each in (b"RIFFab", b"cdefg")]
    answer = decoded(
        chunk({"audio": {"id": "a", "transcript": "Hel"}}),
        chunk({"audio": {"transcript": "lo", "data": pieces[0]}}),
        chunk({"audio": {"data": pieces[1], "expires_at": 1}}, "stop"),
    )
    sound = answer.parts[-1]
    assert answer.text == "Hello"
    assert isinstance(sound, Audio)
    assert sound.media_type == "audio/wav"
    assert sound.url is not None
    assert base64.b64decode(sound.url.split(",")[1]) == b"RIFFabcdefg"


def test_a_citation_names_the_text_part_and_the_span_in_it() -> None:
    note = {
        "type": "url_citation",
        "url_citation": {"url": "https://e.org", "title": "E", "start_index": 6, "end_index": 9},
    }
    answer = decoded(
        chunk({"content": "First "}),
        chunk({"reasoning": "Hm"}),
        chunk({"content": "then."}),
        chunk({"annotations": [note]}, "stop"),
    )
    assert answer.parts[-1] == Citation(
        part=2, start=0, end=3, url="https://e.org", title="E", origin=answer.parts[-1].origin
    )


def test_a_span_that_does_not_fit_the_text_is_left_out() -> None:
    note = {
        "type": "url_citation",
        "url_citation": {"url": "https://e.org", "start_index": 3, "end_index": 99},
    }
    cited = whole({"content": "Short", "annotations": [note]}).parts[-1]
    assert isinstance(cited, Citation)
    assert (cited.part, cited.start, cited.end) == (0, None, None)


def test_sources_named_beside_the_message_are_citations() -> None:
    answer = whole({"content": "Yes [1]"}, citations=["https://e.org"])
    assert [part.url for part in answer.parts if isinstance(part, Citation)] == ["https://e.org"]


def test_a_field_that_is_not_known_is_kept() -> None:
    answer = decoded(
        chunk({"content": "a", "mood": "gl"}),
        chunk({"mood": "ad", "marks": [1]}),
        chunk({"marks": [2]}, "stop"),
    )
    kept = {part.kind: part.data for part in answer.parts if isinstance(part, Opaque)}
    assert kept == {"message.mood": "glad", "message.marks": [1, 2]}


# -- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("stop", "end"),
        ("length", "length"),
        ("content_filter", "filtered"),
        ("tool_calls", "tool_call"),
        ("odd", "end"),
    ],
)
def test_why_it_stopped(said: str, means: str) -> None:
    assert stop_of(decoded(chunk({"content": "a"}, said))) == means


def test_a_stop_word_is_told_apart_from_the_end() -> None:
    body = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "\n\n"}]}
    assert stop_of(decoded(chunk({"content": "a"}), body)) == "stop_sequence"


def test_a_refusal_is_text_and_a_reason() -> None:
    answer = decoded(chunk({"refusal": "I "}), chunk({"refusal": "cannot."}, "stop"))
    assert (answer.text, stop_of(answer)) == ("I cannot.", "refusal")


def test_done_is_an_end_where_no_reason_came() -> None:
    assert stop_of(decoded(chunk({"content": "a"}))) == "end"


def test_a_reason_is_an_end_where_no_done_came() -> None:
    assert decoded(chunk({"content": "a"}, "stop"), done=False).text == "a"


def test_a_stream_without_an_end_was_cut() -> None:
    decoder = OpenaiChatDecoder("there", "m")
    assert decoder.feed("", json.dumps(chunk({"content": "a"})).encode())
    with pytest.raises(ProviderFault) as fault:
        decoder.end()
    assert fault.value.code == "provider_cut"


def test_nothing_counts_after_the_end() -> None:
    decoder = OpenaiChatDecoder("there", "m")
    streamed(decoder, sse(chunk({"content": "a"}, "stop")))
    assert decoder.feed("", json.dumps(chunk({"content": "b"})).encode()) == ()
    assert decoder.end() == ()


@pytest.mark.parametrize(
    "data",
    [
        b'{"error":{"message":"slow down","code":429}}',
        b'{"choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"message":"down","code":502}}',
        b'{"object":"error","message":"bad","code":400}',
    ],
)
def test_an_error_in_the_stream_is_a_fault(data: bytes) -> None:
    with pytest.raises(ProviderFault):
        OpenaiChatDecoder("there", "m").feed("", data)


def test_an_event_named_error_is_a_fault() -> None:
    with pytest.raises(ProviderFault, match="no call"):
        OpenaiChatDecoder("there", "m").feed("error", b'{"message":"no call"}')


def test_a_reason_that_is_a_failure_is_a_fault() -> None:
    with pytest.raises(ProviderFault) as fault:
        decoded(chunk({"content": "a"}, "insufficient_system_resource"))
    assert fault.value.code == "provider_error"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"choices":[]}', b"\xff\xfe", b'{"a":' * 3000])
def test_what_is_no_completion_is_a_clear_fault(body: bytes) -> None:
    with pytest.raises(ProviderFault) as fault:
        OpenaiChatDecoder("there", "m").whole(body)
    assert fault.value.code == "provider_unreadable"


# -- usage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {
                "prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0},
            },
            Usage(
                input_tokens=9, cached_tokens=4, output_tokens=5, thinking_tokens=3,
                details={"audio_input_tokens": 2},
            ),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 44},
            Usage(input_tokens=9, output_tokens=35, thinking_tokens=30),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "prompt_cache_hit_tokens": 8},
            Usage(input_tokens=9, cached_tokens=8, output_tokens=5),
        ),
        ({"prompt_tokens": 9, "num_cached_tokens": 8}, Usage(input_tokens=9, cached_tokens=8)),
        (
            {"prompt_tokens": 1, "server_tool_use_details": {"web_search_requests": 2}},
            Usage(input_tokens=1, details={"searches": 2}),
        ),
    ],
)  # fmt: skip
def test_usage_in_the_words_of_different_providers(usage: dict[str, Any], counts: Usage) -> None:
    assert usage_of(whole({"content": "a"}, usage=usage)) == counts


def test_usage_may_come_in_a_chunk_of_its_own_or_beside() -> None:
    after = decoded(chunk({"content": "a"}, "stop"), {"choices": [], "usage": {"prompt_tokens": 3}})
    beside = decoded(chunk({"content": "a"}, "stop", x_groq={"usage": {"prompt_tokens": 3}}))
    assert usage_of(after) == usage_of(beside) == Usage(input_tokens=3)


def test_no_usage_is_unknown_and_not_zero() -> None:
    answer = decoded(chunk({"content": "a"}, "stop"))
    assert answer.finished is not None
    assert answer.finished.usage is None


# -- anything -------------------------------------------------------------------------------------

_FIELDS = st.sampled_from(
    [
        "choices",
        "delta",
        "message",
        "content",
        "tool_calls",
        "function",
        "arguments",
        "index",
        "id",
        "usage",
        "error",
        "reasoning_details",
        "text",
        "annotations",
        "url_citation",
        "start_index",
        "end_index",
        "audio",
        "data",
        "images",
        "executed_tools",
        "output",
        "type",
        "name",
        "refusal",
        "finish_reason",
        "logprobs",
        "x_groq",
        "prompt_tokens",
    ]
)
_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "text", "{"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_FIELDS, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=300)
@given(st.lists(st.dictionaries(_FIELDS, _ANYTHING, max_size=5), max_size=4), st.booleans())
def test_whatever_comes_ends_in_parts_or_in_a_fault(chunks: list[dict[str, Any]], delta: bool) -> None:
    decoder = OpenaiChatDecoder("there", "m")
    wrapped = [{"choices": [{"delta": each, "finish_reason": None}]} if delta else each for each in chunks]
    try:
        events = streamed(decoder, sse(*wrapped))
    except ProviderFault:
        return
    assert answer_of(events).finished is not None

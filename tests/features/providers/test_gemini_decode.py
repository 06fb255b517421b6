"""`gemini-generate`, answers made by hand: one for each feature, and one for each way it breaks."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from windowseat.core.errors import ProviderFault
from windowseat.core.message import Usage
from windowseat.core.parts import (
    Audio,
    Citation,
    Display,
    Image,
    Notice,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Video,
)
from windowseat.features.providers.dialects.gemini_decode import GeminiDecoder

from .decoded import Answer, answer_of, streamed

STOP = {"finishReason": "STOP"}


def chunk(*parts: dict[str, Any], usage: dict[str, Any] | None = None, **candidate: Any) -> dict[str, Any]:
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    told = {"usageMetadata": usage} if usage else {}
    return {"responseId": "r", "candidates": [{**content, **candidate}], **told}


def decoded(*chunks: dict[str, Any]) -> Answer:
    body = b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks)
    return answer_of(streamed(GeminiDecoder("google", "m"), body))


def test_pieces_of_text_and_of_thought_are_one_part_each() -> None:
    answer = decoded(
        chunk({"text": "Let me ", "thought": True}),
        chunk({"text": "see.", "thought": True}, {"text": "It "}),
        chunk({"text": "rains."}),
        chunk({"text": ""}, **STOP),
    )
    thought, text = answer.parts
    assert isinstance(thought, Thinking)
    assert thought.text == "Let me see."
    assert isinstance(text, Text)
    assert text.text == "It rains."
    assert text.origin is not None
    assert text.origin.item is None


def test_a_signed_piece_is_never_joined_with_its_neighbours_in_what_goes_back() -> None:
    answer = decoded(
        chunk({"text": "a"}),
        chunk({"text": "b"}),
        chunk({"text": "c", "thoughtSignature": "c2ln"}),
        chunk({"text": "d"}),
        chunk({"text": "", "thoughtSignature": "bGF0ZQ=="}, **STOP),
    )
    (text,) = answer.parts
    assert isinstance(text, Text)
    assert text.text == "abcd"
    assert text.origin is not None
    assert text.origin.item == [
        {"text": "ab"},
        {"text": "c", "thoughtSignature": "c2ln"},
        {"text": "d"},
        {"text": "", "thoughtSignature": "bGF0ZQ=="},
    ]


def test_calls_keep_their_ids_or_get_one_by_their_place() -> None:
    signed = {"functionCall": {"name": "look", "args": {"a": 1}, "id": "x1"}, "thoughtSignature": "c2ln"}
    answer = decoded(
        chunk(signed, {"functionCall": {"name": "look"}}, {"functionCall": {"name": "see"}}, **STOP)
    )
    one, two, three = answer.calls("us")
    assert (one.id, one.arguments) == ("x1", {"a": 1})
    assert (two.id, two.arguments) == ("call_1", {})
    assert three.id == "call_2"
    assert one.origin is not None
    assert one.origin.item == [signed]
    assert answer.finished is not None
    assert answer.finished.stop_reason == "tool_call"


def test_code_that_ran_there_is_a_call_with_its_result() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "print(1)"}, "thoughtSignature": "c2ln"}
    good = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}
    bad = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no"}}
    call, result, _, failed = decoded(chunk(code, good, code, bad, **STOP)).parts
    assert isinstance(call, ToolCall)
    assert (call.name, call.by) == ("code_execution", "provider")
    assert call.arguments == {"language": "PYTHON", "code": "print(1)"}
    assert isinstance(result, ToolResult)
    assert (result.id, result.content, result.error) == (call.id, (Text(text="1\n"),), None)
    assert isinstance(failed, ToolResult)
    assert (failed.content, failed.error) == ((), "OUTCOME_FAILED: no")
    assert [each.origin.item for each in (call, result) if each.origin] == [[code], [good]]


def test_a_picture_has_its_bytes_once_and_its_signature_in_the_item() -> None:
    drawn = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "c2ln"}
    plain = {"inlineData": {"mimeType": "image/png", "data": "BBBB"}}
    on_the_way = {"inlineData": {"mimeType": "image/png", "data": "CCCC"}, "thought": True}
    film = {"fileData": {"mimeType": "video/mp4", "fileUri": "https://a.test/1"}}
    sketch, one, two, three = decoded(chunk(on_the_way, drawn, plain, film, **STOP)).parts
    assert sketch == Opaque(dialect="gemini-generate", kind="thought", data=on_the_way, origin=sketch.origin)
    assert isinstance(one, Image)
    assert one.url == "data:image/png;base64,AAAA"
    assert one.origin is not None
    assert one.origin.item == [{"inlineData": {"mimeType": "image/png"}, "thoughtSignature": "c2ln"}]
    assert isinstance(two, Image)
    assert two.origin is not None
    assert two.origin.item is None
    assert isinstance(three, Video)
    assert three.url == "https://a.test/1"


def test_pieces_of_sound_are_one_sound() -> None:
    def sound(data: bytes, kind: str = "audio/L16;rate=24000") -> dict[str, Any]:
        return {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}}

    answer = decoded(chunk(sound(b"ab")), chunk(sound(b"c")), chunk(sound(b"d", "audio/wav")), chunk(**STOP))
    one, two = answer.parts
    assert isinstance(one, Audio)
    assert one.url == f"data:audio/L16;rate=24000;base64,{base64.b64encode(b'abc').decode()}"
    assert isinstance(two, Audio)
    assert two.media_type == "audio/wav"


def test_places_counted_in_bytes_become_places_counted_in_characters() -> None:
    text = "Ä: 20 °C. Öl."
    grounding = {
        "groundingChunks": [
            {"web": {"uri": "https://a.test", "title": "A"}},
            {"retrievedContext": {"title": "B", "text": "what it says"}},
            {"maps": {"uri": "https://maps.test", "title": "C"}},
        ],
        "groundingSupports": [
            {
                "segment": {"startIndex": 12, "endIndex": 16, "text": "Öl."},
                "groundingChunkIndices": [0, 1, 99, "x"],
            }
        ],
        "webSearchQueries": ["oil"],
        "searchEntryPoint": {"renderedContent": "<b>oil</b>"},
    }
    assert text.encode()[12:16].decode() == "Öl."
    answer = decoded(chunk({"text": text}), chunk(groundingMetadata=grounding, **STOP))
    cited = [part for part in answer.parts if isinstance(part, Citation)]
    assert [(c.part, c.start, c.end, c.title, c.url, c.quote) for c in cited] == [
        (0, 10, 13, "A", "https://a.test", None),
        (0, 10, 13, "B", None, "what it says"),
        (0, None, None, "C", "https://maps.test", None),
    ]
    (call,) = answer.calls("provider")
    assert (call.name, call.arguments) == ("google_search", {"queries": ["oil"]})
    result = answer.parts[-1]
    assert isinstance(result, ToolResult)
    assert result.id == call.id
    assert result.content[1] == Display(forms={"text/html": "<b>oil</b>", "text/plain": "oil"})
    assert answer.finished is not None
    assert answer.finished.usage is None


def test_a_place_is_found_by_its_words_where_the_answer_has_several_texts() -> None:
    call = {"executableCode": {"language": "PYTHON", "code": ""}}
    segment = {"partIndex": 2, "startIndex": 0, "endIndex": 3, "text": "two"}
    supports = [{"segment": segment, "groundingChunkIndices": [0]}]
    grounding = {"groundingChunks": [{"web": {"uri": "https://a.test"}}], "groundingSupports": supports}
    answer = decoded(chunk({"text": "one "}, call, {"text": "two."}, groundingMetadata=grounding, **STOP))
    (cited,) = (part for part in answer.parts if isinstance(part, Citation))
    assert (cited.part, cited.start, cited.end) == (2, 0, 3)


def test_recited_words_name_where_they_are_from() -> None:
    sources = {"citationSources": [{"startIndex": 0, "endIndex": 3, "uri": "https://a.test"}]}
    answer = decoded(chunk({"text": "abcd"}, citationMetadata=sources, **STOP))
    (cited,) = (part for part in answer.parts if isinstance(part, Citation))
    assert (cited.start, cited.end, cited.url) == (0, 3, "https://a.test")


def test_a_part_that_is_new_is_kept() -> None:
    part = {"hologram": {"light": 1}, "thoughtSignature": "c2ln"}
    (kept,) = decoded(chunk(part, **STOP)).parts
    assert kept == Opaque(dialect="gemini-generate", kind="hologram", data=part, origin=kept.origin)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("STOP", "end"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "filtered"),
        ("RECITATION", "filtered"),
        ("PROHIBITED_CONTENT", "filtered"),
        ("IMAGE_SAFETY", "filtered"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("TOO_MANY_TOOL_CALLS", "step_limit"),
        ("A_REASON_OF_NEXT_YEAR", "error"),
    ],
)
def test_every_reason_to_finish_has_its_own_word(theirs: str, ours: str) -> None:
    answer = decoded(chunk({"text": "x"}), chunk(finishReason=theirs, finishMessage="Why."))
    assert answer.finished is not None
    assert answer.finished.stop_reason == ours
    said = [part for part in answer.parts if isinstance(part, Notice)]
    told = ours not in ("end", "length")
    assert said == ([Notice(code=ours, text=f"{theirs}: Why.")] if told else [])


def test_a_question_that_is_blocked_is_filtered_and_says_why() -> None:
    answer = decoded(
        {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}
    )
    assert answer.finished is not None
    assert answer.finished.stop_reason == "filtered"
    assert answer.finished.usage == Usage(input_tokens=4)
    (notice,) = answer.parts
    assert isinstance(notice, Notice)
    assert "PROHIBITED_CONTENT" in notice.text


def test_usage_counts_thoughts_as_written_and_what_tools_brought_as_read() -> None:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 30,
        "toolUsePromptTokenCount": 5,
        "totalTokenCount": 155,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 40},
            {"modality": "AUDIO", "tokenCount": 60},
        ],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 20}],
    }
    early = {"promptTokenCount": 100, "candidatesTokenCount": 1}
    answer = decoded(chunk({"text": "x"}, usage=early), chunk(usage=usage, **STOP))
    assert answer.finished is not None
    assert answer.finished.usage == Usage(
        input_tokens=105,
        cached_tokens=60,
        output_tokens=50,
        thinking_tokens=30,
        details={"audio_input_tokens": 60, "image_output_tokens": 20, "tool_input_tokens": 5},
    )


def test_only_the_first_of_several_answers_counts() -> None:
    two = {
        "candidates": [
            {"index": 1, "content": {"parts": [{"text": "other"}]}},
            chunk({"text": "this"}, **STOP)["candidates"][0],
        ]
    }
    assert decoded(two).text == "this"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            {"code": 503, "status": "UNAVAILABLE", "message": "The model is overloaded."},
            "provider_overloaded",
        ),
        ({"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota."}, "provider_rate_limit"),
        ({"code": 500, "status": "INTERNAL", "message": "Oh."}, "provider_error"),
    ],
)
def test_an_error_in_the_stream_is_a_fault_with_its_code(error: dict[str, Any], code: str) -> None:
    with pytest.raises(ProviderFault) as caught:
        decoded(chunk({"text": "x"}), {"error": error})
    assert caught.value.code == code


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"a":1}', b'{"candidates":[]}'])
def test_a_body_that_is_no_answer_is_said_to_be_unreadable(body: bytes) -> None:
    with pytest.raises(ProviderFault) as caught:
        GeminiDecoder("google", "m").whole(body)
    assert caught.value.code == "provider_unreadable"


def test_a_stream_that_ends_without_a_reason_is_cut() -> None:
    with pytest.raises(ProviderFault) as caught:
        decoded(chunk({"text": "Hal"}))
    assert caught.value.code == "provider_cut"

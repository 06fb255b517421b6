"""`openai-responses` requests made by hand: items whole or not at all, and the rest as neutral values."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from windowseat.core.errors import Refused
from windowseat.core.message import Message
from windowseat.core.model import Model, Options
from windowseat.core.parts import (
    Audio,
    File,
    Image,
    Opaque,
    Origin,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Video,
    at_step,
    plain,
)
from windowseat.core.tool import Tool
from windowseat.core.window import Window
from windowseat.features.providers.dialects.encoding import GO_ON
from windowseat.features.providers.dialects.openai_responses import OpenaiResponses
from windowseat.features.providers.dialects.openai_responses_decode import OpenaiResponsesDecoder

from .decoded import answer_of
from .values import Files, body_of, encoded, message, window

OPENAI = "api.openai.com"
MODEL = Model(connection="there", id="gpt-5.2", dialect="openai-responses")
THOUGHT = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "xyz"}
SAID = {
    "type": "message", "id": "msg", "role": "assistant", "status": "completed",
    "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}],
}  # fmt: skip
CALL = {"type": "function_call", "id": "fc", "call_id": "theirs", "name": "f", "arguments": '{ "x": 1 }'}


def asks(*parts: Part) -> Message:
    return message("q", "user", *(parts or (Text(text="Why?"),)))


def answers(*parts: Part) -> Message:
    return message("a", "assistant", *parts)


def from_here(*items: dict[str, Any], model: Model = MODEL) -> tuple[Part, ...]:
    """The parts of an answer that this very model gave."""
    body = json.dumps({"status": "completed", "output": items}).encode()
    return tuple(
        at_step(p, 1) for p in answer_of(OpenaiResponsesDecoder(model.connection, model.id).whole(body)).parts
    )


def input_of(
    what: Window, model: Model = MODEL, host: str = OPENAI, files: Files | None = None
) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = encoded(OpenaiResponses(host), what, model, files=files)["input"]
    return listed


def result(id: str, *content: Part) -> ToolResult:
    return ToolResult(id=id, content=content or (Text(text="done"),), step=1)


# -- items that go back ---------------------------------------------------------------------------


def test_a_whole_step_goes_back_item_by_item_as_it_came() -> None:
    parts = from_here(THOUGHT, SAID, CALL)
    assert input_of(window(asks(), answers(*parts, result("theirs"))))[1:] == [
        THOUGHT, SAID, CALL, {"type": "function_call_output", "call_id": "theirs", "output": "done"},
    ]  # fmt: skip


def test_our_id_of_a_call_is_theirs_again_on_the_wire() -> None:
    thought, call = from_here(THOUGHT, CALL)
    assert isinstance(call, ToolCall)
    listed = input_of(window(asks(), answers(thought, replace(call, id="ours"), result("ours"))))
    assert [each.get("call_id") for each in listed[2:]] == ["theirs", "theirs"]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_of_a_step_that_is_not_whole_the_neutral_values_go_without_its_thought(missing: int) -> None:
    parts = [part for number, part in enumerate(from_here(THOUGHT, SAID, CALL)) if number != missing]
    listed = input_of(window(asks(), answers(*parts, *([result("theirs")] if missing != 2 else []))))
    kinds = [each.get("type") or each["role"] for each in listed[1:]]
    wholes = {
        0: ["assistant", "function_call", "function_call_output"],
        1: ["function_call", "function_call_output"],
    }
    # Without the call the step still ends in an item, and what is there is as it came.
    assert kinds == wholes.get(missing, ["reasoning", "message"])


def test_a_thought_that_led_to_nothing_stays_away() -> None:
    assert input_of(window(asks(), answers(*from_here(THOUGHT), Text(text="I mean", step=2))))[1:] == [
        {"role": "assistant", "content": "I mean"}
    ]


def test_a_changed_text_goes_in_its_new_words() -> None:
    thought, said = from_here(THOUGHT, SAID)
    assert isinstance(said, Text)
    changed = plain(replace(said, text="Changed."))
    assert input_of(window(asks(), answers(thought, changed)))[1:] == [
        {"role": "assistant", "content": "Changed."}
    ]


def test_another_model_gets_neutral_values_and_no_thought() -> None:
    parts = from_here(THOUGHT, SAID, CALL)
    listed = input_of(window(asks(), answers(*parts, result("theirs"))), replace(MODEL, id="gpt-5.1"))
    assert listed[1:] == [
        {"role": "assistant", "content": "Let me see."},
        {"type": "function_call", "call_id": "theirs", "name": "f", "arguments": '{"x":1}'},
        {"type": "function_call_output", "call_id": "theirs", "output": "done"},
    ]


def test_tools_that_ran_there_and_what_is_not_known_go_back_in_their_places() -> None:
    search = {
        "type": "web_search_call",
        "id": "ws",
        "status": "completed",
        "action": {"type": "search", "query": "x"},
    }
    unknown = {"type": "crystal_ball_call", "id": "cb"}
    parts = from_here(THOUGHT, search, unknown, SAID)
    assert input_of(window(asks(), answers(*parts)))[1:] == [THOUGHT, search, unknown, SAID]
    elsewhere = input_of(window(asks(), answers(*parts)), replace(MODEL, connection="elsewhere"))
    assert elsewhere[1:] == [{"role": "assistant", "content": "Let me see."}]


def test_a_picture_that_was_drawn_there_goes_back_with_its_bytes_from_our_file() -> None:
    drawn = {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "iVBORw=="}
    call, shown = from_here(drawn)
    files = Files()
    assert isinstance(shown, ToolResult)
    kept = Image(media_type="image/png", file=files.add(b"\x89PNG", "image/png"))
    for content in (shown.content, (kept,)):
        what = window(asks(), answers(call, replace(shown, content=content), Text(text="So.", step=2)))
        assert input_of(what, files=files)[1] == drawn


def test_a_custom_tools_result_has_an_item_of_its_own_kind() -> None:
    custom = {"type": "custom_tool_call", "id": "ct", "call_id": "c", "name": "sh", "input": "ls"}
    listed = input_of(window(asks(), answers(*from_here(custom), result("c"))))
    assert [each["type"] for each in listed[1:]] == ["custom_tool_call", "custom_tool_call_output"]


def test_thinking_of_another_model_is_never_sent() -> None:
    foreign = Origin(dialect="openai-chat", connection="there", model="gpt-5.2", key="reasoning")
    thoughts = (Thinking(text="secret"), Thinking(text="secret", origin=foreign))
    stranger = Opaque(dialect="openai-chat", kind="message.x", data="secret")
    assert "secret" not in json.dumps(
        input_of(window(asks(), answers(*thoughts, stranger, Text(text="Yes"))))
    )


def test_calls_without_a_result_are_closed_and_ids_are_once_in_a_request() -> None:
    call = ToolCall(id="c" * 80, name="f", arguments={})
    listed = input_of(window(asks(), answers(call, at_step(call, 1))))
    ids = [each["call_id"] for each in listed if each.get("type") == "function_call"]
    outputs = [each["call_id"] for each in listed if each.get("type") == "function_call_output"]
    assert len(set(ids)) == 2
    assert ids == outputs
    assert all(len(id) <= 64 for id in ids)


# -- fields ---------------------------------------------------------------------------------------


def test_instructions_have_a_field_and_each_text_its_own_piece() -> None:
    pieces = OpenaiResponses().encode(
        window(asks(), instructions=["Be brief.", "“Oui”"]), MODEL, Options(), {}
    )
    assert body_of(OpenaiResponses(), pieces)["instructions"] == "Be brief.\n\n“Oui”"
    assert [piece.segment for piece in pieces] == [
        "",
        "instructions:0",
        "instructions:1",
        "",
        "message:q/0",
        "",
    ]


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        (Options(max_output_tokens=9, temperature=0.5, seed=1, stop=("x",)), {"max_output_tokens": 9}),
        (
            Options(effort="max", extra={"reasoning": {"summary": "auto"}}),
            {"reasoning": {"effort": "xhigh", "summary": "auto"}},
        ),
        (
            Options(
                response_format={
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {}, "strict": True},
                },
                extra={"text": {"verbosity": "low"}},
            ),
            {
                "text": {
                    "format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True},
                    "verbosity": "low",
                }
            },
        ),
        (Options(response_format={"type": "json_object"}), {"text": {"format": {"type": "json_object"}}}),
        (Options(extra={"store": True}), {"store": True}),
    ],
)
def test_options_are_said_as_the_wire_says_them(options: Options, fields: dict[str, Any]) -> None:
    body = encoded(OpenaiResponses(OPENAI), window(asks()), MODEL, options)
    always = {"model", "stream", "input", "store", "include"} - fields.keys()
    assert {name: value for name, value in body.items() if name not in always} == fields


def test_tools_say_whether_they_are_strict() -> None:
    closed = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    tools = [Tool(name=n, description="d", schema=s) for n, s in (("a", closed), ("b", {"type": "object"}))]
    body = encoded(
        OpenaiResponses(),
        window(asks(), tools=tools),
        MODEL,
        Options(extra={"tools": [{"type": "web_search"}]}),
    )
    assert [(each["type"], each.get("strict")) for each in body["tools"]] == [
        ("function", True), ("function", False), ("web_search", None),
    ]  # fmt: skip


@pytest.mark.parametrize("extra", [{"input": []}, {"stream": True}, {"instructions": ""}])
def test_extra_fields_may_not_break_the_request(extra: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        encoded(OpenaiResponses(), window(asks()), MODEL, Options(extra=extra))
    assert refused.value.code == "extra_field"


def test_the_address_and_a_begun_answer() -> None:
    codec = OpenaiResponses(OPENAI)
    assert (
        codec.address("https://api.openai.com/v1", "m", stream=True) == "https://api.openai.com/v1/responses"
    )
    pieces = codec.encode(window(asks()), MODEL, Options(), {})
    longer = codec.go_on(pieces, "Beca", prefill=False)
    assert body_of(codec, longer)["input"][1:] == [
        {"role": "assistant", "content": "Beca"}, {"role": "user", "content": GO_ON},
    ]  # fmt: skip


# -- media ----------------------------------------------------------------------------------------


def test_media_of_a_user_and_of_a_result_stand_where_they_belong() -> None:
    files = Files()
    image = Image(media_type="image/png", file=files.add(b"\x89PNG", "image/png"))
    document = File(media_type="application/pdf", file=files.add(b"%PDF", "application/pdf", "a.pdf"))
    linked = File(media_type="application/pdf", url="https://e.org/a.pdf")
    call = ToolCall(id="c", name="f", arguments={}, step=1)
    what = window(
        asks(Text(text="?"), image, document, linked), answers(call, result("c", Text(text="Look"), image))
    )
    listed = input_of(what, files=files)
    picture = {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,iVBORw=="}
    assert listed[0]["content"] == [
        {"type": "input_text", "text": "?"},
        picture,
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
        {"type": "input_file", "file_url": "https://e.org/a.pdf"},
    ]
    assert listed[2]["output"] == [{"type": "input_text", "text": "Look"}, picture]
    elsewhere = input_of(what, host="example.org", files=files)
    assert elsewhere[2]["output"] == "Look"
    assert elsewhere[3]["content"][1] == picture


@pytest.mark.parametrize(
    "part",
    [
        Video(media_type="video/mp4", url="https://e.org/a.mp4"),
        Audio(media_type="audio/mpeg", url="https://e.org/a.mp3"),
        Audio(media_type="audio/mpeg", url="data:audio/mpeg;base64,SUQz"),
        Image(media_type="image/png", url="https://e.org/a.png"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_anything_is_spent(part: Part) -> None:
    model = replace(MODEL, inputs=frozenset({"text"}) if isinstance(part, Image) else None)
    with pytest.raises(Refused) as refused:
        input_of(window(asks(part)), model)
    assert refused.value.code == "model_cannot_take"

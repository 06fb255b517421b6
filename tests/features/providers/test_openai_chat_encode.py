"""`openai-chat` requests made by hand: what each provider is sent, and what it is spared."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from windowseat.core.errors import Refused
from windowseat.core.message import Message
from windowseat.core.model import Model, Options
from windowseat.core.parts import (
    Audio,
    Citation,
    Display,
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
)
from windowseat.core.tool import Tool
from windowseat.core.window import Window
from windowseat.features.providers.dialects.encoding import GO_ON
from windowseat.features.providers.dialects.openai_chat import OpenaiChat
from windowseat.features.providers.dialects.openai_chat_decode import OpenaiChatDecoder

from .decoded import answer_of
from .values import Files, body_of, encoded, message, window

PLAIN = Model(connection="there", id="m", dialect="openai-chat")
OPENAI, MISTRAL, DEEPSEEK = "api.openai.com", "api.mistral.ai", "api.deepseek.com"


def asks(*parts: Part) -> Message:
    return message("q", "user", *(parts or (Text(text="Why?"),)))


def answers(*parts: Part) -> Message:
    return message("a", "assistant", *parts)


def messages_of(
    host: str, what: Window, model: Model = PLAIN, files: Files | None = None
) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = encoded(OpenaiChat(host), what, model, files=files)["messages"]
    return listed


def fields_of(host: str, id: str, options: Options, model: Model = PLAIN) -> dict[str, Any]:
    body: dict[str, Any] = encoded(OpenaiChat(host), window(asks()), replace(model, id=id), options)
    return {
        name: value
        for name, value in body.items()
        if name not in ("model", "stream", "messages", "stream_options")
    }


def from_here(host_answer: dict[str, Any], model: Model = PLAIN) -> tuple[Part, ...]:
    """The parts of an answer that this very model gave."""
    body = {"choices": [{"index": 0, "message": host_answer, "finish_reason": "stop"}]}
    events = OpenaiChatDecoder(model.connection, model.id).whole(json.dumps(body).encode())
    return tuple(at_step(part, 1) for part in answer_of(events).parts)


def call(id: str, step: int = 1, **arguments: Any) -> ToolCall:
    return ToolCall(id=id, name="f", arguments=arguments, step=step)


def result(id: str, *content: Part, step: int = 1, error: str | None = None) -> ToolResult:
    return ToolResult(id=id, content=content or (Text(text="done"),), step=step, error=error)


# -- the body -------------------------------------------------------------------------------------


def test_instructions_stand_first_in_one_message_and_each_text_has_its_own_piece() -> None:
    what = window(asks(), instructions=["Be brief.", "Speak French. “Oui”\n"])
    pieces = OpenaiChat().encode(what, PLAIN, Options(), {})
    body = body_of(OpenaiChat(), pieces)
    assert body["messages"][0] == {"role": "system", "content": "Be brief.\n\nSpeak French. “Oui”\n"}
    assert [piece.segment for piece in pieces] == ["", "instructions:0", "instructions:1", "message:q/0", ""]


def test_what_was_sent_before_is_sent_again_byte_for_byte_and_more_follows() -> None:
    tool = Tool(name="f", description="", schema={"type": "object"})
    first = [asks(Text(text="One"), Image(media_type="image/png", url="https://e.org/a.png"))]
    then = [
        *first,
        answers(
            call("c"),
            result("c", Image(media_type="image/png", url="https://e.org/b.png")),
            at_step(Text(text="Yes"), 2),
        ),
    ]
    last = [*then, message("r", "user", Text(text="And?"))]
    bodies = [
        OpenaiChat().encode(window(*each, instructions=["Be brief."], tools=[tool]), PLAIN, Options(), {})
        for each in (first, then, last)
    ]
    for before, after in pairwise(bodies):
        assert after[: len(before) - 1] == before[:-1]
    assert [body[-1].data for body in bodies] == [b"]}"] * 3


def test_a_streamed_request_asks_for_its_usage_and_a_whole_one_does_not() -> None:
    streamed = encoded(OpenaiChat(OPENAI), window(asks()), PLAIN, Options())
    whole = encoded(OpenaiChat(OPENAI), window(asks()), PLAIN, Options(stream=False))
    assert streamed["stream_options"] == {"include_usage": True}
    assert (whole["stream"], "stream_options" in whole) == (False, False)


def test_tools_are_strict_only_where_the_provider_and_the_schema_allow_it() -> None:
    closed = {
        "type": "object",
        "properties": {"x": {"type": "string"}},
        "required": ["x"],
        "additionalProperties": False,
    }
    tools = [Tool(name=n, description="d", schema=s) for n, s in (("a", closed), ("b", {"type": "object"}))]
    for host, strict in ((OPENAI, [True, None]), ("", [None, None])):
        body = encoded(OpenaiChat(host), window(asks(), tools=tools), PLAIN)
        assert [each["function"].get("strict") for each in body["tools"]] == strict


@pytest.mark.parametrize(
    ("host", "id", "options", "fields"),
    [
        ("", "m", Options(max_output_tokens=9, temperature=0.5, seed=1, stop=("x",)),
         {"max_tokens": 9, "temperature": 0.5, "seed": 1, "stop": ["x"]}),
        (OPENAI, "gpt-4o", Options(max_output_tokens=9, temperature=0.5),
         {"max_completion_tokens": 9, "temperature": 0.5}),
        (OPENAI, "gpt-4o", Options(effort="high"), {}),
        (OPENAI, "gpt-5-mini", Options(temperature=0.5, effort="none"), {"reasoning_effort": "minimal"}),
        (OPENAI, "gpt-5.2", Options(effort="max", stop=("x",)), {"reasoning_effort": "xhigh"}),
        (MISTRAL, "mistral-small-latest", Options(seed=1, effort="low"),
         {"random_seed": 1, "reasoning_effort": "none"}),
        (DEEPSEEK, "deepseek-v4", Options(effort="none"), {"thinking": {"type": "disabled"}}),
        ("openrouter.ai", "x/y", Options(effort="minimal"), {"reasoning": {"effort": "minimal"}}),
        ("openrouter.ai", "x/y", Options(effort="low", extra={"reasoning": {"exclude": True}}),
         {"reasoning": {"effort": "low", "exclude": True}}),
    ],
)  # fmt: skip
def test_options_are_said_as_the_provider_says_them(
    host: str, id: str, options: Options, fields: dict[str, Any]
) -> None:
    assert fields_of(host, id, options) == fields


def test_an_effort_that_the_model_lacks_becomes_the_nearest_it_has() -> None:
    model = replace(PLAIN, efforts=("low", "high"))
    assert fields_of("", "m", Options(effort="medium"), model) == {"reasoning_effort": "low"}
    assert fields_of("", "m", Options(effort="high"), replace(PLAIN, efforts=())) == {}


def test_a_models_defaults_hold_where_the_user_said_nothing() -> None:
    model = replace(PLAIN, defaults={"temperature": 0.6, "max_output_tokens": 5})
    assert fields_of("", "m", Options(temperature=0.1), model) == {"temperature": 0.1, "max_tokens": 5}


def test_extra_fields_pass_unchanged_and_extra_tools_stand_after_ours() -> None:
    tool = Tool(name="f", description="", schema={"type": "object"})
    extra = {"top_k": 5, "tools": [{"type": "openrouter:web_search"}]}
    body = encoded(OpenaiChat(), window(asks(), tools=[tool]), PLAIN, Options(extra=extra))
    assert body["top_k"] == 5
    assert [each["type"] for each in body["tools"]] == ["function", "openrouter:web_search"]


@pytest.mark.parametrize("extra", [{"messages": []}, {"stream": True}, {"n": 2}])
def test_extra_fields_may_not_break_the_request(extra: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        encoded(OpenaiChat(), window(asks()), PLAIN, Options(extra=extra))
    assert refused.value.code == "extra_field"


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("https://x.org/a/chat/completions", "https://x.org/a/chat/completions"),
        ("https://x.org/d?api-version=1", "https://x.org/d/chat/completions?api-version=1"),
    ],
)
def test_the_address_is_the_documented_base_with_the_path(base: str, address: str) -> None:
    assert OpenaiChat().address(base, "m", stream=True) == address


# -- tools ----------------------------------------------------------------------------------------


def test_a_message_of_many_steps_is_split_where_tools_answered() -> None:
    parts = (
        at_step(Text(text="Let me see."), 1), call("a", x=1), call("b"), result("b", error="no"), result("a"),
        at_step(Text(text="One more."), 2), call("c", step=2), result("c", step=2),
        at_step(Text(text="Done."), 3),
    )  # fmt: skip
    said = messages_of("", window(asks(), answers(*parts)))
    assert [each["role"] for each in said] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    assert said[1]["content"] == "Let me see."
    assert [each["id"] for each in said[1]["tool_calls"]] == ["a", "b"]
    assert said[1]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"x":1}'}
    assert [(each["tool_call_id"], each["content"]) for each in said[2:4]] == [
        ("a", "done"),
        ("b", "Error: no\ndone"),
    ]
    assert said[-1] == {"role": "assistant", "content": "Done."}


def test_the_texts_of_steps_that_were_interrupted_are_joined_directly() -> None:
    parts = (at_step(Text(text="Half a wo"), 1), at_step(Text(text="rd."), 2))
    assert messages_of("", window(asks(), answers(*parts)))[1:] == [
        {"role": "assistant", "content": "Half a word."}
    ]


def test_calls_without_a_result_are_closed_with_the_truth() -> None:
    cut = ToolCall(id="b", name="f", arguments='{"x', step=1)
    said = messages_of("", window(asks(), answers(call("a"), cut)))
    assert [each["tool_call_id"] for each in said[2:]] == ["a", "b"]
    assert "never run" in said[2]["content"]
    assert "cut off" in said[3]["content"]
    assert json.loads(said[1]["tool_calls"][1]["function"]["arguments"]) == {"unreadable": '{"x'}


def test_a_result_whose_call_was_left_out_goes_with_it() -> None:
    what = window(asks(), answers(call("a"), result("a"), at_step(Text(text="Done."), 2)))
    segments = tuple(
        replace(s, state="left_out") if isinstance(s.content, ToolCall) else s for s in what.segments
    )
    assert [each["role"] for each in messages_of("", Window(segments=segments))] == ["user", "assistant"]


def test_arguments_that_the_user_changed_are_told() -> None:
    changed = replace(result("a"), arguments={"x": 2})
    assert '{"x":2}' in messages_of("", window(asks(), answers(call("a", x=1), changed)))[2]["content"]


def test_ids_are_made_to_fit_and_each_is_once_in_a_request() -> None:
    parts = (
        call("call_long_of_another"),
        result("call_long_of_another"),
        call("abcdefghi", 2),
        result("abcdefghi", step=2),
    )
    again = message("b", "assistant", call("abcdefghi"), result("abcdefghi"))
    said = messages_of(MISTRAL, window(asks(), answers(*parts), message("r", "user", Text(text="?")), again))
    ids = [each["id"] for m in said for each in m.get("tool_calls", [])]
    assert all(re.fullmatch("[A-Za-z0-9]{9}", id) for id in ids)
    assert len(set(ids)) == 3
    assert ids[1] == "abcdefghi"
    assert [m["tool_call_id"] for m in said if m["role"] == "tool"] == ids


def test_a_call_of_this_very_model_goes_back_as_it_wrote_it() -> None:
    raw = {
        "id": "theirs", "type": "function", "extra_content": {"google": {"thought_signature": "s"}},
        "function": {"name": "f", "arguments": '{ "x": 1 }'},
    }  # fmt: skip
    (made,) = from_here({"content": None, "tool_calls": [raw]})
    assert isinstance(made, ToolCall)
    ours = replace(made, id="ours")
    said = messages_of("", window(asks(), answers(ours, result("ours"))))
    assert said[1]["tool_calls"] == [raw]
    assert said[2]["tool_call_id"] == "theirs"
    elsewhere = messages_of("", window(asks(), answers(ours, result("ours"))), replace(PLAIN, id="other"))
    assert "extra_content" not in elsewhere[1]["tool_calls"][0]


def test_tools_that_ran_at_another_provider_are_not_told_of() -> None:
    ran = ToolCall(id="w", name="web_search", arguments={}, by="provider", step=1)
    said = messages_of("", window(asks(), answers(ran, result("w"), at_step(Text(text="Found."), 1))))
    assert said[1:] == [{"role": "assistant", "content": "Found."}]


# -- thinking and what is not known ---------------------------------------------------------------


def test_thinking_of_another_model_is_never_sent() -> None:
    foreign = Origin(
        dialect="anthropic-messages", connection="there", model="m", key="0", item={"signature": "s"}
    )
    for host in ("", OPENAI, DEEPSEEK, MISTRAL, "api.z.ai"):
        thoughts = (Thinking(text="secret"), Thinking(text="secret", origin=foreign))
        assert "secret" not in json.dumps(
            messages_of(host, window(asks(), answers(*thoughts, Text(text="Yes"))))
        )


def test_own_thinking_goes_back_only_where_the_provider_wants_it() -> None:
    parts = from_here({"content": "Yes", "reasoning_content": "Hm"})
    what = window(asks(), answers(*parts))
    assert messages_of("api.z.ai", what)[1] == {
        "role": "assistant",
        "content": "Yes",
        "reasoning_content": "Hm",
    }
    assert messages_of("", what)[1] == {"role": "assistant", "content": "Yes"}


def test_calls_of_others_stand_beside_empty_thinking_where_a_provider_demands_some() -> None:
    said = messages_of(
        DEEPSEEK, window(asks(), answers(call("a"), result("a"), at_step(Text(text="Done."), 2)))
    )
    assert said[1]["reasoning_content"] == ""
    assert "reasoning_content" not in said[3]


def test_reasoning_details_and_thinking_in_lists_go_back_as_they_came() -> None:
    details = [{"type": "reasoning.text", "text": "Hm", "signature": "s", "index": 0}]
    listed = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
        {"type": "text", "text": "Yes"},
    ]
    said = messages_of(
        "openrouter.ai", window(asks(), answers(*from_here({"content": "Yes", "reasoning_details": details})))
    )
    assert said[1]["reasoning_details"] == details
    assert (
        messages_of(MISTRAL, window(asks(), answers(*from_here({"content": listed}))))[1]["content"] == listed
    )


def test_an_unknown_field_goes_back_to_where_it_came_from_and_nowhere_else() -> None:
    parts = from_here({"content": "Yes", "thought_signature": "s"})
    what = window(asks(), answers(*parts))
    assert messages_of("", what)[1]["thought_signature"] == "s"
    assert "thought_signature" not in messages_of("", what, replace(PLAIN, connection="elsewhere"))[1]
    stranger = Opaque(dialect="gemini-generate", kind="part", data={"x": 1})
    assert messages_of("", window(asks(), answers(stranger, Text(text="Yes"))))[1] == {
        "role": "assistant",
        "content": "Yes",
    }


def test_citations_are_not_sent_and_an_answer_of_nothing_is_no_message() -> None:
    said = messages_of(
        "", window(asks(), answers(Thinking(text="Hm"), Citation(part=0, url="https://e.org")))
    )
    assert [each["role"] for each in said] == ["user"]


# -- media ----------------------------------------------------------------------------------------


def test_a_files_bytes_are_a_piece_of_their_own_within_a_data_url() -> None:
    files = Files()
    image = Image(media_type="image/png", file=files.add(b"\x89PNG", "image/png"))
    what = window(asks(Text(text="What?"), image))
    pieces = OpenaiChat().encode(what, PLAIN, Options(), files.facts)
    assert [piece.file for piece in pieces if piece.file] == ["file-0"]
    assert messages_of("", what, files=files)[0]["content"] == [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
    ]


def test_sound_and_documents_are_said_as_the_provider_says_them() -> None:
    files = Files()
    sound = Audio(media_type="audio/mpeg", file=files.add(b"ID3", "audio/mpeg"))
    document = File(media_type="application/pdf", file=files.add(b"%PDF", "application/pdf", "a.pdf"))
    what = window(asks(sound, document))
    data = "data:application/pdf;base64,JVBERg=="
    assert messages_of(OPENAI, what, files=files)[0]["content"] == [
        {"type": "input_audio", "input_audio": {"format": "mp3", "data": "SUQz"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": data}},
    ]
    assert messages_of(MISTRAL, what, files=files)[0]["content"][1] == {
        "type": "document_url",
        "document_url": data,
    }


def test_a_text_file_goes_in_as_words_with_its_name() -> None:
    files = Files()
    file = File(media_type="text/csv", file=files.add(b"a,b", "text/csv", 'my "data".csv', text="a,b"))
    model = replace(PLAIN, inputs=frozenset({"text"}))
    said = messages_of("", window(asks(Text(text="Sum?"), file)), model, files)
    assert said == [{"role": "user", "content": "Sum?\n\n<file name=\"my 'data'.csv\">\na,b\n</file>"}]


def test_media_of_results_move_to_a_user_message_and_mistral_hears_a_word_between() -> None:
    plot = Display(forms={"text/plain": "a plot", "image/png": "file-0"})
    files = Files()
    files.add(b"\x89PNG", "image/png")
    what = window(asks(), answers(call("a"), result("a", plot), at_step(Text(text="Nice."), 2)))
    said = messages_of("", what, files=files)
    assert [each["role"] for each in said] == ["user", "assistant", "tool", "user", "assistant"]
    assert said[2]["content"] == "a plot"
    assert said[3]["content"][1]["image_url"]["url"].startswith("data:image/png")
    roles = [each["role"] for each in messages_of(MISTRAL, what, files=files)]
    assert roles == ["user", "assistant", "tool", "assistant", "user", "assistant"]
    blind = messages_of("", what, replace(PLAIN, inputs=frozenset({"text"})), files)
    assert [each["role"] for each in blind] == ["user", "assistant", "tool", "assistant"]
    assert blind[2]["content"] == "a plot\n(there/m does not read images, so it is left out.)"


def test_a_text_file_that_a_tool_brought_is_words_of_its_result() -> None:
    files = Files()
    file = File(media_type="text/csv", file=files.add(b"a,b", "text/csv", "a.csv", text="a,b"))
    blind = replace(PLAIN, inputs=frozenset({"text"}))
    said = messages_of("", window(asks(), answers(call("a"), result("a", file))), blind, files)
    assert said[2]["content"] == '<file name="a.csv">\na,b\n</file>'
    assert len(said) == 3


def test_an_image_in_an_answer_is_shown_to_the_model_with_the_next_question() -> None:
    image = Image(media_type="image/png", url="data:image/png;base64,AAAA")
    said = messages_of(
        "", window(asks(), answers(Text(text="Here."), image), message("r", "user", Text(text="Bigger!")))
    )
    assert said[1] == {"role": "assistant", "content": "Here."}
    assert [each["type"] for each in said[2]["content"]] == ["text", "image_url", "text"]


@pytest.mark.parametrize(
    ("part", "inputs", "code"),
    [
        (Image(media_type="image/png", file="file-0"), {"text"}, "model_cannot_take"),
        (Video(media_type="video/mp4", file="file-0"), None, "model_cannot_take"),
        (Audio(media_type="audio/mpeg", url="https://e.org/a.mp3"), None, "model_cannot_take"),
        (Audio(media_type="audio/basic", file="file-0"), None, "model_cannot_take"),
        (File(media_type="application/pdf", url="https://e.org/a.pdf"), None, "model_cannot_take"),
        (File(media_type="application/pdf", file="gone"), None, "file_not_found"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_anything_is_spent(part: Part, inputs: Any, code: str) -> None:
    files = Files()
    files.add(b"x", "image/png", "x")
    model = replace(PLAIN, inputs=frozenset(inputs) if inputs else None)
    with pytest.raises(Refused) as refused:
        messages_of(OPENAI, window(asks(part)), model, files)
    assert refused.value.code == code
    assert refused.value.hint


def test_a_file_larger_than_the_provider_takes_is_refused() -> None:
    files = Files()
    image = Image(
        media_type="image/png", file=files.add(b"x" * (3 * 1024 * 1024 + 1), "image/png", "big.png")
    )
    with pytest.raises(Refused, match=r"big\.png") as refused:
        messages_of("api.groq.com", window(asks(image)), PLAIN, files)
    assert refused.value.code == "file_too_large"
    assert messages_of(OPENAI, window(asks(image)), PLAIN, files)


# -- roles, marks, going on -----------------------------------------------------------------------


def test_roles_alternate_where_the_provider_wants_it() -> None:
    what = window(asks(), message("r", "user", Text(text="And?")))
    assert len(messages_of("", what)) == 2
    assert messages_of("127.0.0.1", what) == [{"role": "user", "content": "Why?\n\nAnd?"}]


def test_the_prefix_is_marked_for_the_cache_where_only_marks_make_one() -> None:
    model = replace(PLAIN, id="anthropic/claude-sonnet-4.6")
    what = window(
        asks(), answers(Text(text="So.")), message("r", "user", Text(text="And?")), instructions=["A", "B"]
    )
    said = messages_of("openrouter.ai", what, model)
    mark = {"type": "ephemeral"}
    assert [each.get("cache_control") for each in said[0]["content"]] == [None, mark]
    assert [each["content"][0].get("cache_control") for each in said if each["role"] == "user"] == [
        None,
        mark,
    ]
    pieces = OpenaiChat("openrouter.ai").encode(what, model, Options(), {})
    assert [piece.data for piece in pieces if b"cache_control" in piece.data and piece.segment] == []


def test_a_begun_answer_is_gone_on_from_or_asked_for() -> None:
    pieces = OpenaiChat(MISTRAL).encode(window(asks()), PLAIN, Options(), {})
    filled = OpenaiChat(MISTRAL).go_on(pieces, "Beca“u", prefill=True)
    asked = OpenaiChat(OPENAI).go_on(pieces, "Beca“u", prefill=False)
    assert body_of(OpenaiChat(), filled)["messages"][1:] == [
        {"role": "assistant", "content": "Beca“u", "prefix": True}
    ]
    assert body_of(OpenaiChat(), asked)["messages"][1:] == [
        {"role": "assistant", "content": "Beca“u"}, {"role": "user", "content": GO_ON},
    ]  # fmt: skip
    assert filled[-1] == asked[-1] == pieces[-1]

"""`anthropic-messages`, requests: what a window becomes, and what the wire and its models refuse."""

from __future__ import annotations

import re
from typing import Any

import pytest

from windowseat.core.errors import Refused
from windowseat.core.model import Effort, Model, Options
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
)
from windowseat.core.tool import Tool
from windowseat.features.providers.dialects.anthropic_messages import AnthropicMessages
from windowseat.features.providers.dialects.encoding import GO_ON

from .values import Files, body_of, encoded, message, window

HOST = "api.anthropic.com"
MODEL = Model(connection="work", id="claude-opus-4-6", dialect="anthropic-messages")
LOOK = Tool(name="look", description="Looks.", schema={"type": "object", "properties": {}})


def origin(item: Any, *, model: str = MODEL.id, key: str = "m/0", shares: int = 1) -> Origin:
    return Origin(
        dialect="anthropic-messages", connection="work", model=model, key=key, item=item, shares=shares
    )


def body(*messages: Any, model: Model = MODEL, options: Options | None = None, **more: Any) -> dict[str, Any]:
    files = more.pop("files", None)
    found = encoded(AnthropicMessages(HOST), window(*messages, **more), model, options, files)
    return without_marks(found)  # type: ignore[no-any-return]


def without_marks(value: Any) -> Any:
    if isinstance(value, list):
        return [without_marks(each) for each in value]
    if isinstance(value, dict):
        return {name: without_marks(each) for name, each in value.items() if name != "cache_control"}
    return value


def said(
    *parts: Part, model: Model = MODEL, options: Options | None = None, files: Files | None = None
) -> list[Any]:
    """What comes after the first question when an answer has these parts."""
    found = body(
        message("q", "user", Text(text="?")),
        message("a", "assistant", *parts),
        message("r", "user", Text(text="!")),
        model=model,
        options=options,
        files=files,
    )
    messages: list[Any] = found["messages"][1:]
    return messages


QUESTION = message("q", "user", Text(text="Hello"))


def test_a_question_becomes_the_smallest_body() -> None:
    assert body(QUESTION) == {
        "model": "claude-opus-4-6",
        "max_tokens": 8192,
        "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    }


def test_options_have_the_wires_names() -> None:
    options = Options(temperature=0.5, stop=("END",), max_output_tokens=99, stream=False, seed=7)
    found = body(QUESTION, options=options)
    assert (found["temperature"], found["stop_sequences"], found["max_tokens"]) == (0.5, ["END"], 99)
    assert found["stream"] is False
    assert "seed" not in found


def test_the_answer_is_bounded_by_what_the_model_can_write() -> None:
    model = Model(connection="work", id="claude-opus-4-6", dialect="anthropic-messages", output_limit=128_000)
    assert body(QUESTION, model=model)["max_tokens"] == 128_000


def test_extra_fields_go_along_and_stand_in_place_of_ours() -> None:
    searching = {"type": "web_search_20260318", "name": "web_search"}
    options = Options(extra={"max_tokens": 5, "metadata": {"user_id": "1"}, "tools": [searching]})
    found = body(QUESTION, options=options, tools=[LOOK])
    assert (found["max_tokens"], found["metadata"]) == (5, {"user_id": "1"})
    assert [each["name"] for each in found["tools"]] == ["look", "web_search"]


@pytest.mark.parametrize("field", ["messages", "stream"])
def test_extra_may_not_replace_what_is_asked(field: str) -> None:
    with pytest.raises(Refused) as caught:
        body(QUESTION, options=Options(extra={field: []}))
    assert caught.value.code == "extra_field"


def test_a_schema_for_the_answer_stands_beside_the_effort() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    format = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    found = body(QUESTION, options=Options(response_format=format, effort="low"))
    assert found["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": schema}}


def test_json_without_a_schema_is_refused_because_the_wire_cannot_say_it() -> None:
    with pytest.raises(Refused) as caught:
        body(QUESTION, options=Options(response_format={"type": "json_object"}))
    assert caught.value.code == "response_format"


# -- thinking -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "told"),
    [
        ("claude-sonnet-4-5", "high", {"type": "enabled", "budget_tokens": 16_384}, None),
        ("claude-sonnet-4-5", "none", None, None),
        ("claude-sonnet-4-0", "low", {"type": "enabled", "budget_tokens": 4096}, None),
        ("claude-3-haiku-20240307", "high", None, None),
        ("claude-opus-4-6", "high", {"type": "adaptive"}, "high"),
        ("claude-opus-4-6", "minimal", {"type": "adaptive"}, "low"),
        ("claude-opus-4-8", "max", {"type": "adaptive", "display": "summarized"}, "max"),
        ("claude-opus-4-8", "none", {"type": "disabled"}, None),
        ("claude-opus-5-5", "none", {"type": "adaptive", "display": "summarized"}, "low"),
        ("claude-sonnet-5-5", "none", {"type": "between_tools"}, None),
        ("claude-fable-5-1", "medium", {"type": "adaptive", "display": "summarized"}, "medium"),
        ("claude-quill-9", "high", {"type": "adaptive", "display": "summarized"}, "high"),
        ("anthropic/claude-opus-4.7", "low", {"type": "adaptive", "display": "summarized"}, "low"),
        ("deepseek-v4", "high", None, None),
    ],
)
def test_an_effort_is_said_as_the_model_wants_it(
    model: str, effort: Effort, thinking: Any, told: str | None
) -> None:
    asked = Model(connection="work", id=model, dialect="anthropic-messages")
    found = body(QUESTION, model=asked, options=Options(effort=effort))
    assert found.get("thinking") == thinking
    assert found.get("output_config", {}).get("effort") == told


def test_a_budget_leaves_room_for_the_answer() -> None:
    old = Model(connection="work", id="claude-sonnet-4-5", dialect="anthropic-messages")
    found = body(QUESTION, model=old, options=Options(effort="high"))
    assert found["max_tokens"] == 16_384 + 8192
    tight = body(QUESTION, model=old, options=Options(effort="high", max_output_tokens=4000))
    assert tight["thinking"]["budget_tokens"] == 2000
    none = body(QUESTION, model=old, options=Options(effort="high", max_output_tokens=500))
    assert "thinking" not in none


def test_temperature_is_left_out_where_the_model_thinks_or_takes_none() -> None:
    hot = Options(temperature=0.2, effort="low")
    assert "temperature" not in body(QUESTION, options=hot)
    newest = Model(connection="work", id="claude-opus-5-5", dialect="anthropic-messages")
    assert "temperature" not in body(QUESTION, model=newest, options=Options(temperature=0.2))


def test_a_model_that_thinks_by_itself_is_asked_to_show_it() -> None:
    newest = Model(connection="work", id="claude-opus-5-5", dialect="anthropic-messages", thinking=True)
    assert body(QUESTION, model=newest)["thinking"] == {"type": "adaptive", "display": "summarized"}
    unknown = Model(connection="work", id="claude-opus-5-5", dialect="anthropic-messages")
    assert "thinking" not in body(QUESTION, model=unknown)


def test_thinking_goes_back_verbatim_to_the_model_that_thought_it_and_to_no_other() -> None:
    raw = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
    mine = Thinking(text="Hm", step=1, origin=origin(raw))
    theirs = Thinking(text="Secret", step=1, origin=origin(raw, model="claude-opus-4-5", key="m/1"))
    neutral = Thinking(text="Foreign", step=1)
    (answer, _) = said(mine, theirs, neutral, Text(text="Yes.", step=1))
    assert answer["content"] == [raw, {"type": "text", "text": "Yes."}]


def test_a_model_that_binds_its_thoughts_gets_back_only_those_of_the_running_turn() -> None:
    newest = Model(connection="work", id="claude-opus-5-5", dialect="anthropic-messages")
    raw = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    thought = Thinking(text="", step=1, origin=origin(raw, model=newest.id))
    call = ToolCall(id="c", name="look", arguments={}, step=1)
    (answer, _) = said(thought, Text(text="Yes.", step=1), model=newest)
    assert answer["content"] == [{"type": "text", "text": "Yes."}]
    running = body(
        QUESTION,
        message("a", "assistant", thought, call, ToolResult(id="c", content=(Text(text="1"),), step=1)),
        model=newest,
    )
    assert running["messages"][1]["content"][0] == raw


def test_a_budget_is_not_asked_for_in_a_running_turn_that_another_model_began() -> None:
    old = Model(connection="work", id="claude-sonnet-4-5", dialect="anthropic-messages")
    call = ToolCall(id="c", name="look", arguments={}, step=1)
    result = ToolResult(id="c", content=(Text(text="1"),), step=1)
    options = Options(effort="high")
    running = body(QUESTION, message("a", "assistant", call, result), model=old, options=options)
    assert "thinking" not in running
    raw = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
    thought = Thinking(text="Hm", step=1, origin=origin(raw, model=old.id))
    own = body(QUESTION, message("a", "assistant", thought, call, result), model=old, options=options)
    assert own["thinking"]["budget_tokens"] == 16_384


# -- tools ----------------------------------------------------------------------------------------


def test_results_stand_first_in_the_user_s_message_and_roles_take_turns() -> None:
    call = ToolCall(id="c", name="look", arguments={"a": 1}, step=1)
    result = ToolResult(id="c", content=(Text(text="42"),), step=1)
    found = said(Text(text="Let me.", step=1), call, result)
    assert found == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me."},
                {"type": "tool_use", "id": "c", "name": "look", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "42"}]},
                {"type": "text", "text": "!"},
            ],
        },
    ]


def test_a_result_holds_its_pictures_and_says_what_it_cannot_hold() -> None:
    files = Files()
    seen = files.add(b"png", "image/png", "a.png")
    heard = files.add(b"wav", "audio/wav", "a.wav")
    content = (
        Text(text="Two things:"),
        Image(media_type="image/png", file=seen),
        Audio(media_type="audio/wav", file=heard),
        Display(forms={"text/html": "<i>", "text/plain": "a table"}),
    )
    call = ToolCall(id="c", name="look", arguments={}, step=1)
    found = said(call, ToolResult(id="c", content=content, step=1), files=files)
    shown = found[1]["content"][0]["content"]
    assert [each["type"] for each in shown] == ["text", "image", "text", "text"]
    assert shown[1]["source"] == {"type": "base64", "media_type": "image/png", "data": "cG5n"}
    assert "audio" in shown[2]["text"]
    assert shown[3]["text"] == "a table"


def test_a_failed_tool_says_so_and_a_call_without_result_is_closed() -> None:
    one = ToolCall(id="one", name="look", arguments={}, step=1)
    two = ToolCall(id="two", name="look", arguments='{"a": "b', step=1)
    failed = ToolResult(id="one", content=(), error="No such file.", step=1)
    found = said(one, two, failed)
    assert found[0]["content"][1]["input"] == {"unreadable": '{"a": "b'}
    first, second = found[1]["content"][:2]
    assert (first["tool_use_id"], first["is_error"]) == ("one", True)
    assert "No such file." in first["content"][0]["text"]
    assert (second["tool_use_id"], second["is_error"]) == ("two", True)


def test_ids_and_names_are_made_to_fit_and_stay_apart() -> None:
    calls = [ToolCall(id=id, name="fs.read", arguments={}, step=1) for id in ("a|b/ü", "a|b", "ok")]
    results = [ToolResult(id=call.id, content=(), step=1) for call in calls]
    found = said(*calls, *results)
    ids = [each["id"] for each in found[0]["content"]]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", id) for id in ids)
    assert ids[2] == "ok"
    assert [each["tool_use_id"] for each in found[1]["content"][:3]] == ids
    assert found[0]["content"][0]["name"] == "fs_read"


def test_a_call_of_this_model_goes_back_as_it_came_under_its_own_id() -> None:
    raw = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}, "caller": {"type": "direct"}}
    call = ToolCall(id="call_1", name="look", arguments={}, step=1, origin=origin(raw))
    found = said(call, ToolResult(id="call_1", content=(Text(text="1"),), step=1))
    assert found[0]["content"] == [raw]
    assert found[1]["content"][0]["tool_use_id"] == "toolu_1"


def test_what_ran_at_the_provider_goes_back_only_there_and_only_with_its_result() -> None:
    use = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    got = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
    ran = ToolCall(id="s1", name="web_search", arguments={}, by="provider", step=1, origin=origin(use))
    result = ToolResult(id="s1", content=(), step=1, origin=origin(got, key="m/1"))
    end = Text(text="So.", step=1)
    assert said(ran, result, end)[0]["content"] == [use, got, {"type": "text", "text": "So."}]
    assert said(ran, end)[0]["content"] == [{"type": "text", "text": "So."}]
    foreign = ToolCall(id="s1", name="web_search", arguments={}, by="provider", step=1)
    assert said(foreign, ToolResult(id="s1", content=(), step=1), end)[0]["content"] == [
        {"type": "text", "text": "So."}
    ]


def test_an_answer_that_paused_goes_back_as_the_last_message() -> None:
    use = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    ran = ToolCall(id="s1", name="web_search", arguments={}, by="provider", step=1, origin=origin(use))
    found = body(QUESTION, message("a", "assistant", ran))
    assert found["messages"][-1] == {"role": "assistant", "content": [use]}


def test_a_text_and_its_sources_go_back_as_one_block_or_as_words() -> None:
    raw = {"type": "text", "text": "Wet.", "citations": [{"type": "page_location", "cited_text": "wet"}]}
    text = Text(text="Wet.", step=1, origin=origin(raw, shares=2))
    source = Citation(part=0, quote="wet", step=1, origin=origin(None, shares=2))
    assert said(text, source)[0]["content"] == [raw]
    assert said(text)[0]["content"] == [{"type": "text", "text": "Wet."}]


def test_what_is_not_known_goes_back_to_where_it_came_from_only() -> None:
    data = {"type": "compaction", "content": "Before."}
    kept = Opaque(dialect="anthropic-messages", kind="compaction", data=data, step=1, origin=origin(None))
    foreign = Opaque(dialect="openai-chat", kind="audio", data={"id": "x"}, step=1)
    end = Text(text="So.", step=1)
    assert said(kept, foreign, end)[0]["content"] == [data, {"type": "text", "text": "So."}]
    other = Model(connection="work", id="claude-opus-4-5", dialect="anthropic-messages")
    assert said(kept, end, model=other)[0]["content"] == [{"type": "text", "text": "So."}]


# -- media ----------------------------------------------------------------------------------------


def test_pictures_and_documents_go_as_bytes_or_by_address() -> None:
    files = Files()
    pdf = files.add(b"%PDF", "application/pdf", "a.pdf")
    notes = files.add(b"hi", "text/plain", "notes.txt", text="hi")
    found = body(
        message(
            "q",
            "user",
            Image(media_type="image/png", url="https://a.test/a.png"),
            Image(media_type="image/png", url="data:image/png;base64,AAAA"),
            File(media_type="application/pdf", file=pdf),
            File(media_type="application/pdf", url="https://a.test/a.pdf"),
            File(media_type="text/plain", file=notes),
        ),
        files=files,
    )
    content = found["messages"][0]["content"]
    assert [each["type"] for each in content] == ["image", "image", "document", "document", "document"]
    assert [each["source"] for each in content] == [
        {"type": "url", "url": "https://a.test/a.png"},
        {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
        {"type": "url", "url": "https://a.test/a.pdf"},
        {"type": "text", "media_type": "text/plain", "data": "hi"},
    ]
    assert [each.get("title") for each in content[2:]] == ["a.pdf", None, "notes.txt"]


def test_elsewhere_than_at_anthropic_a_document_goes_as_words() -> None:
    files = Files()
    notes = files.add(b"hi", "text/plain", "notes.txt", text="hi")
    asked = window(message("q", "user", File(media_type="text/plain", file=notes)))
    found = encoded(AnthropicMessages("api.other.test"), asked, MODEL, None, files)
    (text,) = found["messages"][0]["content"]
    assert text["type"] == "text"
    assert "hi" in text["text"]


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (Audio(media_type="audio/wav", url="https://a.test/a.wav"), "model_cannot_take"),
        (Image(media_type="image/tiff", url="https://a.test/a.tiff"), "model_cannot_take"),
        (File(media_type="application/zip", url="https://a.test/a.zip"), "model_cannot_take"),
        (Image(media_type="image/png", file="gone"), "file_not_found"),
        (Image(media_type="image/png", url="data:image/png;base64," + "A" * 12_000_000), "file_too_large"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_anything_is_sent(part: Part, code: str) -> None:
    with pytest.raises(Refused) as caught:
        body(message("q", "user", part))
    assert caught.value.code == code


def test_a_picture_that_an_answer_brought_is_shown_by_the_user() -> None:
    drawn = Image(media_type="image/png", url="data:image/png;base64,AAAA", step=1)
    found = said(Text(text="Here.", step=1), drawn)
    assert [each["type"] for each in found[1]["content"]] == ["text", "image", "text"]


def test_blank_texts_are_left_out_because_the_wire_refuses_them() -> None:
    found = said(Text(text=" \n", step=1), Text(text="Yes.", step=1))
    assert found[0]["content"] == [{"type": "text", "text": "Yes."}]
    assert "system" not in body(QUESTION, instructions=["  "])


def test_a_window_that_begins_with_an_answer_gets_a_first_word_of_the_user() -> None:
    found = body(message("a", "assistant", Text(text="Hi. ")))
    assert [each["role"] for each in found["messages"]] == ["user", "assistant"]
    assert found["messages"][1]["content"] == [{"type": "text", "text": "Hi."}]


# -- pieces ---------------------------------------------------------------------------------------


def test_every_piece_names_its_segment_and_a_file_is_a_reference() -> None:
    files = Files()
    seen = files.add(b"png", "image/png")
    asked = window(
        message("q", "user", Text(text="Look:"), Image(media_type="image/png", file=seen)),
        instructions=["Be kind."],
        tools=[LOOK],
    )
    pieces = AnthropicMessages(HOST).encode(asked, MODEL, Options(), files.facts)
    by_key = {piece.segment: piece for piece in pieces if piece.segment}
    assert set(by_key) == {"tool:000", "instructions:0", "message:q/0", "message:q/1"}
    assert b"Be kind." in by_key["instructions:0"].data
    assert [piece.file for piece in pieces if piece.file] == [seen]
    assert pieces[-1].data == b"]}"


def test_marks_are_pieces_of_their_own_that_change_nothing_around_them() -> None:
    codec = AnthropicMessages(HOST)
    asked = window(QUESTION, instructions=["Be kind."], tools=[LOOK])
    marked = codec.encode(asked, MODEL, Options(), {})
    automatic = Options(extra={"cache_control": {"type": "ephemeral"}})
    plain = codec.encode(asked, MODEL, automatic, {})
    mark = b',"cache_control":{"type":"ephemeral"}'
    assert sum(piece.data == mark for piece in marked) == 3
    assert [piece for piece in marked if piece.data != mark][1:] == list(plain)[1:]


def test_there_are_never_more_than_four_marks_and_the_last_messages_have_two() -> None:
    thread = [message(f"{i}", "user" if i % 2 == 0 else "assistant", Text(text=f"{i}")) for i in range(9)]
    asked = window(*thread, instructions=["Be kind."], tools=[LOOK])
    found = encoded(AnthropicMessages(HOST), asked, MODEL)
    marked = [m for m in found["messages"] if "cache_control" in m["content"][-1]]
    assert [m["content"][0]["text"] for m in marked] == ["6", "8"]
    assert "cache_control" in found["system"][-1]
    assert "cache_control" in found["tools"][-1]


def test_a_longer_thread_keeps_the_pieces_of_the_shorter_one() -> None:
    codec = AnthropicMessages(HOST)
    answer = message("a", "assistant", Text(text="Hi."))
    short = codec.encode(window(QUESTION, instructions=["Be kind."]), MODEL, Options(), {})
    long = codec.encode(
        window(QUESTION, answer, message("q2", "user", Text(text="And?")), instructions=["Be kind."]),
        MODEL,
        Options(),
        {},
    )
    kept = next(i for i, (one, other) in enumerate(zip(short, long, strict=False)) if one != other)
    assert short[kept - 2].segment == "message:q/0"


def test_a_begun_answer_is_gone_on_from_or_asked_to_be_continued() -> None:
    codec = AnthropicMessages(HOST)
    pieces = codec.encode(window(QUESTION), MODEL, Options(), {})
    begun = body_of(codec, codec.go_on(pieces, "The sky is ", prefill=True))
    assert begun["messages"][-1] == {"role": "assistant", "content": [{"type": "text", "text": "The sky is"}]}
    asked = body_of(codec, codec.go_on(pieces, "The sky is ", prefill=False))
    assert asked["messages"][-2] == begun["messages"][-1]
    assert asked["messages"][-1]["content"][0]["text"] == GO_ON
    assert codec.go_on(pieces, " \n", prefill=True) == pieces


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages"),
        ("https://a.test/anthropic?key=1", "https://a.test/anthropic/v1/messages?key=1"),
        ("https://a.test/v1/messages", "https://a.test/v1/messages"),
    ],
)
def test_the_address_has_one_version(base: str, url: str) -> None:
    assert AnthropicMessages().address(base, "m", stream=True) == url

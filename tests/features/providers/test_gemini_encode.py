"""`gemini-generate`, requests: what a window becomes, and what the wire and its models refuse."""

from __future__ import annotations

from typing import Any

import pytest

from windowseat.core.errors import Refused
from windowseat.core.model import Effort, Model, Options
from windowseat.core.parts import (
    Audio,
    Citation,
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
)
from windowseat.core.tool import Tool
from windowseat.features.providers.dialects.encoding import GO_ON
from windowseat.features.providers.dialects.gemini_generate import GeminiGenerate

from .values import Files, body_of, encoded, message, window

MODEL = Model(connection="work", id="gemini-3.8-flash", dialect="gemini-generate")
LOOK = Tool(name="look", description="Looks.", schema={"type": "object", "properties": {}})
QUESTION = message("q", "user", Text(text="Hello"))


def origin(item: Any, *, model: str = MODEL.id, key: str = "r/0") -> Origin:
    return Origin(dialect="gemini-generate", connection="work", model=model, key=key, item=item)


def body(*messages: Any, model: Model = MODEL, options: Options | None = None, **more: Any) -> dict[str, Any]:
    files = more.pop("files", None)
    found: dict[str, Any] = encoded(GeminiGenerate(), window(*messages, **more), model, options, files)
    return found


def said(*parts: Part, model: Model = MODEL, files: Files | None = None) -> list[Any]:
    """What comes after the first question when an answer has these parts."""
    answer = message("a", "assistant", *parts)
    found = body(
        message("q", "user", Text(text="?")),
        answer,
        message("r", "user", Text(text="!")),
        model=model,
        files=files,
    )
    contents: list[Any] = found["contents"][1:]
    return contents


def test_a_question_becomes_the_smallest_body() -> None:
    assert body(QUESTION) == {
        "generationConfig": {},
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
    }


def test_instructions_and_tools_stand_before_the_contents() -> None:
    found = body(QUESTION, instructions=["Be kind.", "Be brief."], tools=[LOOK])
    assert list(found) == ["generationConfig", "tools", "systemInstruction", "contents"]
    assert found["systemInstruction"] == {"parts": [{"text": "Be kind."}, {"text": "Be brief."}]}
    function = {"name": "look", "description": "Looks.", "parametersJsonSchema": LOOK.schema}
    assert found["tools"] == [{"functionDeclarations": [function]}]


def test_options_have_the_wires_names() -> None:
    schema = {"type": "object", "properties": {}}
    options = Options(
        temperature=0.5,
        stop=("END",),
        max_output_tokens=99,
        seed=7,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    )
    assert body(QUESTION, options=options)["generationConfig"] == {
        "maxOutputTokens": 99,
        "temperature": 0.5,
        "seed": 7,
        "stopSequences": ["END"],
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }
    any_object = body(QUESTION, options=Options(response_format={"type": "json_object"}))
    assert any_object["generationConfig"] == {"responseMimeType": "application/json"}


def test_a_model_that_draws_or_speaks_is_asked_to() -> None:
    def kinds(*outputs: Any) -> Any:
        model = Model(connection="w", id="m", dialect="gemini-generate", outputs=frozenset(outputs))
        return body(QUESTION, model=model)["generationConfig"].get("responseModalities")

    assert kinds("image", "text") == ["TEXT", "IMAGE"]
    assert kinds("audio") == ["AUDIO"]
    assert kinds("text") is None


def test_extra_fields_go_along_and_its_configuration_goes_over_ours() -> None:
    options = Options(
        temperature=0.5,
        extra={
            "generationConfig": {"temperature": 1, "topK": 3},
            "cachedContent": "cachedContents/x",
            "tools": [{"googleSearch": {}}],
        },
    )
    found = body(QUESTION, options=options, tools=[LOOK])
    assert found["generationConfig"] == {"temperature": 1, "topK": 3}
    assert found["cachedContent"] == "cachedContents/x"
    assert [list(each) for each in found["tools"]] == [["functionDeclarations"], ["googleSearch"]]
    assert body(QUESTION, options=options)["tools"] == [{"googleSearch": {}}]


def test_extra_may_not_replace_what_is_asked() -> None:
    with pytest.raises(Refused) as caught:
        body(QUESTION, options=Options(extra={"contents": []}))
    assert caught.value.code == "extra_field"


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0, "includeThoughts": False}),
        ("gemini-2.5-flash", "max", {"thinkingBudget": 24_576, "includeThoughts": True}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128, "includeThoughts": True}),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "MINIMAL", "includeThoughts": True}),
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3.8-flash", "high", {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-2.0-flash", "high", None),
        ("gemini-2.5-flash-image", "high", None),
        ("gemma-4-27b", "high", None),
    ],
)
def test_an_effort_is_said_as_the_model_wants_it(model: str, effort: Effort, thinking: Any) -> None:
    asked = Model(connection="work", id=model, dialect="gemini-generate")
    found = body(QUESTION, model=asked, options=Options(effort=effort))
    assert found["generationConfig"].get("thinkingConfig") == thinking


def test_a_model_known_to_think_is_asked_to_show_it() -> None:
    thinker = Model(connection="w", id="gemini-3.8-flash", dialect="gemini-generate", thinking=True)
    assert body(QUESTION, model=thinker)["generationConfig"] == {"thinkingConfig": {"includeThoughts": True}}


def test_what_was_signed_goes_back_as_it_came_and_only_to_the_model_that_signed_it() -> None:
    pieces = [{"text": "a"}, {"text": "", "thoughtSignature": "c2ln"}]
    text = Text(text="a", step=1, origin=origin(pieces))
    assert said(text)[0] == {"role": "model", "parts": pieces}
    other = Model(connection="work", id="gemini-3.1-pro", dialect="gemini-generate")
    assert said(text, model=other)[0] == {"role": "model", "parts": [{"text": "a"}]}


def test_thoughts_go_back_only_signed_and_never_as_words() -> None:
    raw = [{"text": "Hm", "thought": True, "thoughtSignature": "c2ln"}]
    signed = Thinking(text="Hm", step=1, origin=origin(raw))
    unsigned = Thinking(text="Mm", step=1, origin=origin(None, key="r/1"))
    foreign = Thinking(text="Secret", step=1)
    end = Text(text="So.", step=1)
    assert said(signed, unsigned, foreign, end)[0]["parts"] == [*raw, {"text": "So."}]


def test_calls_and_results_are_paired_by_name_and_by_the_id_of_the_call() -> None:
    raw = {"functionCall": {"name": "look", "args": {"a": 1}, "id": "x1"}, "thoughtSignature": "c2ln"}
    bare = {"functionCall": {"name": "look", "args": {}}}
    one = ToolCall(id="x1", name="look", arguments={"a": 1}, step=1, origin=origin([raw]))
    two = ToolCall(id="call_1", name="look", arguments={}, step=1, origin=origin([bare], key="r/1"))
    results = [ToolResult(id=call.id, content=(Text(text=f"of {call.id}"),), step=1) for call in (one, two)]
    found = said(one, two, *results)
    assert found == [
        {"role": "model", "parts": [raw, bare]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "look", "id": "x1", "response": {"output": "of x1"}}},
                {"functionResponse": {"name": "look", "response": {"output": "of call_1"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "!"}]},
    ]


def test_a_call_of_another_model_gets_a_stand_in_where_a_signature_is_wanted() -> None:
    calls = [ToolCall(id=id, name="look", arguments={}, step=1) for id in ("one", "two")]
    results = [ToolResult(id=call.id, content=(), step=1) for call in calls]
    first, second = said(*calls, *results)[0]["parts"]
    assert first["thoughtSignature"] == "skip_thought_signature_validator"
    assert "thoughtSignature" not in second
    older = Model(connection="work", id="gemini-2.5-flash", dialect="gemini-generate")
    assert "thoughtSignature" not in said(*calls, *results, model=older)[0]["parts"][0]


def test_a_result_is_an_object_words_or_an_error() -> None:
    def response(result: ToolResult) -> Any:
        call = ToolCall(id="c", name="look", arguments={}, step=1)
        return said(call, result)[1]["parts"][0]["functionResponse"]["response"]

    assert response(ToolResult(id="c", content=(Text(text='{"a": [1]}'),), step=1)) == {"a": [1]}
    assert response(ToolResult(id="c", content=(Text(text="{no"),), step=1)) == {"output": "{no"}
    assert response(ToolResult(id="c", content=(), step=1)) == {"output": ""}
    assert response(ToolResult(id="c", content=(), error="No such file.", step=1)) == {
        "error": "No such file."
    }


def test_a_call_without_result_is_closed() -> None:
    found = said(ToolCall(id="c", name="look", arguments='{"a', step=1))
    assert found[0]["parts"][0]["functionCall"]["args"] == {"unreadable": '{"a'}
    assert "cut off" in found[1]["parts"][0]["functionResponse"]["response"]["error"]


def test_pictures_of_a_result_stand_in_a_content_of_their_own() -> None:
    files = Files()
    seen = files.add(b"png", "image/png", "a.png")
    content = (Text(text="See."), Image(media_type="image/png", file=seen))
    call = ToolCall(id="c", name="look", arguments={}, step=1)
    found = said(call, ToolResult(id="c", content=content, step=1), Text(text="Nice.", step=2), files=files)
    assert [each["role"] for each in found] == ["model", "user", "user", "model", "user"]
    assert found[2]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": "cG5n"}}
    blind = Model(connection="work", id="m", dialect="gemini-generate", inputs=frozenset({"text"}))
    told = said(call, ToolResult(id="c", content=content, step=1), model=blind, files=files)
    assert "does not read image" in told[2]["parts"][0]["text"]


def test_a_picture_that_was_drawn_here_goes_back_with_its_signature_and_a_foreign_one_by_the_user() -> None:
    item = [{"inlineData": {"mimeType": "image/png"}, "thoughtSignature": "c2ln"}]
    url = "data:image/png;base64,AAAA"
    mine = Image(media_type="image/png", url=url, step=1, origin=origin(item))
    assert said(mine)[0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "c2ln"}
    ]
    plain = Image(media_type="image/png", url=url, step=1, origin=origin(None))
    assert said(plain)[0]["role"] == "model"
    foreign = Image(media_type="image/png", url=url, step=1)
    found = said(Text(text="Here.", step=1), foreign)
    assert [each["role"] for each in found] == ["model", "user"]
    assert [list(part) for part in found[1]["parts"]] == [["text"], ["inlineData"], ["text"]]


def test_what_ran_at_the_provider_goes_back_only_there_and_only_with_its_result() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "c2ln"}
    got = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}
    ran = ToolCall(id="s", name="code_execution", arguments={}, by="provider", step=1, origin=origin([code]))
    result = ToolResult(id="s", content=(), step=1, origin=origin([got], key="r/1"))
    end = Text(text="So.", step=1)
    assert said(ran, result, end)[0]["parts"] == [code, got, {"text": "So."}]
    assert said(ran, end)[0]["parts"] == [{"text": "So."}]
    searched = ToolCall(
        id="g", name="google_search", arguments={}, by="provider", step=1, origin=origin(None)
    )
    links = ToolResult(id="g", content=(Text(text="x"),), step=1, origin=origin(None))
    cited = Citation(part=0, url="https://a.test", step=1, origin=origin(None))
    assert said(end, cited, searched, links)[0]["parts"] == [{"text": "So."}]


def test_what_is_not_known_goes_back_to_where_it_came_from_only() -> None:
    data = {"hologram": {"light": 1}}
    kept = Opaque(dialect="gemini-generate", kind="hologram", data=data, step=1, origin=origin(None))
    foreign = Opaque(dialect="openai-chat", kind="audio", data={"id": "x"}, step=1)
    assert said(kept, foreign)[0]["parts"] == [data]
    other = Model(connection="work", id="gemini-3.1-pro", dialect="gemini-generate")
    assert said(kept, Text(text="So.", step=1), model=other)[0]["parts"] == [{"text": "So."}]


def test_media_go_as_bytes_or_by_address_and_text_files_as_words() -> None:
    files = Files()
    pdf = files.add(b"%PDF", "application/pdf", "a.pdf")
    notes = files.add(b"hi", "text/plain", "notes.txt", text="hi")
    found = body(
        message(
            "q",
            "user",
            Image(media_type="image/png", url="data:image/png;base64,AAAA"),
            Audio(media_type="audio/wav", url="https://a.test/a.wav"),
            Video(media_type="video/mp4", url="https://www.youtube.com/watch?v=x"),
            File(media_type="application/pdf", file=pdf),
            File(media_type="text/plain", file=notes),
        ),
        files=files,
    )
    *media, words = found["contents"][0]["parts"]
    assert media == [
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"fileData": {"mimeType": "audio/wav", "fileUri": "https://a.test/a.wav"}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://www.youtube.com/watch?v=x"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}},
    ]
    assert "hi" in words["text"]
    assert "notes.txt" in words["text"]


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (File(media_type="application/zip", url="https://a.test/a.zip"), "model_cannot_take"),
        (Image(media_type="image/png", file="gone"), "file_not_found"),
        (Video(media_type="video/mp4", url="https://a.test/a.mp4"), "model_cannot_take"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_anything_is_sent(part: Part, code: str) -> None:
    inputs: Any = frozenset({"text", "image", "file"})
    model = Model(connection="work", id="m", dialect="gemini-generate", inputs=inputs)
    with pytest.raises(Refused) as caught:
        body(message("q", "user", part), model=model)
    assert caught.value.code == code


def test_a_file_that_is_too_large_is_refused() -> None:
    files = Files()
    large = files.add(b"", "application/pdf", "a.pdf")
    facts = files.facts[large]
    files.facts[large] = type(facts)(id=large, media_type="application/pdf", size=60 * 2**20, name="a.pdf")
    with pytest.raises(Refused) as caught:
        body(message("q", "user", File(media_type="application/pdf", file=large)), files=files)
    assert caught.value.code == "file_too_large"


def test_a_window_that_begins_with_an_answer_gets_a_first_word_of_the_user() -> None:
    found = body(message("a", "assistant", Text(text="Hi.")))
    assert [each["role"] for each in found["contents"]] == ["user", "model"]


def test_every_piece_names_its_segment_and_a_file_is_a_reference() -> None:
    files = Files()
    seen = files.add(b"png", "image/png")
    asked = window(
        message("q", "user", Text(text="Look:"), Image(media_type="image/png", file=seen)),
        instructions=["Be kind."],
        tools=[LOOK],
    )
    pieces = GeminiGenerate().encode(asked, MODEL, Options(), files.facts)
    assert {piece.segment for piece in pieces} == {
        "",
        "tool:000",
        "instructions:0",
        "message:q/0",
        "message:q/1",
    }
    assert [piece.file for piece in pieces if piece.file] == [seen]
    assert pieces[-1].data == b"]}"


def test_a_begun_answer_is_gone_on_from_or_asked_to_be_continued() -> None:
    codec = GeminiGenerate()
    pieces = codec.encode(window(QUESTION), MODEL, Options(), {})
    begun = body_of(codec, codec.go_on(pieces, "The sky", prefill=True))
    assert begun["contents"][-1] == {"role": "model", "parts": [{"text": "The sky"}]}
    asked = body_of(codec, codec.go_on(pieces, "The sky", prefill=False))
    assert asked["contents"][-1] == {"role": "user", "parts": [{"text": GO_ON}]}


@pytest.mark.parametrize(
    ("base", "model", "stream", "url"),
    [
        (
            "https://g.test",
            "gemini-x",
            True,
            "https://g.test/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
        ),
        (
            "https://g.test/v1beta/",
            "gemini-x",
            False,
            "https://g.test/v1beta/models/gemini-x:generateContent",
        ),
        (
            "https://g.test/v1/models?k=1",
            "m",
            True,
            "https://g.test/v1/models/m:streamGenerateContent?k=1&alt=sse",
        ),
        (
            "https://v.test/v1beta1/projects/p/locations/l/publishers/google",
            "m",
            False,
            "https://v.test/v1beta1/projects/p/locations/l/publishers/google/models/m:generateContent",
        ),
        (
            "https://g.test",
            "tunedModels/my one",
            False,
            "https://g.test/v1beta/tunedModels/my%20one:generateContent",
        ),
    ],
)
def test_the_address_has_one_version_and_the_model_s_name(
    base: str, model: str, stream: bool, url: str
) -> None:
    assert GeminiGenerate().address(base, model, stream=stream) == url

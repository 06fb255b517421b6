"""Chat completions on a connection of the same wire: what goes to the provider, and what comes back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tests.entrypoints.openai.conftest import HI, Program, deltas, error_of, events, joined

from windowseat.testing.replies import Usage, answer, call, page, refusal, text, thinking, unknown

SEARCH = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Looks things up.",
        "strict": False,
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]},
    },
}
PIXEL = "data:image/png;base64," + base64.b64encode(b"\x89PNG....").decode()


async def test_a_whole_answer_is_a_completion(program: Program) -> None:
    program.provider.script(
        [answer(text("Blue."), usage=Usage(input_tokens=7, output_tokens=2, cached_tokens=3))]
    )
    answered = await program.chat()
    assert answered.status_code == 200
    body = answered.json()
    assert (body["object"], body["model"]) == ("chat.completion", "test/echo")
    assert body["id"].startswith("chatcmpl-")
    choice = body["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "Blue.", "refusal": None}
    assert (choice["finish_reason"], choice["logprobs"]) == ("stop", None)
    assert body["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 2,
        "total_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    assert program.sent == {"model": "echo", "stream": False, "messages": HI}


async def test_a_streamed_answer_is_chunks_and_ends_with_done(program: Program) -> None:
    answered = await program.chat(stream=True)
    assert answered.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answered.text.endswith("data: [DONE]\n\n")
    chunks = events(answered)
    assert {(chunk["id"], chunk["object"]) for chunk in chunks} == {
        (chunks[0]["id"], "chat.completion.chunk")
    }
    assert deltas(answered)[0] == {"role": "assistant", "content": ""}
    assert joined(answered) == "The sky is blue"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert all("usage" not in chunk for chunk in chunks)


async def test_a_stream_tells_its_usage_where_that_is_asked_for(program: Program) -> None:
    answered = await program.chat(stream=True, stream_options={"include_usage": True})
    chunks = events(answered)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] > 0
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


async def test_every_request_is_a_row_of_the_ledger_without_a_word_kept(program: Program) -> None:
    program.provider.script([answer(text("A secret."), usage=Usage(input_tokens=7, output_tokens=2))])
    await program.chat()
    (row,) = await program.ledger()
    assert (row["purpose"], row["model"], row["thread"]) == ("api", "test/echo", None)
    assert (row["usage"]["input_tokens"], row["usage"]["output_tokens"]) == (7, 2)
    assert (await program.running.program.get("/api/threads")).json()["threads"] == []
    assert (await program.running.program.get(f"/api/turns/{row['turn']}")).status_code == 404
    for file in program.running.house.home.root.rglob("*"):
        assert not file.is_file() or b"secret" not in file.read_bytes()


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_go_to_the_caller_and_its_results_back_in_a_second_round(
    program: Program, stream: bool
) -> None:
    program.provider.script(
        [answer(text("Let me see."), call("search", {"q": "a"}, id="call_A"), call("search", {"q": "b"}))]
    )
    answered = await program.chat(tools=[SEARCH], tool_choice="required", stream=stream)
    assert program.sent["tools"] == [SEARCH]
    assert program.sent["tool_choice"] == "required"
    if stream:
        message = {
            "role": "assistant",
            "content": joined(answered),
            "tool_calls": _joined_calls(deltas(answered)),
        }
        assert events(answered)[-1]["choices"][0]["finish_reason"] == "tool_calls"
    else:
        message = answered.json()["choices"][0]["message"]
        assert answered.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert message["content"] == "Let me see."
    first, second = message["tool_calls"]
    assert (first["id"], first["type"], first["function"]["name"]) == ("call_A", "function", "search")
    assert [json.loads(each["function"]["arguments"]) for each in (first, second)] == [{"q": "a"}, {"q": "b"}]
    results = [
        {"role": "tool", "tool_call_id": each["id"], "content": f"found {each['id']}"}
        for each in (first, second)
    ]
    program.provider.script([answer(text("Done."))])
    again = await program.chat(messages=[*HI, message, *results], tools=[SEARCH])
    assert again.json()["choices"][0]["message"]["content"] == "Done."
    assert program.sent["messages"] == [*HI, message, *results]


def _joined_calls(pieces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    calls: dict[int, dict[str, Any]] = {}
    for piece in (each for delta in pieces for each in delta.get("tool_calls", ())):
        held = calls.setdefault(piece["index"], {"function": {"arguments": ""}})
        held.update({name: value for name, value in piece.items() if name not in ("index", "function")})
        held["function"]["arguments"] += piece["function"]["arguments"]
        held["function"].update({n: v for n, v in piece["function"].items() if n == "name"})
    return [calls[index] for index in sorted(calls)]


async def test_messages_reach_the_provider_with_every_field(program: Program) -> None:
    messages = [
        {
            "role": "user",
            "name": "ann",
            "content": [{"type": "text", "text": "a", "cache_control": {"type": "x"}}],
        },
        {"role": "assistant", "content": "b", "reasoning_content": "hm", "unheard_of": [1]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                {
                    "type": "file",
                    "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
                },
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
            ],
        },
        {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
        {"role": "user", "content": "c"},
    ]
    assert (await program.chat(messages=messages)).status_code == 200
    assert program.sent["messages"] == messages


async def test_instructions_stand_first_under_the_name_that_the_provider_has_for_them(
    program: Program,
) -> None:
    told = [{"role": "developer", "content": "Be brief."}, {"role": "system", "content": "Be kind."}]
    await program.chat(messages=[*told, *HI])
    assert program.sent["messages"] == [{"role": "system", "content": "Be brief.\n\nBe kind."}, *HI]


async def test_instructions_alone_and_in_the_middle_go_as_they_are(program: Program) -> None:
    alone = [{"role": "system", "content": "Say hello."}]
    await program.chat(messages=alone)
    assert program.sent["messages"] == alone
    middle = [*HI, {"role": "assistant", "content": "Yes."}, {"role": "system", "content": "Now in French."}]
    await program.chat(messages=middle)
    assert program.sent["messages"] == middle


async def test_options_reach_the_provider_unchanged(program: Program) -> None:
    options = {
        "temperature": 0.3,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END", "FIN"],
        "reasoning_effort": "minimal",
        "presence_penalty": 0.1,
        "logit_bias": {"50256": -100},
        "user": "u1",
        "metadata": {"a": "b"},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}},
        },
        "parallel_tool_calls": False,
        "a_field_of_the_future": {"deep": [1, None]},
    }
    await program.chat(**options, max_completion_tokens=50, n=1, store=None)
    sent = {
        name: value for name, value in program.sent.items() if name not in ("model", "messages", "stream")
    }
    assert sent == {**options, "max_tokens": 50}


async def test_a_thought_is_told_and_goes_back(program: Program) -> None:
    program.provider.script(
        [answer(thinking("Hm. "), text("Blue.")), answer(thinking("Hm. "), text("Blue."))]
    )
    message = (await program.chat()).json()["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Hm. ", "Blue.")
    streamed = await program.chat(stream=True)
    assert (joined(streamed, "reasoning_content"), joined(streamed)) == ("Hm. ", "Blue.")
    await program.chat(messages=[*HI, message, *HI])
    assert program.sent["messages"][1]["reasoning_content"] == "Hm. "


@pytest.mark.parametrize("stream", [False, True])
async def test_fields_of_an_answer_that_nobody_knows_come_back(program: Program, stream: bool) -> None:
    program.provider.script([answer(text("Blue."), unknown(mood={"warm": 1}))])
    answered = await program.chat(stream=stream)
    told = (
        [d for d in deltas(answered) if "mood" in d] if stream else [answered.json()["choices"][0]["message"]]
    )
    assert told[0]["mood"] == {"warm": 1}


async def test_a_refusal_is_one(program: Program) -> None:
    program.provider.script([answer(refusal("I would rather not.")), answer(refusal("I would rather not."))])
    choice = (await program.chat()).json()["choices"][0]
    assert (choice["message"]["content"], choice["message"]["refusal"]) == (None, "I would rather not.")
    assert choice["finish_reason"] == "stop"
    assert joined(await program.chat(stream=True), "refusal") == "I would rather not."


@pytest.mark.parametrize(
    ("theirs", "ours"), [("length", "length"), ("content_filter", "content_filter"), ("stop", "stop")]
)
async def test_the_reason_to_stop_comes_back(program: Program, theirs: str, ours: str) -> None:
    program.provider.script([answer(text("Blue"), finish=theirs)])
    assert (await program.chat()).json()["choices"][0]["finish_reason"] == ours


LIKELY = [
    {"token": "Blue", "logprob": -0.1, "bytes": [66], "top_logprobs": [{"token": "Blue", "logprob": -0.1}]}
]


async def test_likely_tokens_come_back_where_the_model_tells_them(program: Program) -> None:
    choice = {"index": 0, "logprobs": {"content": LIKELY, "refusal": None}, "finish_reason": "stop"}
    whole = {"choices": [{**choice, "message": {"role": "assistant", "content": "Blue"}}]}
    chunk = {"choices": [{**choice, "delta": {"content": "Blue"}}]}
    frames = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
    program.provider.script(
        [page(json.dumps(whole).encode(), "application/json"), page(frames, "text/event-stream")]
    )
    answered = await program.chat(logprobs=True, top_logprobs=1)
    assert (program.sent["logprobs"], program.sent["top_logprobs"]) == (True, 1)
    assert answered.json()["choices"][0]["logprobs"] == {"content": LIKELY, "refusal": None}
    streamed = events(await program.chat(logprobs=True, stream=True))
    assert [c["choices"][0]["logprobs"]["content"] for c in streamed if c["choices"][0]["logprobs"]] == [
        LIKELY
    ]


async def test_sound_and_pictures_of_an_answer_come_back(program: Program) -> None:
    message = {
        "role": "assistant",
        "content": None,
        "audio": {"id": "a", "data": "UklGRg==", "transcript": "Hello", "expires_at": 1},
        "images": [{"type": "image_url", "image_url": {"url": PIXEL}}],
    }
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    program.provider.script([page(json.dumps(whole).encode(), "application/json")])
    told = (await program.chat()).json()["choices"][0]["message"]
    assert (told["audio"]["data"], told["audio"]["transcript"]) == ("UklGRg==", "Hello")
    assert told["images"] == message["images"]


async def test_citations_count_from_the_beginning_of_the_answer(program: Program) -> None:
    note = {
        "type": "url_citation",
        "url_citation": {"start_index": 3, "end_index": 8, "title": "T", "url": "https://e/"},
    }
    message = {"role": "assistant", "content": "It is blue", "annotations": [note]}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    program.provider.script([page(json.dumps(whole).encode(), "application/json")])
    assert (await program.chat()).json()["choices"][0]["message"]["annotations"] == [note]


async def test_a_tool_that_takes_plain_text_is_called_with_plain_text(program: Program) -> None:
    custom = {"type": "custom", "custom": {"name": "sql", "description": "Runs SQL."}}
    made = {"id": "c1", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}
    message = {"role": "assistant", "content": None, "tool_calls": [made]}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    program.provider.script([page(json.dumps(whole).encode(), "application/json"), answer(text("One."))])
    told = (await program.chat(tools=[custom])).json()["choices"][0]["message"]
    assert told["tool_calls"] == [made]
    result = {"role": "tool", "tool_call_id": "c1", "content": "1"}
    await program.chat(tools=[custom], messages=[*HI, told, result])
    assert program.sent["messages"][1]["tool_calls"] == [made]
    assert program.sent["tools"] == [custom]


async def test_more_than_one_answer_is_refused_in_clear_words(program: Program) -> None:
    answered = await program.chat(n=2)
    assert answered.status_code == 400
    error = error_of(answered)
    assert (error["param"], error["code"]) == ("n", "unsupported_value")
    assert "can only be 1" in error["message"]
    assert program.provider.requests == []

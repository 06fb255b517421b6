"""The same programs on connections of all four dialects: by the meaning of what they ask and are told."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.entrypoints.openai.conftest import HI, Program, deltas, error_of, events, joined

from windowseat.core.model import DIALECTS
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import Usage, answer, call, error, text, thinking

PIXEL = "data:image/png;base64," + base64.b64encode(b"\x89PNG....").decode()
SCHEMA = {
    "type": "object",
    "properties": {"q": {"type": "string"}},
    "required": ["q"],
    "additionalProperties": False,
}
FUNCTION = {"name": "search", "description": "Looks things up.", "parameters": SCHEMA}
ROUNDS = answer(
    thinking("I should look. "), text("One moment."), call("search", {"q": "a"}), call("search", {"q": "b"})
)
WIRES = ("chat", "responses")


@pytest.fixture(params=DIALECTS)
async def there(request: pytest.FixtureRequest, program: Program) -> AsyncIterator[Program]:
    """The program, and as its provider one that speaks this dialect, by the connection `there`."""
    house = program.running.house
    async with ScriptedProvider(dialect=request.param, key="key-012345") as provider:
        await house.providers.connections.add(
            house.owner, name="there", dialect=request.param, url=provider.url, key="key-012345"
        )
        yield replace(program, provider=provider)


def dialect_of(program: Program) -> str:
    """What the provider speaks."""
    return type(program.provider._dialect).__name__


@pytest.mark.parametrize("stream", [False, True])
async def test_a_chat_is_answered_with_its_thought_and_usage(there: Program, stream: bool) -> None:
    usage = Usage(input_tokens=20, output_tokens=7, cached_tokens=5, thinking_tokens=3)
    there.provider.script([answer(thinking("Hm. "), text("It is blue."), usage=usage)])
    options = {"include_usage": True}
    answered = await there.chat(
        model="there/x", stream=stream, **({"stream_options": options} if stream else {})
    )
    if stream:
        told = {"content": joined(answered), "reasoning_content": joined(answered, "reasoning_content")}
        used = events(answered)[-1]["usage"]
    else:
        told, used = answered.json()["choices"][0]["message"], answered.json()["usage"]
    assert (told["content"], told["reasoning_content"]) == ("It is blue.", "Hm. ")
    assert (used["prompt_tokens"], used["completion_tokens"], used["total_tokens"]) == (20, 7, 27)
    assert used["prompt_tokens_details"]["cached_tokens"] == 5
    if dialect_of(there) != "AnthropicMessages":  # which counts thoughts with what is said
        assert used["completion_tokens_details"]["reasoning_tokens"] == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_are_answered_in_a_second_round_of_a_chat(there: Program, stream: bool) -> None:
    there.provider.script([ROUNDS])
    tools = [{"type": "function", "function": FUNCTION}]
    answered = await there.chat(model="there/x", tools=tools, tool_choice="required", stream=stream)
    message = _folded(answered) if stream else answered.json()["choices"][0]["message"]
    calls = message["tool_calls"]
    assert [json.loads(each["function"]["arguments"]) for each in calls] == [{"q": "a"}, {"q": "b"}]
    assert len({each["id"] for each in calls}) == 2
    results = [
        {"role": "tool", "tool_call_id": each["id"], "content": f"r{n}"} for n, each in enumerate(calls)
    ]
    again = await there.chat(model="there/tool", tools=tools, messages=[*HI, message, *results])
    assert again.json()["choices"][0]["message"]["content"] == "The tool said: r0 r1"


def _folded(answered: Any) -> dict[str, Any]:
    """The message of a stream as clients add it up: what they do not know is kept as it came."""
    message: dict[str, Any] = {"role": "assistant", "content": joined(answered), "tool_calls": []}
    for delta in deltas(answered):
        message.setdefault("reasoning_details", []).extend(delta.get("reasoning_details", ()))
        for piece in delta.get("tool_calls", ()):
            if piece["index"] == len(message["tool_calls"]):
                message["tool_calls"].append({**piece, "function": dict(piece["function"])})
            else:
                held = message["tool_calls"][piece["index"]]
                held.update({n: v for n, v in piece.items() if n not in ("index", "function")})
                held["function"]["arguments"] += piece.get("function", {}).get("arguments", "")
    return message


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_are_answered_in_a_second_round_of_a_response(there: Program, stream: bool) -> None:
    there.provider.script([ROUNDS])
    tools = [{"type": "function", **FUNCTION}]
    answered = await there.respond(model="there/x", tools=tools, tool_choice="required", stream=stream)
    output = events(answered)[-1]["response"]["output"] if stream else answered.json()["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call", "function_call"]
    assert output[0]["summary"][0]["text"] == "I should look. "
    calls = output[2:]
    assert [json.loads(each["arguments"]) for each in calls] == [{"q": "a"}, {"q": "b"}]
    results = [
        {"type": "function_call_output", "call_id": each["call_id"], "output": f"r{n}"}
        for n, each in enumerate(calls)
    ]
    again = await there.respond(
        model="there/tool", tools=tools, input=[{"role": "user", "content": "x"}, *output, *results]
    )
    assert again.json()["output"][0]["content"][0]["text"] == "The tool said: r0 r1"


@pytest.mark.parametrize("wire", WIRES)
async def test_what_a_provider_signed_goes_back_to_it(there: Program, wire: str) -> None:
    there.provider.script([ROUNDS])
    question = {"role": "user", "content": "x"}
    if wire == "chat":
        tools: list[dict[str, Any]] = [{"type": "function", "function": FUNCTION}]
        message = (await there.chat(model="there/x", tools=tools)).json()["choices"][0]["message"]
        results = [{"role": "tool", "tool_call_id": c["id"], "content": "r"} for c in message["tool_calls"]]
        await there.chat(model="there/x", tools=tools, messages=[question, message, *results])
    else:
        tools = [{"type": "function", **FUNCTION}]
        output = (await there.respond(model="there/x", tools=tools)).json()["output"]
        results = [
            {"type": "function_call_output", "call_id": item["call_id"], "output": "r"}
            for item in output
            if item["type"] == "function_call"
        ]
        await there.respond(model="there/x", tools=tools, input=[question, *output, *results])
    sent = json.dumps(there.sent)
    expected = {
        "OpenAiChat": '"reasoning_content"' if wire == "chat" else "One moment.",
        "OpenAiResponses": '"encrypted_content": "c2lnbmVk',
        "AnthropicMessages": '"signature": "c2lnbmVk',
        "GeminiGenerate": '"thoughtSignature": "c2lnbmVk',
    }
    assert expected[dialect_of(there)] in sent


@pytest.mark.parametrize("wire", WIRES)
async def test_what_was_signed_is_not_sent_to_another_model(there: Program, wire: str) -> None:
    there.provider.script([ROUNDS])
    question = {"role": "user", "content": "x"}
    if wire == "chat":
        message = (await there.chat(model="there/x")).json()["choices"][0]["message"]
        said = [question, {**message, "tool_calls": None}, question]
        await there.chat(model="there/other", messages=said)
    else:
        output = (await there.respond(model="there/x")).json()["output"][:2]
        await there.respond(model="there/other", input=[question, *output, question])
    if dialect_of(there) != "OpenAiChat" or wire != "chat":  # on its own wire it is the caller's to send
        assert "ws1." not in json.dumps(there.sent)
        assert "c2lnbmVk" not in json.dumps(there.sent)
    assert "One moment." in json.dumps(there.sent)


@pytest.mark.parametrize("wire", WIRES)
async def test_pictures_and_documents_arrive(there: Program, wire: str) -> None:
    """At an address that is not its maker's, this one dialect is not known to take documents."""
    pdf = base64.b64encode(b"%PDF-1.7").decode()
    if wire == "chat":
        content = [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": PIXEL}},
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{pdf}"},
            },
        ]
        answered = await there.chat(model="there/echo", messages=[{"role": "user", "content": content}])
    else:
        content = [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": PIXEL},
            {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{pdf}"},
        ]
        answered = await there.respond(model="there/echo", input=[{"role": "user", "content": content}])
    if dialect_of(there) == "AnthropicMessages":
        assert error_of(answered)["code"] == "unsupported_content"
        del content[2]
        body: dict[str, Any] = {"model": "there/echo", "messages": [{"role": "user", "content": content}]}
        answered = await (
            there.chat(**body) if wire == "chat" else there.respond(input=body["messages"], **body)
        )
    assert answered.status_code == 200, answered.text
    sent = json.dumps(there.sent)
    assert PIXEL.partition(",")[2] in sent
    assert pdf in sent or dialect_of(there) == "AnthropicMessages"


@pytest.mark.parametrize("wire", WIRES)
async def test_a_form_of_the_answer_arrives(there: Program, wire: str) -> None:
    named = {"name": "found", "schema": SCHEMA, "strict": True}
    if wire == "chat":
        wanted = {"type": "json_schema", "json_schema": named}
        answered = await there.chat(model="there/echo", response_format=wanted)
    else:
        answered = await there.respond(model="there/echo", text={"format": {"type": "json_schema", **named}})
    assert answered.status_code == 200, answered.text
    schema = {
        "OpenAiChat": lambda sent: sent["response_format"]["json_schema"]["schema"],
        "OpenAiResponses": lambda sent: sent["text"]["format"]["schema"],
        "AnthropicMessages": lambda sent: sent["output_config"]["format"]["schema"],
        "GeminiGenerate": lambda sent: sent["generationConfig"]["responseJsonSchema"],
    }
    assert schema[dialect_of(there)](there.sent) == SCHEMA


@pytest.mark.parametrize("wire", WIRES)
async def test_options_arrive_where_the_wire_has_a_word_for_them(there: Program, wire: str) -> None:
    tools: list[dict[str, Any]]
    if wire == "chat":
        tools = [{"type": "function", "function": FUNCTION}]
        choice: dict[str, Any] = {"type": "function", "function": {"name": "search"}}
        told = [{"role": "system", "content": "Be brief."}, *HI]
        await there.chat(
            model="there/echo", max_tokens=33, top_p=0.5, tools=tools, tool_choice=choice, messages=told
        )
    else:
        tools = [{"type": "function", **FUNCTION}]
        choice = {"type": "function", "name": "search"}
        await there.respond(
            model="there/echo", max_output_tokens=33, top_p=0.5, tools=tools, tool_choice=choice,
            instructions="Be brief.",
        )  # fmt: skip
    sent = there.sent
    config = sent.get("generationConfig", sent)
    most = {
        "OpenAiChat": "max_tokens",
        "GeminiGenerate": "maxOutputTokens",
        "OpenAiResponses": "max_output_tokens",
    }
    assert config[most.get(dialect_of(there), "max_tokens")] == 33
    assert config["topP" if "topP" in config else "top_p"] == 0.5
    assert '"search"' in json.dumps(sent.get("tool_choice") or sent.get("toolConfig"))
    assert "Be brief." in json.dumps(sent)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_refusal_of_the_provider_has_its_status(there: Program, wire: str) -> None:
    there.provider.script(
        [error(429, "Slow down.", headers={"Retry-After": "40"}), error(404, "No such model.")]
    )
    for status, code in ((429, "rate_limit_exceeded"), (404, "model_not_found")):
        answered = await (there.chat if wire == "chat" else there.respond)(model="there/x", stream=True)
        assert (answered.status_code, error_of(answered)["code"]) == (status, code)


async def test_models_of_every_dialect_are_listed(there: Program) -> None:
    listed = {model["id"] for model in (await there.http.get("/models")).json()["data"]}
    assert {"there/echo", "there/tool"} <= listed

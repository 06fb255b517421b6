"""What a program does with the official `openai` client; run by that client's own Python, not by pytest.

Arguments: the address of /v1, a key, and a connection to a provider whose models are echo, tool and paced.
Any difference is an AssertionError.
"""

from __future__ import annotations

import asyncio
import json
import sys

import openai
from pydantic import BaseModel

ADDRESS, KEY, CONNECTION = sys.argv[1:4]
ECHO, TOOL = f"{CONNECTION}/echo", f"{CONNECTION}/tool"
HI = [{"role": "user", "content": "The sky is blue"}]
PIXEL = "data:image/png;base64,iVBORw0KGgo="
SCHEMA = {
    "type": "object",
    "properties": {"q": {"type": "string"}},
    "required": ["q"],
    "additionalProperties": False,
}
CHAT_TOOLS = [
    {"type": "function", "function": {"name": "search", "description": "Looks.", "parameters": SCHEMA}}
]
TOOLS = [
    {"type": "function", "name": "search", "description": "Looks.", "parameters": SCHEMA, "strict": True}
]

client = openai.OpenAI(base_url=ADDRESS, api_key=KEY, max_retries=0)


class Found(BaseModel):
    name: str


def models() -> None:
    assert ECHO in {model.id for model in client.models.list()}
    assert client.models.retrieve(ECHO).id == ECHO


def chat() -> None:
    whole = client.chat.completions.create(model=ECHO, messages=HI)
    assert whole.choices[0].message.content == "The sky is blue"
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens > 0
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(model=ECHO, messages=HI, stream=True, stream_options=options)
    )
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said == "The sky is blue"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens > 0


def chat_tools() -> None:
    with client.chat.completions.stream(model=TOOL, messages=HI, tools=CHAT_TOOLS) as stream:
        streamed = stream.get_final_completion().choices[0]
    whole = client.chat.completions.create(model=TOOL, messages=HI, tools=CHAT_TOOLS).choices[0]
    for choice in (streamed, whole):
        assert choice.finish_reason == "tool_calls"
        (call,) = choice.message.tool_calls
        assert json.loads(call.function.arguments) == {"q": "The sky is blue"}
        result = {"role": "tool", "tool_call_id": call.id, "content": "nothing found"}
        again = client.chat.completions.create(
            model=TOOL, messages=[*HI, choice.message, result], tools=CHAT_TOOLS
        )
        assert again.choices[0].message.content == "The tool said: nothing found"


def pictures() -> None:
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    told = client.chat.completions.create(model=ECHO, messages=[{"role": "user", "content": content}])
    assert told.choices[0].message.content == "What is it?"
    content = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": PIXEL}]
    assert (
        client.responses.create(model=ECHO, input=[{"role": "user", "content": content}]).output_text
        == "What is it?"
    )


def forms() -> None:
    said = '{"name": "Ann"}'
    told = client.chat.completions.parse(
        model=ECHO, messages=[{"role": "user", "content": said}], response_format=Found
    )
    assert told.choices[0].message.parsed == Found(name="Ann")
    assert client.responses.parse(model=ECHO, input=said, text_format=Found).output_parsed == Found(
        name="Ann"
    )


def responses() -> None:
    whole = client.responses.create(model=ECHO, input="Hello", instructions="Be brief.")
    assert (whole.output_text, whole.status) == ("Hello", "completed")
    assert whole.usage is not None
    assert whole.usage.total_tokens > 0
    with client.responses.stream(model=ECHO, input="Hello there you") as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        assert stream.get_final_response().output_text == "".join(deltas) == "Hello there you"


def responses_tools() -> None:
    said = [{"role": "user", "content": "Look."}]
    first = client.responses.create(model=TOOL, input=said, tools=TOOLS)
    call = next(item for item in first.output if item.type == "function_call")
    assert json.loads(call.arguments) == {"q": "Look."}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "nothing found"}
    again = client.responses.create(model=TOOL, input=[*said, *first.output, result], tools=TOOLS)
    assert again.output_text == "The tool said: nothing found"
    with client.responses.stream(model=TOOL, input=said, tools=TOOLS) as stream:
        calls = [item for item in stream.get_final_response().output if item.type == "function_call"]
    assert json.loads(calls[0].arguments) == {"q": "Look."}


def errors() -> None:
    stranger = openai.OpenAI(base_url=ADDRESS, api_key="wrong", max_retries=0)
    for kind, code, ask in (
        (openai.AuthenticationError, "invalid_api_key", stranger.models.list),
        (openai.NotFoundError, "model_not_found", lambda: _chat("nobody/x", HI)),
        (openai.NotFoundError, "model_not_found", lambda: _chat(f"{CONNECTION}/nothing", HI)),
        (openai.BadRequestError, "empty_array", lambda: _chat(ECHO, [])),
        (openai.BadRequestError, "empty_array", lambda: client.responses.create(model=ECHO, input=[])),
    ):
        told = None
        try:
            ask()
        except kind as error:
            told = error.code
        assert told == code


def _chat(model: str, messages: list[dict[str, str]]) -> object:
    return client.chat.completions.create(model=model, messages=messages)


async def cancelled() -> None:
    """The last of all, so that the provider's last request is the one that was left."""
    slow = f"{CONNECTION}/paced-10tps-5000tok-10ttft"
    other = openai.AsyncOpenAI(base_url=ADDRESS, api_key=KEY)
    async with await other.chat.completions.create(model=slow, messages=HI, stream=True) as stream:
        async for _ in stream:
            break
    await other.close()


for check in (models, chat, chat_tools, pictures, forms, responses, responses_tools, errors):
    check()
asyncio.run(cancelled())

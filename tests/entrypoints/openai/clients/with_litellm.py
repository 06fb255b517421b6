"""What a program does with `litellm` as a client; run by that client's own Python, not by pytest.

Arguments: the address of /v1, a key, and a connection to a provider whose models are echo and tool.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import litellm
import openai

ADDRESS, KEY, CONNECTION = sys.argv[1:4]
HI = [{"role": "user", "content": "The sky is blue"}]
SCHEMA = {
    "type": "object",
    "properties": {"q": {"type": "string"}},
    "required": ["q"],
    "additionalProperties": False,
}
TOOLS = [{"type": "function", "function": {"name": "search", "description": "Looks.", "parameters": SCHEMA}}]


def ask(model: str, messages: list[Any], **more: Any) -> Any:
    more.setdefault("api_key", KEY)
    return litellm.completion(
        model=f"openai/{CONNECTION}/{model}", messages=messages, api_base=ADDRESS, max_retries=0, **more
    )


def chat() -> None:
    whole = ask("echo", HI)
    assert whole.choices[0].message.content == "The sky is blue"
    assert whole.usage.total_tokens > 0
    chunks = list(ask("echo", HI, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "The sky is blue"
    rebuilt = litellm.stream_chunk_builder(chunks, messages=HI)
    assert rebuilt.usage.completion_tokens == whole.usage.completion_tokens > 0


def tools() -> None:
    message = ask("tool", HI, tools=TOOLS, tool_choice="auto").choices[0].message
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments) == {"q": "The sky is blue"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "nothing found"}
    again = ask("tool", [*HI, message, result], tools=TOOLS)
    assert again.choices[0].message.content == "The tool said: nothing found"


def pictures_and_forms() -> None:
    url = {"url": "data:image/png;base64,iVBORw0KGgo="}
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}]
    assert ask("echo", [{"role": "user", "content": content}]).choices[0].message.content == "What is it?"
    said = '{"q": "x"}'
    form = {"type": "json_schema", "json_schema": {"name": "found", "schema": SCHEMA, "strict": True}}
    told = ask("echo", [{"role": "user", "content": said}], response_format=form)
    assert json.loads(told.choices[0].message.content) == {"q": "x"}


def responses() -> None:
    told = litellm.responses(model=f"openai/{CONNECTION}/echo", input="Hello", api_base=ADDRESS, api_key=KEY)
    assert told.output[0].content[0].text == "Hello"


def errors() -> None:
    for kind, asked in (
        (litellm.AuthenticationError, lambda: ask("echo", HI, api_key="wrong")),
        (litellm.NotFoundError, lambda: ask("nothing", HI)),
        (litellm.BadRequestError, lambda: ask("echo", [])),
    ):
        told = None
        try:
            asked()
        except openai.APIError as error:
            told = type(error)
        assert told is kind, told


for check in (chat, tools, pictures_and_forms, responses, errors):
    check()

"""What a program does with LangChain's `ChatOpenAI`; run by that client's own Python, not by pytest.

Arguments: the address of /v1, a key, and a connection to a provider whose models are echo and tool.
"""

from __future__ import annotations

import sys
from typing import Any

import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

ADDRESS, KEY, CONNECTION = sys.argv[1:4]


class Found(BaseModel):
    """What was found."""

    name: str


@tool
def search(q: str) -> str:
    """Looks things up."""
    return f"nothing about {q}"


def model(name: str, **more: Any) -> ChatOpenAI:
    settings = {"api_key": KEY, "max_retries": 0, **more}
    return ChatOpenAI(model=f"{CONNECTION}/{name}", base_url=ADDRESS, **settings)


def chat(**more: Any) -> None:
    whole = model("echo", **more).invoke("The sky is blue")
    assert whole.text == "The sky is blue"
    assert whole.usage_metadata["total_tokens"] > 0
    chunks = list(model("echo", stream_usage=True, **more).stream("The sky is blue"))
    assert "".join(chunk.text for chunk in chunks) == "The sky is blue"
    assert sum(chunk.usage_metadata["total_tokens"] for chunk in chunks if chunk.usage_metadata) > 0


def tools(**more: Any) -> None:
    bound = model("tool", **more).bind_tools([search])
    for streams in (False, True):
        said: list[Any] = [HumanMessage("grass")]
        answer = _added(bound.stream(said)) if streams else bound.invoke(said)
        (call,) = answer.tool_calls
        assert (call["name"], call["args"]) == ("search", {"q": "grass"})
        said += [answer, ToolMessage(search.invoke(call["args"]), tool_call_id=call["id"])]
        assert bound.invoke(said).text == "The tool said: nothing about grass"


def _added(chunks: Any) -> Any:
    first = next(chunks)
    for chunk in chunks:
        first += chunk
    return first


def pictures_and_forms(**more: Any) -> None:
    url = {"url": "data:image/png;base64,iVBORw0KGgo="}
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}]
    assert model("echo", **more).invoke([HumanMessage(content)]).text == "What is it?"
    formed = model("echo", **more).with_structured_output(Found, method="json_schema")
    assert formed.invoke('{"name": "Ann"}') == Found(name="Ann")


def errors() -> None:
    for kind, asked in (
        (openai.AuthenticationError, lambda: model("echo", api_key="wrong").invoke("x")),
        (openai.NotFoundError, lambda: model("nothing").invoke("x")),
    ):
        told = None
        try:
            asked()
        except openai.APIStatusError as error:
            told = type(error)
        assert told is not None
        assert issubclass(told, kind)


for wire in ({}, {"use_responses_api": True, "output_version": "responses/v1"}):
    for check in (chat, tools, pictures_and_forms):
        check(**wire)
errors()

"""Messages that a program wrote on a provider's own wire go on as written there, and by meaning elsewhere."""

from __future__ import annotations

from typing import Any

from windowseat.core.model import Model
from windowseat.core.parts import Image, Part, Text, ToolCall, ToolResult
from windowseat.features.providers.dialects.openai_chat import OpenaiChat
from windowseat.features.providers.dialects.openai_responses import OpenaiResponses
from windowseat.features.providers.written import as_item, as_message

from .values import encoded, message, window

CHAT = Model(connection="there", id="m", dialect="openai-chat")
RESPONSES = Model(connection="there", id="m", dialect="openai-responses")

NAMED: dict[str, Any] = {
    "role": "user",
    "name": "ann",
    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": {"ttl": "1h"}}],
}
CALLING: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}],
    "tool_calls": [
        {
            "id": "call-1",
            "type": "function",
            "function": {"name": "f", "arguments": '{ "a":1 }'},
            "extra_content": {"google": {"thought_signature": "s"}},
        }
    ],
}
ANSWERED: dict[str, Any] = {
    "role": "tool",
    "tool_call_id": "call-1",
    "content": [
        {"type": "text", "text": "one"},
        {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
    ],
}


def named(model: Model = CHAT) -> tuple[Part, ...]:
    return as_message([Text(text="a"), Text(text="b")], model, NAMED)


def called(model: Model = CHAT) -> tuple[Part, ...]:
    call = ToolCall(id="call-1", name="f", arguments={"a": 1}, by="caller")
    content = (Text(text="one"), Image(media_type="image/png", url="https://a/b.png"))
    result = ToolResult(id="call-1", content=content)
    return (*as_message([call], model, CALLING), *as_message([result], model, ANSWERED))


def messages(host: str, *said: tuple[str, tuple[Part, ...]], model: Model = CHAT) -> list[dict[str, Any]]:
    what = window(
        *(
            message(str(i), "user" if role == "user" else "assistant", *parts)
            for i, (role, parts) in enumerate(said)
        )
    )
    listed: list[dict[str, Any]] = encoded(OpenaiChat(host), what, model)["messages"]
    return listed


def test_a_message_keeps_every_field_that_the_house_does_not_know() -> None:
    said = messages("", ("user", named()), ("assistant", called()))
    assert said == [NAMED, CALLING, ANSWERED]


def test_another_model_gets_what_it_means() -> None:
    other = Model(connection="there", id="other", dialect="openai-chat")
    said = messages("", ("user", named()), ("assistant", called()), model=other)
    assert said[0] == {"role": "user", "content": "a\n\nb"}
    assert "reasoning_details" not in said[1]
    assert said[1]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":1}'}
    assert said[2] == {"role": "tool", "tool_call_id": "call-1", "content": "one"}
    assert said[3]["content"][1]["image_url"]["url"] == "https://a/b.png"


def test_a_call_gets_an_id_that_its_provider_takes_and_its_result_the_same() -> None:
    said = messages("api.mistral.ai", ("assistant", called()))
    id = said[0]["tool_calls"][0]["id"]
    assert id != "call-1"
    assert said[1] == {**ANSWERED, "tool_call_id": id}


def test_neighbours_are_one_message_where_the_roles_must_alternate() -> None:
    said = messages("localhost", ("user", named()), ("user", (Text(text="c"),)))
    assert said == [{"role": "user", "content": "a\n\nb\n\nc"}]


def test_instructions_in_the_middle_stay_apart_from_what_the_user_says() -> None:
    told = {"role": "system", "content": "Now in French."}
    said = messages(
        "localhost",
        ("user", (Text(text="a"),)),
        ("user", as_message([Text(text="Now in French.")], CHAT, told)),
        ("user", (Text(text="b"),)),
    )
    assert said == [{"role": "user", "content": "a"}, told, {"role": "user", "content": "b"}]


def test_a_message_that_lost_a_part_goes_by_its_meaning() -> None:
    assert messages("", ("user", named()[:1])) == [{"role": "user", "content": "a"}]


def test_items_of_the_other_wire_keep_every_field_too() -> None:
    asked = {
        "role": "user",
        "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}],
    }
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "namespace": "n"}
    output = {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "x"}]}
    said = {"type": "message", "id": "msg", "role": "assistant", "status": "completed", "content": []}
    what = window(
        message("1", "user", *as_message([Text(text="a"), Text(text="b")], RESPONSES, asked)),
        message(
            "2",
            "assistant",
            *as_item([Text(text="Well,")], RESPONSES, said, 0),
            *as_item([ToolCall(id="c", name="f", arguments={}, by="caller")], RESPONSES, call, 1),
            *as_message([ToolResult(id="c", content=(Text(text="x"),))], RESPONSES, output),
        ),
    )
    assert encoded(OpenaiResponses(), what, RESPONSES)["input"] == [asked, said, call, output]

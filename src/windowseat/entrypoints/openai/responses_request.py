"""A request for a response as an ask of the house. Nothing is kept: a request brings all that was said.

On a connection of this same wire every field that is not the house's own business goes along unchanged; to
other wires goes what the house has a word for, and the wishes that their dialect has one for.

Format: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from windowseat.core.ask import Ask, User
from windowseat.core.model import Model, Options
from windowseat.core.parts import Json
from windowseat.entrypoints.openai.chat_request import caller_tools, checked_choice, effort_of
from windowseat.entrypoints.openai.fields import Fields
from windowseat.entrypoints.openai.responses_items import read_items
from windowseat.features.providers.dialects.wishes import Wishes, fields_of

_NEEDS_STATE = ("previous_response_id", "conversation", "background")
_OURS = frozenset(
    {
        "model",
        "input",
        "instructions",
        "stream",
        "stream_options",
        "store",
        "max_output_tokens",
        *_NEEDS_STATE,
    }
)
"""Fields that the house reads and writes itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesRequest:
    """What was asked for. `customs` are tools that take plain text."""

    ask: Ask
    stream: bool
    customs: frozenset[str]


def read_request(body: Fields, model: Model, *, id: str, user: User, at: datetime) -> ResponsesRequest:
    """The request of `user` for `model`, as the ask `id`. Raises WrongRequest."""
    for name in _NEEDS_STATE:
        if body.get(name):
            raise body.wrong(
                name,
                f"“{name}” needs a server that keeps what was said; this one keeps nothing.",
                code="unsupported_parameter",
                hint="Send the whole conversation as input, with the items of earlier answers.",
            )
    said = read_items(body, model, at)
    stream = bool(body.boolean("stream"))
    tools = list(body.objects("tools"))
    own = model.dialect == "openai-responses"
    return ResponsesRequest(
        ask=Ask(
            id=id,
            user=user,
            path=said.path,
            instructions=said.instructions,
            model=model.name,
            options=_own_options(body, stream) if own else _options(body, model, stream),
            caller_tools=() if own else caller_tools(body, tools, model),
            purpose="api",
            keeping="memory",
        ),
        stream=stream,
        customs=frozenset(each.need_text("name") for each in tools if each.get("type") == "custom"),
    )


def _own_options(body: Fields, stream: bool) -> Options:
    return Options(
        stream=stream,
        max_output_tokens=body.whole("max_output_tokens"),
        extra={name: value for name, value in body.data.items() if name not in _OURS and value is not None},
    )


def _options(body: Fields, model: Model, stream: bool) -> Options:
    reasoning = body.object("reasoning")
    return Options(
        stream=stream,
        effort=None if reasoning is None else effort_of(reasoning, "effort"),
        temperature=body.number("temperature"),
        max_output_tokens=body.whole("max_output_tokens"),
        response_format=_format(body),
        extra=fields_of(_wishes(body), model.dialect) or None,
    )


def _format(body: Fields) -> dict[str, Json] | None:
    """The wanted form in the shape of the other wire, which the options have."""
    text = body.object("text")
    wanted = None if text is None else text.object("format")
    if wanted is None or wanted.get("type") == "text":
        return None
    if wanted.get("type") != "json_schema":
        return wanted.data
    named = {name: value for name, value in wanted.data.items() if name != "type"}
    return {"type": "json_schema", "json_schema": named}


def _wishes(body: Fields) -> Wishes:
    wanted: dict[str, Any] = {}
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        wanted = _chosen(Fields(choice, "tool_choice"))
    elif choice is not None:
        wanted["tool_choice"] = checked_choice(body, choice)
    told = "message.output_text.logprobs" in (body.list("include") or ())
    return Wishes(
        top_p=body.number("top_p"),
        logprobs=(body.whole("top_logprobs") or 0) if told else None,
        parallel_calls=body.boolean("parallel_tool_calls"),
        end_user=body.text("safety_identifier") or body.text("user"),
        **wanted,
    )


def _chosen(choice: Fields) -> dict[str, Any]:
    if choice.get("type") == "function":
        return {"tool": choice.need_text("name")}
    raise choice.wrong(
        "type", "This model can be made to call one function, or any.", code="unsupported_value"
    )

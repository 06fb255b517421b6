"""A request for a chat completion as an ask of the house: what is said, the caller's tools, the options.

On a connection of this same wire every field that is not the house's own business goes along unchanged; to
other wires goes what the house has a word for, and the wishes that their dialect has one for. A wish that no
field can carry there is left out; what would change what the answer is, is refused.

Format: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from windowseat.core.ask import Ask, User
from windowseat.core.model import Effort, Model, Options
from windowseat.core.parts import Json
from windowseat.core.tool import Tool
from windowseat.entrypoints.openai.chat_messages import read_messages
from windowseat.entrypoints.openai.fields import Fields
from windowseat.features.providers.dialects.wishes import Wishes, fields_of

MOST_STOPS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What was asked for. `told`: a stream ends with its usage; `customs` are tools that take plain text."""

    ask: Ask
    stream: bool
    told: bool
    customs: frozenset[str]


def read_chat(body: Fields, model: Model, *, id: str, user: User, at: datetime) -> ChatRequest:
    """The request of `user` for `model`, as the ask `id`. Raises WrongRequest."""
    said = read_messages(body, model, at)
    stream = bool(body.boolean("stream"))
    streaming = body.object("stream_options")
    check_alone(body)
    tools = list(body.objects("tools"))
    own = model.dialect == "openai-chat"
    options = _own_options(body, stream) if own else _options(body, model, stream)
    return ChatRequest(
        ask=Ask(
            id=id,
            user=user,
            path=said.path,
            instructions=said.instructions,
            model=model.name,
            options=options,
            caller_tools=() if own else caller_tools(body, tools, model),
            purpose="api",
            keeping="memory",
        ),
        stream=stream,
        told=stream and streaming is not None and bool(streaming.boolean("include_usage")),
        customs=frozenset(
            held.need_text("name") for each in tools if (held := each.object("custom")) is not None
        ),
    )


def check_alone(body: Fields) -> None:
    """One answer is one turn. Raises WrongRequest for more."""
    many = body.whole("n")
    if many not in (None, 1):
        raise body.wrong(
            "n",
            "One answer is given at a time; “n” can only be 1.",
            code="unsupported_value",
            hint="Ask several times for several answers.",
        )


def _own_options(body: Fields, stream: bool) -> Options:
    """The options for the same wire: two that providers name differently, the rest as it is."""
    most = body.whole("max_completion_tokens")
    older = body.whole("max_tokens")
    seed = body.whole("seed")
    return Options(
        stream=stream,
        max_output_tokens=older if most is None else most,
        seed=seed,
        extra={name: value for name, value in body.data.items() if name not in _OURS and value is not None},
    )


_OURS = frozenset(
    {"model", "messages", "stream", "stream_options", "n", "max_completion_tokens", "max_tokens", "seed"}
)
"""Fields that the house reads and writes itself; what a stream tells is asked for as each provider wants."""


def _options(body: Fields, model: Model, stream: bool) -> Options:
    most = body.whole("max_completion_tokens")
    form = body.object("response_format")
    return Options(
        stream=stream,
        effort=effort_of(body, "reasoning_effort"),
        temperature=body.number("temperature"),
        max_output_tokens=body.whole("max_tokens") if most is None else most,
        seed=body.whole("seed"),
        stop=_stops(body),
        response_format=None if form is None else form.data,
        extra=fields_of(_wishes(body), model.dialect) or None,
    )


def effort_of(fields: Fields, name: str) -> Effort | None:
    """An effort in the house's scale. Raises WrongRequest."""
    told = fields.text(name)
    if told is None:
        return None
    told = {"xhigh": "max"}.get(told, told)
    for effort in get_args(Effort):
        if told == effort:
            known: Effort = effort
            return known
    raise fields.wrong(
        name,
        f"The effort “{told[:40]}” is not known.",
        hint=f"Known are {', '.join(get_args(Effort))} and xhigh.",
    )


def _stops(body: Fields) -> tuple[str, ...] | None:
    stop = body.get("stop")
    if stop is None:
        return None
    listed = [stop] if isinstance(stop, str) else body.list("stop") or []
    if len(listed) > MOST_STOPS or not all(isinstance(each, str) for each in listed):
        raise body.wrong("stop", f"“stop” is a string, or up to {MOST_STOPS} of them.")
    return tuple(listed) or None


def _wishes(body: Fields) -> Wishes:
    wanted: dict[str, Any] = {}
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        wanted = _chosen(Fields(choice, "tool_choice"))
    elif choice is not None:
        wanted["tool_choice"] = checked_choice(body, choice)
    return Wishes(
        top_p=body.number("top_p"),
        presence_penalty=body.number("presence_penalty"),
        frequency_penalty=body.number("frequency_penalty"),
        logprobs=(body.whole("top_logprobs") or 0) if body.boolean("logprobs") else None,
        parallel_calls=body.boolean("parallel_tool_calls"),
        end_user=body.text("safety_identifier") or body.text("user"),
        **wanted,
    )


def checked_choice(body: Fields, choice: Json) -> str:
    """Which tools may be called, in a word. Raises WrongRequest."""
    if choice not in ("auto", "none", "required"):
        raise body.wrong("tool_choice", "“tool_choice” is auto, none, required, or names a function.")
    return str(choice)


def _chosen(choice: Fields) -> dict[str, Any]:
    if choice.get("type") == "function":
        return {"tool": choice.need_object("function").need_text("name")}
    raise choice.wrong(
        "type", "This model can be made to call one function, or any.", code="unsupported_value"
    )


def caller_tools(body: Fields, tools: Sequence[Fields], model: Model) -> tuple[Tool, ...]:
    """The functions on offer as tools of the caller; their fields stand beside the type or in `function`.

    Raises WrongRequest for a tool that only its own wire knows, and for a model that takes none.
    """
    if tools and model.tools is False:
        raise body.wrong("tools", f"{model.name} takes no tools.", code="unsupported_parameter")
    return tuple(_tool(each, model) for each in tools)


def _tool(tool: Fields, model: Model) -> Tool:
    if tool.text("type") != "function":
        raise tool.wrong(
            "type",
            f"{model.name} can be given functions, and no tool of another type.",
            code="unsupported_value",
            hint="Describe it as a function, or use a connection of the wire that knows it.",
        )
    function = tool.object("function") or tool
    schema = function.object("parameters")
    return Tool(
        name=function.need_text("name"),
        description=function.text("description") or "",
        schema={"type": "object", "properties": {}} if schema is None else schema.data,
    )

"""`anthropic-messages` against what Anthropic really sent."""

from __future__ import annotations

import json
import random
from itertools import pairwise, takewhile

import pytest

from windowseat.core.errors import ProviderFault
from windowseat.core.model import Model
from windowseat.core.parts import Citation, Opaque, Text, Thinking, ToolCall, ToolResult, at_step
from windowseat.features.providers.dialects.anthropic_decode import AnthropicDecoder
from windowseat.features.providers.dialects.anthropic_messages import AnthropicMessages

from .chat_requests import NotOurs
from .decoded import Answer, answer_of, streamed
from .recorded import Recorded, each_of, recorded
from .recorded_anthropic import message_of, plain, read_anthropic, read_anthropic_request
from .values import encoded, message
from .values import window as window_of

_STOPS = {"end_turn": "end", "tool_use": "tool_call", "max_tokens": "length", "refusal": "refusal"}


def decoder_of(exchange: Recorded) -> AnthropicDecoder:
    return AnthropicDecoder("there", exchange.request["model"])


def decoded(exchange: Recorded) -> Answer:
    body = exchange.response.encode()
    decoder = decoder_of(exchange)
    return answer_of(streamed(decoder, body) if exchange.stream else decoder.whole(body))


@each_of("anthropic-messages")
def test_an_answer_decodes_to_what_a_plain_reading_finds(exchange: Recorded) -> None:
    answer, reading = decoded(exchange), read_anthropic(exchange)
    assert answer.text == reading.text
    assert answer.thinking == reading.thinking
    assert [(call.name, call.arguments) for call in answer.calls("us")] == reading.calls
    assert [call.name for call in answer.calls("provider")] == reading.ran_there
    assert sum(isinstance(part, ToolResult) for part in answer.parts) == len(reading.ran_there)
    assert [part.url for part in answer.parts if isinstance(part, Citation)] == reading.cited
    assert answer.finished is not None
    assert answer.finished.stop_reason == _STOPS[reading.stop or ""]
    usage = answer.finished.usage
    assert reading.usage is not None
    assert {name: getattr(usage, name) for name in reading.usage} == reading.usage


@each_of("anthropic-messages")
def test_every_block_stands_whole_behind_its_part_or_is_said_by_it(exchange: Recorded) -> None:
    items = {
        part.origin.key: part.origin.item
        for part in decoded(exchange).parts
        if part.origin is not None and part.origin.item is not None
    }
    message = message_of(exchange)
    for number, block in enumerate(message["content"]):
        kept = items.get(f"{message['id']}/{number}")
        if kept is None:
            opaque = [part.data for part in decoded(exchange).parts if isinstance(part, Opaque)]
            assert block in opaque or {name for name in block if block[name]} <= {"type", "text"}
        else:
            assert kept == block


@each_of("anthropic-messages")
def test_the_bytes_may_be_cut_anywhere(exchange: Recorded) -> None:
    if not exchange.stream:
        return
    body = exchange.response.encode()
    chance = random.Random(body)
    uncut = streamed(decoder_of(exchange), body)
    ping = b'\nevent: ping\ndata: {"type": "ping"}\n\n'
    for changed in (
        body,
        body.replace(b"\n", b"\r\n"),
        body.replace(b"\n", b"\n: a comment\n"),
        body.replace(b"\n\n", b"\n" + ping),
    ):
        cuts = [chance.randrange(len(changed)) for _ in range(40)]
        assert streamed(decoder_of(exchange), changed, cuts) == uncut


@each_of("anthropic-messages")
def test_a_stream_and_its_whole_message_decode_to_the_same_parts(exchange: Recorded) -> None:
    whole = decoder_of(exchange).whole(json.dumps(message_of(exchange)).encode())
    assert answer_of(whole) == decoded(exchange)


@each_of("anthropic-messages")
def test_a_request_comes_out_as_it_was_read(exchange: Recorded) -> None:
    try:
        read = read_anthropic_request(exchange.request)
    except NotOurs as why:
        pytest.skip(f"a thread cannot say it: {why}")
    ours = encoded(AnthropicMessages(exchange.host), read.window, read.model, read.options, read.files)
    assert plain(ours) == plain(exchange.request)


@each_of("anthropic-messages", good=False)
def test_a_refusal_is_a_fault_with_its_code(exchange: Recorded) -> None:
    with pytest.raises(ProviderFault) as caught:
        decoded(exchange)
    assert caught.value.code == "provider_not_found"


def _pairs() -> list[tuple[Recorded, Recorded]]:
    """Exchanges with the one that followed, whose request carries the answer back."""
    return [pair for pair in pairwise(recorded("anthropic-messages")) if _carries_back(*pair)]


def _carries_back(before: Recorded, after: Recorded) -> bool:
    said, more = before.request["messages"], after.request["messages"]
    same = before.name.split("#")[0] == after.name.split("#")[0]
    return same and len(more) > len(said) and more[: len(said)] == said


@pytest.mark.parametrize(("before", "after"), _pairs(), ids=str)
def test_an_answer_goes_back_as_the_next_request_carried_it(before: Recorded, after: Recorded) -> None:
    follows = after.request["messages"][len(before.request["messages"]) :]
    carried = list(takewhile(lambda each: each["role"] == "assistant", follows))
    parts = [at_step(part, 1) for part in decoded(before).parts]
    parts += [
        ToolResult(id=part.id, content=(), step=1)
        for part in parts
        if isinstance(part, ToolCall) and part.by == "us"
    ]
    model = Model(connection="there", id=before.request["model"], dialect="anthropic-messages")
    window = window_of(message("q", "user", Text(text="?")), message("a", "assistant", *parts))
    ours = encoded(AnthropicMessages(before.host), window, model)
    ours_carried = [each for each in plain(ours)["messages"] if each["role"] == "assistant"]
    for each in ours_carried:  # the recorded client leaves this out of what it sends back
        for block in each["content"]:
            block.pop("caller", None)
    assert ours_carried == plain({"messages": carried})["messages"]


def test_there_are_pairs_when_there_are_recordings() -> None:
    assert len(_pairs()) >= 2 or not recorded("anthropic-messages")


def test_the_recordings_hold_the_kinds_of_parts_that_the_tests_above_speak_of() -> None:
    kinds = {
        part.type
        for row in recorded("anthropic-messages")
        if row.status == 200
        for part in decoded(row).parts
    }
    wanted = {"text", "thinking", "tool_call", "tool_result", "citation", "opaque"}
    assert wanted <= kinds or not recorded("anthropic-messages")
    hidden = [
        part
        for row in recorded("anthropic-messages")
        if row.status == 200
        for part in decoded(row).parts
        if isinstance(part, Thinking) and not part.text
    ]
    assert hidden or not recorded("anthropic-messages")

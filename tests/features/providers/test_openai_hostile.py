"""The dialects of OpenAI with what nobody meant to send: damaged streams, and threads of any parts."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windowseat.core.errors import ProviderFault, Refused
from windowseat.core.exchange import Decoder, DialectCodec
from windowseat.core.model import Dialect, Model, Options
from windowseat.core.parts import (
    Audio,
    Citation,
    Display,
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
from windowseat.features.providers.dialects.openai_chat import OpenaiChat
from windowseat.features.providers.dialects.openai_chat_decode import OpenaiChatDecoder
from windowseat.features.providers.dialects.openai_responses import OpenaiResponses
from windowseat.features.providers.dialects.openai_responses_decode import OpenaiResponsesDecoder

from .decoded import answer_of, streamed
from .recorded import Recorded, recorded
from .test_openai_chat_decode import call_piece, chunk, sse
from .test_openai_responses_decode import CALL, delta, done, item
from .test_openai_responses_decode import message as message_item
from .test_openai_responses_decode import text as text_item
from .values import Files, encoded, message, window

DECODERS: dict[Dialect, Callable[[str, str], Decoder]] = {
    "openai-chat": OpenaiChatDecoder,
    "openai-responses": OpenaiResponsesDecoder,
}
STREAMS: dict[Dialect, bytes] = {
    "openai-chat": sse(
        chunk({"role": "assistant", "content": "", "reasoning": "Hm"}),
        chunk({"content": "Yes “ja”"}),
        call_piece(0, '{"x": ', "a", "f"),
        call_piece(0, "1}"),
        chunk(
            {"annotations": [{"url_citation": {"url": "https://e.org", "start_index": 0, "end_index": 3}}]}
        ),
        chunk({}, "tool_calls", usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}),
    ),
    "openai-responses": "".join(
        f"event: {each['type']}\ndata: {json.dumps(each)}\n\n"
        for each in (
            item("added", 0, {"type": "reasoning", "summary": []}),
            delta("reasoning_summary_text", "Hm", summary_index=0),
            item("done", 0, {"type": "reasoning", "summary": [{"text": "Hm"}]}),
            delta("output_text", "Yes “ja”", 1, content_index=0),
            item("done", 1, message_item(text_item("Yes “ja”"))),
            item("added", 2, {**CALL, "arguments": ""}),
            delta("function_call_arguments", '{"x": 1}', 2),
            item("done", 2, CALL),
            done(usage={"input_tokens": 3}),
        )
    ).encode(),
}


def damaged(body: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them changed, cut out, doubled or moved."""
    data = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) or 1)
        to = min(len(data), at + chance.choice((1, 1, 2, 20, 200)))
        match chance.randrange(4):
            case 0:
                data[at:to] = bytes(chance.randrange(256) for _ in range(to - at))
            case 1:
                del data[at:to]
            case 2:
                data[at:at] = data[at:to]
            case _:
                piece = bytes(data[at:to])
                del data[at:to]
                place = chance.randrange(len(data) or 1)
                data[place:place] = piece
    return bytes(data)


def ends_well(dialect: Dialect, body: bytes) -> None:
    """The answer ends in settled parts or in a clear fault."""
    with contextlib.suppress(ProviderFault):
        assert answer_of(streamed(DECODERS[dialect]("there", "m"), body)).finished is not None


@pytest.mark.parametrize("dialect", STREAMS)
@settings(max_examples=300)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_stream_ends_in_settled_parts_or_in_a_clear_fault(dialect: Dialect, seed: int) -> None:
    ends_well(dialect, damaged(STREAMS[dialect], random.Random(seed)))


@pytest.mark.long
@pytest.mark.parametrize("dialect", DECODERS)
def test_damaged_recordings_end_well(dialect: Dialect) -> None:
    streams = [each for each in recorded(dialect) if each.stream and each.status == 200]
    if not streams:
        pytest.skip("the recordings are not here (WINDOWSEAT_RECORDINGS)")
    for seed in range(100_000):
        chance = random.Random(seed)
        exchange: Recorded = chance.choice(streams)
        ends_well(dialect, damaged(exchange.response.encode()[:20_000], chance))


# -- threads of any parts -------------------------------------------------------------------------

_FILES = Files()
_PNG = _FILES.add(b"\x89PNG", "image/png", "a.png")
_TEXT = _FILES.add(b"a", "text/plain", "a.txt", text="a")


def _origins(dialect: str) -> st.SearchStrategy[Origin | None]:
    return st.none() | st.builds(
        Origin,
        dialect=st.sampled_from([dialect, "anthropic-messages"]),
        connection=st.just("there"),
        model=st.sampled_from(["m", "n"]),
        key=st.sampled_from(["item/0", "item/1", "reasoning", "content", None]),
        item=st.none()
        | st.just({"type": "reasoning", "encrypted_content": "x"})
        | st.just({"id": "a", "x": 1}),
        shares=st.integers(1, 2),
    )


def _parts(dialect: str) -> st.SearchStrategy[Part]:
    common: dict[str, Any] = {"step": st.none() | st.integers(1, 2), "origin": _origins(dialect)}
    words, ids = st.sampled_from(["", "a", '“\ud7ff\n"', "\\"]), st.sampled_from(["", "a", "b", "x" * 99])
    media: dict[str, Any] = {
        "file": st.sampled_from([None, _PNG, _TEXT, "gone"]),
        "url": st.sampled_from([None, "https://e.org/a", "data:image/png;base64,AA==", "data:,a"]),
        "media_type": st.sampled_from(["image/png", "audio/mpeg", "application/pdf", "text/plain", ""]),
    }
    inner = st.one_of(st.builds(Text, text=words), st.builds(Image, **media), st.builds(File, **media)).map(
        lambda p: (p,)
    )
    return st.one_of(
        st.builds(Text, text=words, **common),
        st.builds(Thinking, text=words, **common),
        st.builds(
            ToolCall,
            id=ids,
            name=words,
            arguments=st.just({}) | words,
            by=st.sampled_from(["us", "provider"]),
            **common,
        ),
        st.builds(ToolResult, id=ids, content=inner, error=st.none() | words, **common),
        *(st.builds(kind, **media, **common) for kind in (Image, Audio, Video, File)),
        st.builds(Display, forms=st.just({"text/plain": "a", "image/png": _PNG}), **common),
        st.builds(Citation, part=st.just(0), url=st.none() | words, **common),
        st.builds(
            Opaque,
            dialect=st.just(dialect),
            kind=st.sampled_from(["message.x", "content.y", "item.z"]),
            data=st.just({"type": "z"}),
            **common,
        ),
    )


def _checked(
    codec: DialectCodec, parts: list[list[Part]], inputs: frozenset[Any] | None
) -> dict[str, Any] | None:
    model = Model(connection="there", id="m", dialect=codec.name, inputs=inputs)
    said = [message(f"m{n}", "assistant" if n % 2 else "user", *each) for n, each in enumerate(parts)]
    try:
        body: dict[str, Any] = encoded(codec, window(*said), model, Options(), _FILES)
    except Refused:
        return None
    return body


_INPUTS = st.sampled_from([None, frozenset({"text"}), frozenset({"text", "image", "audio", "video", "file"})])
_HOSTS = st.sampled_from(
    ["", "api.openai.com", "api.mistral.ai", "api.deepseek.com", "127.0.0.1", "openrouter.ai"]
)


@settings(max_examples=400)
@given(st.lists(st.lists(_parts("openai-chat"), max_size=5), max_size=4), _INPUTS, _HOSTS)
def test_any_thread_is_a_chat_request_or_refused(parts: list[list[Part]], inputs: Any, host: str) -> None:
    body = _checked(OpenaiChat(host), parts, inputs)
    waiting: list[str] = []
    seen: set[str] = set()
    for each in body["messages"] if body else ():
        if each["role"] == "tool":
            assert each["tool_call_id"] == waiting.pop(0)
            continue
        assert not waiting
        waiting = [call["id"] for call in each.get("tool_calls", [])]
        assert not seen & set(waiting)
        seen |= set(waiting)
    assert not waiting


@settings(max_examples=400)
@given(st.lists(st.lists(_parts("openai-responses"), max_size=5), max_size=4), _INPUTS)
def test_any_thread_is_a_responses_request_or_refused(parts: list[list[Part]], inputs: Any) -> None:
    if body := _checked(OpenaiResponses("api.openai.com"), parts, inputs):
        calls = [each["call_id"] for each in body["input"] if each.get("type") == "function_call"]
        assert len(set(calls)) == len(calls)


def test_an_item_that_says_less_than_its_parts_does_not_go_in_their_place() -> None:
    item = Origin(dialect="openai-chat", connection="there", model="m", key="item/0", item={"x": 1}, shares=2)
    rest = Origin(dialect="openai-chat", connection="there", model="m", key="item/0", shares=2)
    parts: list[Part] = [Text(text="So:", origin=item), ToolCall(id="c", name="f", arguments={}, origin=rest)]
    body = _checked(OpenaiChat("api.openai.com"), [[Text(text="Go.")], parts], None)
    assert body is not None
    answer, result = body["messages"][1:3]
    assert (answer["content"], answer["tool_calls"][0]["function"]["name"]) == ("So:", "f")
    assert result["tool_call_id"] == answer["tool_calls"][0]["id"]

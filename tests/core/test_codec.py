"""Every shape goes to JSON and comes back as it was; what is wrong is named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from tests.core import values

from windowseat import codec
from windowseat.core.errors import Refused
from windowseat.core.message import Message, Usage
from windowseat.core.model import Model
from windowseat.core.parts import Origin, Part, Text

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """A shape of an entrypoint."""

    id: str
    parts: tuple[Part, ...] = ()
    goes_on: bool = False


@given(values.parts)
def test_a_part_comes_back_as_it_was(part):
    assert codec.read_part(codec.load(codec.to_json(part, origin=True))) == part


@given(values.messages)
def test_a_message_comes_back_as_it_was(message):
    assert codec.read(Message, codec.load(codec.to_json(message, origin=True))) == message


@given(values.events)
def test_an_event_comes_back_as_it_was(event):
    read = codec.read_numbered(codec.event_json(7, NOW, event, origin=True))
    assert (read.n, read.at, read.event) == (7, NOW, event)


@given(values.events)
def test_what_is_shown_never_holds_an_origin(event):
    def holds(plain):
        if isinstance(plain, dict):
            return set(plain) >= {"dialect", "connection", "shares"} or any(map(holds, plain.values()))
        return isinstance(plain, list) and any(map(holds, plain))

    assert not holds(msgspec.json.decode(codec.event_json(1, NOW, event)))


def test_times_and_unknowns_look_as_promised():
    part = Text(text="a", step=2, origin=Origin(dialect="d", connection="c", model="m"))
    assert codec.to_plain(part) == {"type": "text", "step": 2, "text": "a"}
    assert codec.to_plain(Usage(input_tokens=3))["output_tokens"] is None
    message = Message(id="i", thread="t", parent=None, role="assistant", parts=(), created=NOW)
    plain = msgspec.json.decode(codec.to_json(message))
    assert plain["created"] == "2026-11-25T08:30:00Z"
    assert plain["parent"] is None
    assert plain["stop_reason"] is None
    assert "n" not in plain


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"type": "text", "text": 3}, "part.text"),
        ({"type": "text"}, "part.text"),
        ({"type": "verse", "text": "x"}, "part"),
        ({"type": "text", "text": "x", "colour": 1}, "colour"),
        (
            {"type": "tool_result", "id": "a", "content": [{"type": "text", "text": None}]},
            "part.content[0].text",
        ),
        ("text", "part"),
        ({"type": "thinking", "text": "", "started": "yesterday"}, "part.started"),
    ],
)
def test_a_wrong_shape_is_refused_with_its_place(data, place):
    with pytest.raises(Refused) as refused:
        codec.read_part(data)
    assert refused.value.code == "bad_shape"
    assert place in refused.value.detail


def test_what_is_no_json_is_refused():
    with pytest.raises(Refused, match="not JSON"):
        codec.load(b'{"a": \xff}')


def test_a_field_that_makes_its_own_default_may_be_left_out():
    model = codec.read(Model, {"connection": "c", "id": "m", "dialect": "openai-chat"})
    assert model == Model(connection="c", id="m", dialect="openai-chat")


def test_a_shape_outside_core_is_read_with_the_values_of_core():
    asked = codec.read(Outside, {"id": "t", "parts": [{"type": "text", "text": "Hi"}], "continue": True})
    assert asked == Outside(id="t", parts=(Text(text="Hi"),), goes_on=True)
    assert codec.to_plain(asked)["continue"] is True

"""A window is ordered, stable and says what it holds."""

from __future__ import annotations

from datetime import UTC, datetime

from windowseat.core.message import Message
from windowseat.core.parts import Notice, Text, ToolCall
from windowseat.core.request import Piece, Request
from windowseat.core.tool import Tool
from windowseat.core.window import Insert, assemble

NOW = datetime(2026, 11, 25, tzinfo=UTC)
TOOL = Tool(name="open_file", description="Reads a file.", schema={"type": "object"})


def message(id, role, *parts):
    return Message(id=id, thread="t", parent=None, role=role, parts=parts, created=NOW)


def test_tools_come_first_then_instructions_then_the_path():
    inserts = [
        Insert(key="memory:1", kind="memory", label="memory", content="Likes tea."),
        Insert(key="instructions:user", kind="instructions", label="instructions", content="Be brief."),
        Insert(key="tool:open_file", kind="tool", label="open_file", content=TOOL),
    ]
    path = [message("u", "user", Text(text="Hello")), message("a", "assistant", Text(text="Hi"))]
    window = assemble(inserts, path)
    assert [segment.key for segment in window.segments] == [
        "tool:open_file", "instructions:user", "memory:1", "message:u/0", "message:a/0",
    ]  # fmt: skip
    assert window == assemble(reversed(inserts), path)
    assert window.tools() == (("tool:open_file", TOOL),)
    assert [text for _, text in window.instructions()] == ["Be brief.", "Likes tea."]


def test_a_notice_is_never_read_by_a_model_and_indexes_stay():
    call = ToolCall(id="c", name="open_file", arguments={})
    window = assemble(
        [], [message("a", "assistant", Text(text="x"), Notice(code="limit", text="full"), call)]
    )
    assert [segment.key for segment in window.segments] == ["message:a/0", "message:a/2"]
    assert window.entries()[0].parts == (("message:a/0", Text(text="x")), ("message:a/2", call))


def test_the_pieces_joined_are_the_body_and_files_stand_in_for_their_bytes():
    pieces = (
        Piece(segment="", data=b'{"a":"'),
        Piece(segment="message:u/0", file="f"),
        Piece(segment="", data=b'"}'),
    )
    request = Request(dialect="openai-chat", connection="c", model="m", stream=True, pieces=pieces)
    assert request.body({"f": b"QUJD"}.__getitem__) == b'{"a":"QUJD"}'

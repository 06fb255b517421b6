"""What all dialects share of writing a request: strict schemas, words of results and files, pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowseat.core.parts import Display, File, Image, Text, ToolResult
from windowseat.features.providers.dialects.encoding import (
    Body,
    data_of,
    inner,
    is_strict,
    joined,
    media_of_result,
    readable,
    size_of,
    words_of_file,
    words_of_result,
)

from .values import Files

CLOSED: dict[str, Any] = {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({**CLOSED, "properties": {"x": {"type": "string"}}, "required": ["x"]}, True),
        ({**CLOSED, "properties": {}, "required": []}, True),
        ({**CLOSED, "properties": {}}, False),
        ({**CLOSED, "properties": {"x": {"type": "string"}}, "required": []}, False),
        ({"type": "object", "properties": {}, "required": []}, False),
        ({**CLOSED, "properties": {"x": {"type": "string", "default": "a"}}, "required": ["x"]}, False),
        (
            {
                **CLOSED,
                "properties": {"x": {"type": "array", "items": {"type": "object"}}},
                "required": ["x"],
            },
            False,
        ),
        (
            {
                **CLOSED,
                "properties": {"x": {"$ref": "#/$defs/y"}},
                "required": ["x"],
                "$defs": {"y": {"type": "null"}},
            },
            True,
        ),
        (
            {
                **CLOSED,
                "properties": {"x": {"anyOf": [{"type": "string"}, {"oneOf": []}]}},
                "required": ["x"],
            },
            False,
        ),
        ({**CLOSED, "properties": [], "required": {}}, False),
        ("object", False),
    ],
)
def test_a_schema_is_strict_only_where_it_keeps_all_the_rules(schema: Any, strict: bool) -> None:
    assert is_strict(schema) is strict


def test_a_results_words_tell_the_error_the_texts_and_the_plainest_of_a_display() -> None:
    forms = {"text/html": "<b>x</b>", "text/plain": "x", "image/png": "file-1", "image/svg+xml": "<svg/>"}
    content = (Text(text="one"), Display(forms=forms))
    result = ToolResult(id="c", content=content, error="It broke.", arguments={"x": 1})
    assert words_of_result(result).splitlines() == [
        '(The user changed the arguments before the call was run, to {"x":1}.)',
        "Error: It broke.",
        "one",
        "x",
    ]
    assert media_of_result(result) == (Image(media_type="image/png", file="file-1"),)
    assert readable([Display(forms={"text/html": "<b>x</b>"})]) == [Text(text="<b>x</b>")]


def test_a_file_goes_in_as_words_only_where_there_are_some() -> None:
    files = Files()
    text = File(media_type="text/plain", file=files.add(b"a", "text/plain", "a.txt", text="a"))
    pdf = File(media_type="application/pdf", file=files.add(b"%PDF", "application/pdf"))
    assert words_of_file(text, files.facts) == '<file name="a.txt">\na\n</file>'
    assert words_of_file(pdf, files.facts) is None


def test_the_size_of_what_a_data_url_holds_is_known() -> None:
    image = Image(media_type="image/png", url="data:image/png;base64,iVBORw==")
    assert data_of(image) == "iVBORw=="
    assert size_of(image, {}) in (4, 5, 6)
    assert size_of(Image(media_type="image/png", url="https://e.org/a.png"), {}) is None


def test_what_the_user_adds_joins_objects_and_replaces_the_rest() -> None:
    assert joined({"a": {"x": 1}, "b": 1}, {"a": {"y": 2}, "b": {"z": 3}, "c": 4}) == {
        "a": {"x": 1, "y": 2}, "b": {"z": 3}, "c": 4,
    }  # fmt: skip


@given(st.text())
def test_a_string_may_be_written_piece_by_piece(text: str) -> None:
    middle = len(text) // 2
    try:
        written = b'"' + inner(text[:middle]) + inner(text[middle:]) + b'"'
    except UnicodeEncodeError:
        return  # half a surrogate pair is no text
    assert json.loads(written) == text


def test_neighbouring_bytes_of_one_segment_are_one_piece_and_files_stand_apart() -> None:
    body = Body()
    body.add("a", b"1", b"2")
    body.add("a", b"3")
    body.file("a", "file-0")
    body.add("a", b"4")
    body.add("b", b"5")
    assert [(p.segment, p.data or p.file) for p in body.pieces(b"]")] == [
        ("a", b"123"), ("a", "file-0"), ("a", b"4"), ("b", b"5"), ("", b"]"),
    ]  # fmt: skip

"""What is wrong with a call's arguments is said so that a model can mend it."""

from __future__ import annotations

from typing import Any

import pytest

from windowseat.features.tools.arguments import what_is_wrong

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 10},
        "share": {"type": "number"},
        "deep": {"type": "boolean"},
        "kind": {"enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "where": {"type": "object", "properties": {"line": {"type": "integer"}}, "required": ["line"]},
        "maybe": {"type": ["string", "null"]},
    },
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": ""},
        {"name": "x", "limit": 10, "share": 1, "deep": False, "kind": "b", "tags": [], "maybe": None},
        {"name": "x", "limit": 3.0, "where": {"line": 1, "more": "allowed"}, "tags": ["a"]},
    ],
)
def test_arguments_that_fit_are_left_alone(arguments: Any) -> None:
    assert what_is_wrong(arguments, SCHEMA) == ()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "What was given has to be of type object; it is a list."),
        ({}, "`name` is missing."),
        ({"name": 3}, "`name` has to be of type string; it is 3."),
        ({"name": "x", "limit": True}, "`limit` has to be of type integer; it is True."),
        ({"name": "x", "limit": "3"}, '`limit` has to be of type integer; it is "3".'),
        ({"name": "x", "limit": 0}, "`limit` has to be at least 1; it is 0."),
        ({"name": "x", "limit": 11}, "`limit` has to be at most 10; it is 11."),
        ({"name": "x", "kind": "c"}, '`kind` has to be one of "a", "b"; it is "c".'),
        ({"name": "x", "tags": ["a", 1]}, "`tags[1]` has to be of type string; it is 1."),
        ({"name": "x", "where": {}}, "`where.line` is missing."),
        ({"name": "x", "maybe": 1}, "`maybe` has to be of type string or null; it is 1."),
        (
            {"name": "x", "nme": 1},
            "`nme` is not known; known are name, limit, share, deep, kind, tags, where, maybe.",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(arguments: Any, sentence: str) -> None:
    assert what_is_wrong(arguments, SCHEMA) == (sentence,)


def test_several_things_are_named_at_once_but_not_endlessly() -> None:
    found = what_is_wrong({"name": "x", "tags": list(range(1000))}, SCHEMA)
    assert len(found) == 8


def test_what_a_schema_says_beyond_that_is_not_checked_and_breaks_nothing() -> None:
    odd: Any = {"type": "unheard", "properties": 3, "required": "name", "enum": "x", "pattern": "^a"}
    assert what_is_wrong({"x": 1}, odd) == ()
    assert what_is_wrong({"x": 1}, {"properties": {"x": True}}) == ()

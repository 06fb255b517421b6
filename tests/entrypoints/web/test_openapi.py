"""The description of the API is true: every address is in it, and answers have the shapes described."""

from __future__ import annotations

from typing import Any

import pytest
from tests.entrypoints.web.conftest import read_events

from windowseat.core.message import Message
from windowseat.entrypoints.web.asgi import routes
from windowseat.entrypoints.web.openapi import Shapes
from windowseat.testing.replies import answer, call, text
from windowseat.testing.world import Running


@pytest.fixture
async def described(running: Running) -> dict[str, Any]:
    answered = await running.browser.get("/api/openapi.json")
    assert answered.status_code == 200
    return answered.json()


async def test_every_address_has_a_readable_operation_of_its_own(described):
    ids = [
        operation["operationId"] for methods in described["paths"].values() for operation in methods.values()
    ]
    assert len(ids) == len(set(ids)) == len([route for route in routes() if not route.internal])
    assert {"start_turn", "follow_turn", "list_threads", "put_file", "add_connection"} <= set(ids)
    for methods in described["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert "default" in operation["responses"]


async def test_no_shape_is_referred_to_that_is_not_described(described):
    def references(value: Any):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"].rpartition("/")[2]
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    named = set(described["components"]["schemas"])
    assert set(references(described)) <= named
    assert {"TurnAsked", "TurnShown", "Message", "Text", "PartDelta", "Changed", "Problem"} <= named


async def test_what_is_answered_has_the_shape_that_is_described(running: Running, described, provider):
    provider.script([answer(call("open_file", {"file": "none"})), answer(text("There is none."))])
    begun = await running.start("hello")
    turn, thread = f"/api/turns/{begun['turn']}", f"/api/threads/{begun['thread']}"
    events = await read_events(running.browser, turn + "/events")
    await running.browser.post("/api/keys", json={"name": "editor"})
    schemas = described["components"]["schemas"]
    asked = {
        turn: "/api/turns/{turn}",
        turn + "/requests/1": "/api/turns/{turn}/requests/{step}",
        "/api/threads": "/api/threads",
        thread: "/api/threads/{thread}",
        thread + "/messages": "/api/threads/{thread}/messages",
        thread + "/draft": "/api/threads/{thread}/draft",
        **{path: path for path in ("/api/models", "/api/connections", "/api/sign-ins", "/api/keys")},
        **{path: path for path in ("/api/settings", "/api/ledger", "/healthz")},
    }
    for path, described_as in asked.items():
        answered = (await running.browser.get(path)).json()
        good = described["paths"][described_as]["get"]["responses"]["200"]
        check(answered, good["content"]["application/json"]["schema"], schemas, path)
    stream = described["paths"]["/api/turns/{turn}/events"]["get"]["responses"]["200"]
    for _, event in events:
        check(event, stream["content"]["text/event-stream"]["schema"], schemas, event["type"])


def test_the_types_of_core_become_schemas_by_the_rules_of_the_codec():
    shapes = Shapes()
    assert shapes.of(Message) == {"$ref": "#/components/schemas/Message"}
    message = shapes.named["Message"]
    assert {"id", "thread", "parent", "role", "parts", "created"} == set(message["required"])
    assert "origin" not in shapes.named["Text"]["properties"]
    assert shapes.named["Text"]["properties"]["type"] == {"enum": ["text"]}


def check(value: Any, schema: dict[str, Any], named: dict[str, Any], at: str) -> None:
    """Fail where the value is not of the schema; as much of JSON Schema as the description uses."""
    problem = wrong(value, schema, named, at)
    assert problem is None, problem


def wrong(value: Any, schema: dict[str, Any], named: dict[str, Any], at: str) -> str | None:
    if "$ref" in schema:
        return wrong(value, named[schema["$ref"].rpartition("/")[2]], named, at)
    if "anyOf" in schema:
        problems = [wrong(value, each, named, at) for each in schema["anyOf"]]
        return None if None in problems else f"{at}: {value} is none of {problems}"
    if "enum" in schema:
        return None if value in schema["enum"] else f"{at}: {value} is none of {schema['enum']}"
    kinds = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None),
             "array": list, "object": dict}  # fmt: skip
    if "type" in schema and not isinstance(value, kinds[schema["type"]]):
        return f"{at}: {value!r} is no {schema['type']}"
    if isinstance(value, list):
        found = [wrong(each, schema["items"], named, f"{at}[{i}]") for i, each in enumerate(value)]
        return next((each for each in found if each), None)
    if isinstance(value, dict) and "properties" in schema:
        if missing := set(schema["required"]) - set(value):
            return f"{at}: {missing} is missing"
        if surplus := set(value) - set(schema["properties"]) - {"origin"}:
            return f"{at}: {surplus} is not described"
        parts = [
            wrong(each, schema["properties"].get(name, {}), named, f"{at}.{name}")
            for name, each in value.items()
        ]
        return next((each for each in parts if each), None)
    return None

"""What `Options.response_format` wants, for the wires that say it in other words.

The option has the shape of the OpenAI wires, which most programs write: `{"type": "json_object"}`, or
`{"type": "json_schema"}` with the schema in `json_schema.schema` or beside it. Not here: any wire.
"""

from __future__ import annotations

from windowseat.core.errors import Refused
from windowseat.core.parts import Json


def wants_json(wanted: dict[str, Json] | None) -> bool:
    """Whether the answer is to be JSON. Raises Refused `response_format` for a type that is not known."""
    if wanted is None or wanted.get("type") == "text":
        return False
    if wanted.get("type") in ("json_object", "json_schema"):
        return True
    raise Refused(
        "response_format",
        f"The response format “{str(wanted.get('type'))[:40]}” is not known.",
        hint="Known are text, json_object and json_schema.",
    )


def schema_in(wanted: dict[str, Json]) -> dict[str, Json] | None:
    """The JSON Schema that the answer is to keep, None where any object will do."""
    inner = wanted.get("json_schema")
    schema = inner.get("schema") if isinstance(inner, dict) else wanted.get("schema")
    return schema if isinstance(schema, dict) else None

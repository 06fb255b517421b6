"""Whether a call's arguments are what its tool's schema asks for, in words by which a model can mend them.

Checked of JSON Schema: `type`, `required`, `properties`, `additionalProperties: false`, `items`, `enum`,
`minimum`, `maximum`. Whatever else a schema says is told to the model and not checked here. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from windowseat.core.parts import Json

_MOST_WORDS = 8
_IS: Mapping[str, Callable[[Json], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and value.is_integer())
    ),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def what_is_wrong(arguments: Json, schema: Mapping[str, Json]) -> tuple[str, ...]:
    """What is wrong with the arguments, one sentence each, eight at the most; () when they will do.

    >>> what_is_wrong({"limit": "ten"}, {"type": "object", "properties": {"limit": {"type": "integer"}}})
    ('`limit` has to be of type integer; it is "ten".',)
    """
    found = []
    for sentence in _wrong(arguments, schema, ""):
        found.append(sentence)
        if len(found) == _MOST_WORDS:
            break
    return tuple(found)


def _wrong(value: Json, schema: Json, place: str) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    name = f"`{place}`" if place else "What was given"
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds] if isinstance(kinds, str) else []
    if kinds and not any(_IS.get(kind, _anything)(value) for kind in kinds):
        yield f"{name} has to be of type {' or '.join(kinds)}; it is {_shown(value)}."
        return
    allowed = schema.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        yield f"{name} has to be one of {', '.join(map(_shown, allowed))}; it is {_shown(value)}."
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from _out_of_range(value, schema, name)
    if isinstance(value, dict):
        yield from _wrong_object(value, schema, place)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _wrong(item, schema.get("items"), f"{place}[{index}]")


def _wrong_object(value: Mapping[str, Json], schema: Mapping[str, Json], place: str) -> Iterator[str]:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    within = f"{place}." if place else ""
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if name not in value:
            yield f"`{within}{name}` is missing."
    for name, item in value.items():
        if name in properties:
            yield from _wrong(item, properties[name], f"{within}{name}")
        elif schema.get("additionalProperties") is False:
            yield f"`{within}{name}` is not known; known are {', '.join(properties) or 'none'}."


def _out_of_range(value: float, schema: Mapping[str, Json], name: str) -> Iterator[str]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if isinstance(least, int | float) and value < least:
        yield f"{name} has to be at least {least}; it is {value}."
    if isinstance(most, int | float) and value > most:
        yield f"{name} has to be at most {most}; it is {value}."


def _anything(_: Json) -> bool:
    return True


def _shown(value: Json) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = f'"{value}"' if isinstance(value, str) else "null" if value is None else str(value)
    return text if len(text) <= 60 else text[:60] + "…"

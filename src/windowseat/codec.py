"""JSON of the house's values, both ways: one table of type → class, so that shapes cannot drift apart.

`to_plain` makes what msgspec can write; `read` makes a value of what came from outside and says where
it is wrong. Three rules: a field whose default is None is left out while it is None; `origin` is kept
only where asked for (what is stored), never in what is shown; a few fields have another name in JSON.

It is not a wire format of any provider, and it does not know what a value means.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from windowseat.core import ask, events, exchange, fold, message, model, parts, price, thread, tool
from windowseat.core.errors import Refused
from windowseat.core.events import EVENTS, Event, Numbered, PartDelta
from windowseat.core.message import Message, Usage
from windowseat.core.parts import PARTS, Part

Value = TypeVar("Value")
Reader = Callable[[Any, str], Any]

_JSON_NAMES = {"waits_for": "for", "goes_on": "continue"}
_TYPE_NAMES: dict[type[Any], str] = {
    cls: str(next(f.default for f in dataclasses.fields(cls) if f.name == "type"))
    for cls in (*PARTS, *EVENTS)
}
_PART_BY_NAME = {_TYPE_NAMES[cls]: cls for cls in PARTS}
_EVENT_BY_NAME = {_TYPE_NAMES[cls]: cls for cls in EVENTS}
_AS_IT_IS = frozenset({str, int, float, bool, type(None), datetime, Decimal})
_ALWAYS_OF_A_MESSAGE = ("turn", "model", "usage", "stop_reason", "price")


# -- values to JSON -------------------------------------------------------------------------------


def to_plain(value: Any, *, origin: bool = False) -> Any:
    """The value as dictionaries, lists and what msgspec writes by itself (times, decimals)."""
    if type(value) in _AS_IT_IS:  # most values: the questions below cost more
        return value
    if isinstance(value, Message):
        return _message_plain(value, origin)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        out: dict[str, Any] = {}
        for name, json_name, optional in _fields_of(type(value)):
            item = getattr(value, name)
            if (item is None and optional) or (name == "origin" and not origin):
                continue
            out[json_name] = to_plain(item, origin=origin)
        return out
    if isinstance(value, tuple | list | frozenset):
        return [to_plain(item, origin=origin) for item in value]
    if isinstance(value, Mapping):
        return {key: to_plain(item, origin=origin) for key, item in value.items()}
    return value


def _message_plain(value: Message, origin: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, json_name, optional in _fields_of(Message):
        item = getattr(value, name)
        answered = value.role == "assistant" and name in _ALWAYS_OF_A_MESSAGE
        if item is not None or not optional or answered:
            out[json_name] = to_plain(item, origin=origin)
    return out


def to_json(value: Any, *, origin: bool = False) -> bytes:
    """The value as JSON bytes."""
    return msgspec.json.encode(to_plain(value, origin=origin))


def event_json(n: int, at: datetime, event: Event, *, origin: bool = False) -> bytes:
    """`{"type", "n", "at", …}`: how the journal keeps an event, and followers get it."""
    if type(event) is PartDelta and event.logprobs is None:  # nearly all events are these
        return msgspec.json.encode(
            {"type": "part_delta", "n": n, "at": at, "index": event.index, "text": event.text}
        )
    plain = to_plain(event, origin=origin)
    return msgspec.json.encode({"type": plain.pop("type"), "n": n, "at": at, **plain})


@cache
def _fields_of(cls: type[Any]) -> tuple[tuple[str, str, bool], ...]:
    """Name, name in JSON, and whether it is left out while None; `type` first."""
    listed = [
        (
            f.name,
            json_name(f.name),
            f.default is None and (cls is not Usage or f.name == "details"),
        )
        for f in sorted(dataclasses.fields(cls), key=lambda f: f.name != "type")
    ]
    return tuple(listed)


# -- JSON to values -------------------------------------------------------------------------------


def read(cls: type[Value], data: Any, *, at: str = "") -> Value:
    """The value of class `cls` that `data` (decoded JSON) describes.

    Raises Refused `bad_shape`, which names the place.
    """
    return typing.cast(Value, _reader(cls)(data, at))


def read_part(data: Any, *, at: str = "part") -> Part:
    """The part that `data` describes. Raises Refused `bad_shape`."""
    return typing.cast(Part, _tagged(_PART_BY_NAME, "part")(data, at))


def read_parts(data: Any, *, at: str = "parts") -> tuple[Part, ...]:
    """The parts of a list. Raises Refused `bad_shape`."""
    if not isinstance(data, list):
        raise _wrong(at, "a list of parts", data)
    return tuple(read_part(item, at=f"{at}[{index}]") for index, item in enumerate(data))


def read_numbered(data: bytes) -> Numbered:
    """An event as `event_json` wrote it."""
    plain = msgspec.json.decode(data)
    n, when = plain.pop("n"), plain.pop("at")
    event = _tagged(_EVENT_BY_NAME, "event")(plain, "event")
    return Numbered(n=n, at=_time(when, "at"), event=event)


def load(data: bytes) -> Any:
    """Decode JSON bytes. Raises Refused `not_json`."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("not_json", f"The body is not JSON: {error}.", hint="Send JSON.", status=400) from None


def _wrong(at: str, wanted: str, data: Any) -> Refused:
    found = "null" if data is None else type(data).__name__
    return Refused(
        "bad_shape",
        f"{at or 'The value'} should be {wanted}, and is {found}.",
        hint="See /docs for the shape.",
    )


def _tagged(table: Mapping[str, type[Any]], what: str) -> Reader:
    def tagged(data: Any, at: str) -> Any:
        name = data.get("type") if isinstance(data, dict) else None
        cls = table.get(name) if isinstance(name, str) else None
        if cls is None:
            raise _wrong(at, f"an object whose type is a known {what} ({', '.join(table)})", data)
        return _reader(cls)(data, at)

    return tagged


def _time(data: Any, at: str) -> datetime:
    try:
        moment = datetime.fromisoformat(data)
    except (TypeError, ValueError):
        raise _wrong(at, "a time such as 2026-11-25T08:00:00Z", data) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _decimal(data: Any, at: str) -> Decimal:
    try:
        amount = Decimal(data) if isinstance(data, str) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        raise _wrong(at, "a decimal number as a string", data)
    return amount


def _simple(cls: type[Any], words: str) -> Reader:
    def simple(data: Any, at: str) -> Any:
        if cls is float and type(data) is int:
            return float(data)
        if type(data) is not cls:
            raise _wrong(at, words, data)
        return data

    return simple


_SIMPLE: dict[Any, Reader] = {
    str: _simple(str, "text"),
    int: _simple(int, "a whole number"),
    float: _simple(float, "a number"),
    bool: _simple(bool, "true or false"),
    datetime: _time,
    Decimal: _decimal,
    Any: lambda data, _: data,
    type(None): _simple(type(None), "null"),
}


def _reader(hint: Any) -> Reader:
    """How to read a value of an annotated type."""
    return _cached_reader(hint)


@cache
def _cached_reader(hint: typing.Hashable) -> Reader:
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    kind, inner = get_origin(hint), get_args(hint)
    if kind in (Union, types.UnionType):
        return _union_reader(inner)
    if kind is Literal:
        return _literal_reader(inner)
    if kind in (tuple, list, frozenset):
        return _list_reader(kind, _reader(inner[0]))
    if kind is not None and issubclass(kind, Mapping):
        return _object_reader(_reader(inner[1]))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_reader(hint)
    raise TypeError(f"no reader for {hint}")


def _union_reader(inner: tuple[Any, ...]) -> Reader:
    classes = {cls for cls in inner if dataclasses.is_dataclass(cls)}
    if classes <= set(PARTS) and len(classes) > 1:
        several = [_tagged(_PART_BY_NAME, "part")]
    else:
        several = [_reader(cls) for cls in inner if cls is not type(None)]

    def union(data: Any, at: str) -> Any:
        if data is None and type(None) in inner:
            return None
        for each in several[:-1]:
            try:
                return each(data, at)
            except Refused:
                continue
        return several[-1](data, at)

    return union


def _literal_reader(allowed: tuple[Any, ...]) -> Reader:
    def literal(data: Any, at: str) -> Any:
        if data not in allowed or type(data) is not type(allowed[0]):
            raise _wrong(at, f"one of {', '.join(map(str, allowed))}", data)
        return data

    return literal


def _list_reader(kind: type[Any], item: Reader) -> Reader:
    def read_list(data: Any, at: str) -> Any:
        if not isinstance(data, list):
            raise _wrong(at, "a list", data)
        return kind(item(each, f"{at}[{index}]") for index, each in enumerate(data))

    return read_list


def _object_reader(item: Reader) -> Reader:
    def read_object(data: Any, at: str) -> Any:
        if not isinstance(data, dict):
            raise _wrong(at, "an object", data)
        return {key: item(value, f"{at}.{key}") for key, value in data.items()}

    return read_object


def _dataclass_reader(cls: type[Any]) -> Reader:
    hints = typing.get_type_hints(cls, vars(_namespace()))
    fields = {
        _JSON_NAMES.get(f.name, f.name): (
            f.name,
            f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING,
            hints[f.name],
        )
        for f in dataclasses.fields(cls)
    }

    def read_dataclass(data: Any, at: str) -> Any:
        if not isinstance(data, dict):
            raise _wrong(at, "an object", data)
        values: dict[str, Any] = {}
        for json_name, item in data.items():
            if json_name not in fields:
                raise Refused(
                    "bad_shape",
                    f"{at or 'The value'} has a field “{str(json_name)[:80]}” that is not known.",
                    hint=f"Known are: {', '.join(fields)}.",
                )
            name, _, hint = fields[json_name]
            values[name] = _reader(hint)(item, f"{at}.{json_name}" if at else json_name)
        for json_name, (name, required, _) in fields.items():
            if required and name not in values:
                raise _wrong(f"{at}.{json_name}" if at else json_name, "there", None)
        return cls(**values)

    return read_dataclass


def hints_of(cls: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields by name, also of one that uses the values of core elsewhere."""
    return typing.get_type_hints(cls, vars(_namespace()) | vars(sys.modules[cls.__module__]))


def json_name(field: str) -> str:
    """What a field is called in JSON."""
    return _JSON_NAMES.get(field, field)


@cache
def _namespace() -> types.SimpleNamespace:
    """All names that the annotations of core's values use."""
    names: dict[str, Any] = {}
    for module in (parts, price, message, events, fold, thread, tool, model, ask, exchange):
        names.update(vars(module))
    return types.SimpleNamespace(**names)

"""A JSON object of a request, read field by field, with errors that name the place.

What is null is not there. `rest` is what nobody has asked for: fields that are not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from windowseat.core.parts import Json
from windowseat.entrypoints.openai.errors import WrongRequest


class Fields:
    """An object at a place ("" for the body). Raises WrongRequest for what is no object."""

    def __init__(self, data: Json, at: str = "") -> None:
        if not isinstance(data, dict):
            raise wrong_type(at or None, "an object", data)
        self.data: dict[str, Any] = data
        self.at = at
        self._asked: set[str] = set()

    def place(self, name: str) -> str:
        """Where a field stands."""
        return f"{self.at}.{name}" if self.at else name

    def get(self, name: str) -> Json:
        """The value, None where it is not there."""
        self._asked.add(name)
        return self.data.get(name)

    def text(self, name: str) -> str | None:
        """The value, which must be text."""
        value = self.get(name)
        if value is not None and not isinstance(value, str):
            raise wrong_type(self.place(name), "a string", value)
        return value

    def need_text(self, name: str) -> str:
        """The value, which must be there and be text."""
        value = self.text(name)
        if value is None:
            raise self.missing(name)
        return value

    def boolean(self, name: str) -> bool | None:
        """The value, which must be true or false."""
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            raise wrong_type(self.place(name), "a boolean", value)
        return value

    def number(self, name: str) -> float | None:
        """The value, which must be a number."""
        value = self.get(name)
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
            raise wrong_type(self.place(name), "a number", value)
        return value

    def whole(self, name: str) -> int | None:
        """The value, which must be a whole number."""
        value = self.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise wrong_type(self.place(name), "an integer", value)
        return value

    def object(self, name: str) -> Fields | None:
        """The value, which must be an object."""
        value = self.get(name)
        return None if value is None else Fields(value, self.place(name))

    def need_object(self, name: str) -> Fields:
        """The value, which must be there and be an object."""
        found = self.object(name)
        if found is None:
            raise self.missing(name)
        return found

    def list(self, name: str) -> list[Json] | None:
        """The value, which must be a list."""
        value = self.get(name)
        if value is not None and not isinstance(value, list):
            raise wrong_type(self.place(name), "an array", value)
        return value

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects of a list; none where it is not there."""
        for index, each in enumerate(self.list(name) or ()):
            yield Fields(each, f"{self.place(name)}[{index}]")

    def rest(self) -> dict[str, Json]:
        """The fields that were not asked for, null ones left out."""
        return {n: value for n, value in self.data.items() if n not in self._asked and value is not None}

    def missing(self, name: str) -> WrongRequest:
        """The error for a field that must be there."""
        return WrongRequest(
            self.place(name),
            f"The field “{self.place(name)}” is missing.",
            code="missing_required_parameter",
        )

    def wrong(self, name: str, detail: str, *, code: str = "invalid_value", hint: str = "") -> WrongRequest:
        """The error for a value that cannot be."""
        return WrongRequest(self.place(name), detail, code=code, hint=hint)


def wrong_type(place: str | None, wanted: str, value: Json) -> WrongRequest:
    """The error for a value of another type."""
    found = "null" if value is None else type(value).__name__
    return WrongRequest(
        place, f"“{place or 'The body'}” should be {wanted}, and is {found}.", code="invalid_type"
    )

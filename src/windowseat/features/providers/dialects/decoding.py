"""What the decoders share: the parts of one answer as they grow, and reading JSON that may be anything.

`Growing` opens, grows and settles parts, and gathers the events that say so. It knows no wire format.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from windowseat.core.errors import ProviderFault
from windowseat.core.events import PartDelta, PartSettled, PartStarted
from windowseat.core.exchange import Decoded
from windowseat.core.parts import By, Citation, Json, Origin, Part, Text, Thinking, ToolCall

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading bytes raises that are no JSON, no UTF-8, or nested without end."""

_SHOWN = 200


def json_of(data: bytes) -> dict[str, Any]:
    """The object that a provider sent. Raises ProviderFault `provider_unreadable`."""
    try:
        found = msgspec.json.decode(data)
    except NOT_JSON as error:
        raise unreadable(data, str(error)) from None
    if not isinstance(found, dict):
        raise unreadable(data, "it is no object")
    return found


def unreadable(data: bytes, why: str) -> ProviderFault:
    """The fault for what is not the dialect."""
    shown = data[:_SHOWN].decode("utf-8", "replace")
    return ProviderFault(
        "provider_unreadable",
        f"The provider sent what cannot be read ({why}): {shown!r}",
        hint="Try again; if it happens again, check the dialect of this connection.",
    )


def cut(connection: str) -> ProviderFault:
    """The fault for a stream that ended before the answer did."""
    return ProviderFault(
        "provider_cut",
        f"The answer from {connection} was cut off before its end.",
        hint="Try again, or go on from it.",
    )


def as_dict(value: Json) -> dict[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_str(value: Json) -> str:
    """The value where it is text, else none."""
    return value if isinstance(value, str) else ""


def as_int(value: Json) -> int | None:
    """The value where it is a whole number that counts something, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def media_type_of(url: str, otherwise: str) -> str:
    """The media type in a `data:` URL, else `otherwise`."""
    found = re.match(r"data:([\w.+-]+/[\w.+-]+)[;,]", url)
    return found[1] if found else otherwise


def parsed_arguments(raw: str) -> dict[str, Json] | str:
    """A call's arguments as an object; none at all is an empty one, what is no object stays as it came."""
    if not raw.strip():
        return {}
    try:
        found = msgspec.json.decode(raw)
    except (*NOT_JSON, UnicodeEncodeError):
        return raw
    return found if isinstance(found, dict) else raw


class Call:
    """A tool call as it streams: its place, its names, and the pieces of its arguments."""

    __slots__ = ("id", "index", "name", "pieces", "raw")

    def __init__(self, index: int, id: str, name: str) -> None:
        self.index = index
        self.id = id
        self.name = name
        self.pieces: list[str] = []
        self.raw: dict[str, Any] = {}

    @property
    def arguments(self) -> str:
        """What has come of the arguments."""
        return "".join(self.pieces)


class Growing:
    """The parts of one answer. Texts and thoughts are open one at a time; calls stay open beside them.

    `item` may be set while a part is open: the provider's own item that it settles with.
    """

    def __init__(self, dialect: str, connection: str, model: str) -> None:
        self.origin = Origin(dialect=dialect, connection=connection, model=model)
        self.events: list[Decoded] = []
        self.size = 0
        self.open: Literal["text", "thinking"] | None = None
        self.open_index = 0
        self.item: Json = None
        self.words: list[str] = []
        self.texts: list[tuple[int, str]] = []
        self._key: str | None = None
        self._ids: set[str] = set()

    def take(self) -> list[Decoded]:
        """The events since the last time."""
        events, self.events = self.events, []
        return events

    def from_here(self, key: str | None = None, item: Json = None, shares: int = 1) -> Origin:
        """The origin of a part that is made of the provider's `item`."""
        here = self.origin
        if key is None and item is None:
            return here
        return Origin(
            dialect=here.dialect,
            connection=here.connection,
            model=here.model,
            key=key,
            item=item,
            shares=shares,
        )

    def grow(
        self, kind: Literal["text", "thinking"], text: str, *, key: str | None = None, logprobs: Json = None
    ) -> None:
        """Add to the open part of this kind, or begin one whose words came under `key`."""
        if self.open != kind:
            self.settle()
            self.open, self._key, self.open_index = kind, key, self.size
            self.start(Text(text="") if kind == "text" else Thinking(text=""))
        if text:
            self.words.append(text)
            self.events.append(PartDelta(index=self.open_index, text=text, logprobs=logprobs))

    def settle(self) -> None:
        """Settle the open text or thought, if there is one."""
        if self.open is None:
            return
        words = "".join(self.words)
        key = self._key if self.item is None else f"{self._key or self.open}/{self.open_index}"
        origin = self.from_here(key, self.item)
        if self.open == "text":
            self.texts.append((self.open_index, words))
            self.settled(self.open_index, Text(text=words, origin=origin))
        else:
            self.settled(self.open_index, Thinking(text=words, origin=origin))
        self.open, self.words, self.item = None, [], None

    def start(self, part: Part) -> int:
        """Begin a part at the next index."""
        self.events.append(PartStarted(index=self.size, part=part))
        self.size += 1
        return self.size - 1

    def settled(self, index: int, part: Part) -> None:
        """Settle a part that has begun."""
        self.events.append(PartSettled(index=index, part=part))

    def add(self, part: Part) -> int:
        """A part that came whole."""
        index = self.start(part)
        self.settled(index, part)
        return index

    def cite(
        self,
        at: int,
        text: str,
        span: tuple[int | None, int | None],
        *,
        url: str,
        title: str = "",
        quote: str = "",
    ) -> None:
        """A citation of the text part at `at`; a span that does not fit its text is left out."""
        start, end = span
        if start is None or end is None or not 0 <= start < end <= len(text):
            start = end = None
        if url or title:
            self.add(
                Citation(
                    part=at,
                    start=start,
                    end=end,
                    title=title or None,
                    url=url or None,
                    quote=quote or None,
                    origin=self.origin,
                )
            )

    def cite_joined(
        self, span: tuple[int | None, int | None], *, url: str, title: str = "", quote: str = ""
    ) -> None:
        """A citation whose span counts in all texts of the answer joined."""
        if not self.texts:
            return
        start, end = span
        at, text = self.texts[0]
        for at, text in self.texts:
            if start is None or start < len(text) or at == self.texts[-1][0]:
                break
            start, end = start - len(text), None if end is None else end - len(text)
        self.cite(at, text, (start, end), url=url, title=title, quote=quote)

    def begin_call(self, id: str, name: str, by: By = "us") -> Call:
        """A call begins. Ids are made unique within the answer; a call without one is named by its place."""
        self.settle()
        id = id or f"call_{self.size}"
        while id in self._ids:
            id += "_"
        self._ids.add(id)
        index = self.start(ToolCall(id=id, name=name, arguments="", by=by))
        return Call(index, id, name)

    def grow_call(self, call: Call, text: str) -> None:
        """More of a call's arguments."""
        if text:
            call.pieces.append(text)
            self.events.append(PartDelta(index=call.index, text=text))

    def settle_call(self, call: Call, *, item: Json, key: str, by: By = "us", shares: int = 1) -> None:
        """The call is complete."""
        part = ToolCall(
            id=call.id,
            name=call.name,
            arguments=parsed_arguments(call.arguments),
            by=by,
            origin=self.from_here(key, item, shares),
        )
        self.settled(call.index, part)

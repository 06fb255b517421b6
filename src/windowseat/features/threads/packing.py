"""How the lines of a turn are kept: as they come, packed once it has settled, thinned out a day later. Pure.

Packed, the many small deltas are columns (numbers, parts, lengths, times, and the words in one piece) beside
the other lines, compressed together; every number, time and word comes back. The text that a part settles
with is left out where it is what the deltas gave: it would not compress a second time, as zlib looks back
32 KB. Thinned, only edges, notices and seams are left, and a snapshot answers for the rest.

Where lines are kept is not known here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from windowseat import codec
from windowseat.core.events import (
    Event,
    NoticeGiven,
    PartDelta,
    PartSettled,
    PartStarted,
    Seam,
    Snapshot,
    ToolOutput,
    is_edge,
)
from windowseat.core.message import Message
from windowseat.core.ports import Line
from windowseat.platform.moments import from_number, to_number

_LEVEL = 6
_WITH_PARTS = (PartStarted, PartSettled, ToolOutput, Snapshot)
_DELTA = b'{"type":"part_delta",'
_STARTED = b'{"type":"part_started",'
_SETTLED = b'{"type":"part_settled",'


class _Delta(msgspec.Struct):
    n: int
    at: datetime
    index: int
    text: str
    logprobs: Any = None


class _Number(msgspec.Struct):
    n: int


_read_delta = msgspec.json.Decoder(_Delta).decode
_read_number = msgspec.json.Decoder(_Number).decode


# -- lines as they come -----------------------------------------------------------------------------


def to_bytes(lines: Iterable[Line]) -> bytes:
    """Lines as JSON, one each, with the origins that followers are not shown."""
    return b"\n".join(
        codec.event_json(line.n, line.at, line.event, origin=True)
        if isinstance(line.event, _WITH_PARTS)
        else line.data
        for line in lines
    )


def from_bytes(data: bytes, after: int = 0) -> Iterator[Line]:
    """The lines after number `after`, as they were."""
    for raw in data.split(b"\n"):
        line = _line(raw)
        if line.n > after:
            yield line


def _line(raw: bytes) -> Line:
    if raw.startswith(_DELTA):
        delta = _read_delta(raw)
        event: Event = PartDelta(index=delta.index, text=delta.text, logprobs=delta.logprobs)
        return Line(delta.n, delta.at, event, raw)
    read = codec.read_numbered(raw)
    data = codec.event_json(read.n, read.at, read.event) if isinstance(read.event, _WITH_PARTS) else raw
    return Line(read.n, read.at, read.event, data)


# -- packed -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Columns:
    """The deltas: each number is kept as the difference to the one before, as a few bytes."""

    gaps: bytearray = field(default_factory=bytearray)
    indexes: bytearray = field(default_factory=bytearray)
    lengths: bytearray = field(default_factory=bytearray)
    times: bytearray = field(default_factory=bytearray)
    words: list[str] = field(default_factory=list)
    n: int = 0
    time: int = 0

    def add(self, delta: _Delta) -> None:
        time = to_number(delta.at)
        _put(self.gaps, delta.n - self.n)
        _put(self.indexes, delta.index)
        _put(self.lengths, len(delta.text))
        _put(self.times, time - self.time)
        self.words.append(delta.text)
        self.n, self.time = delta.n, time

    def packed(self) -> list[Any]:
        return [self.gaps, self.indexes, self.lengths, self.times, "".join(self.words)]


class _Said:
    """What each part has said so far, so that it need not be kept twice."""

    def __init__(self) -> None:
        self._words: dict[int, list[str]] = {}

    def add(self, index: int, text: str) -> None:
        self._words.setdefault(index, []).append(text)

    def pass_by(self, raw: bytes) -> None:
        """Note what a line that is kept as it is says."""
        if raw.startswith((_STARTED, _DELTA)):
            plain = msgspec.json.decode(raw)
            if raw.startswith(_DELTA):
                self.add(plain["index"], plain["text"])
            else:
                self._words[plain["index"]] = [plain["part"].get("text") or ""]

    def without(self, raw: bytes) -> bytes:
        """The line, without the text that its part settles with where the deltas said it."""
        if not raw.startswith(_SETTLED):
            return raw
        plain = msgspec.json.decode(raw)
        said = plain["part"].get("text")
        if not said or said != "".join(self._words.get(plain["index"], ())):
            return raw
        plain["part"]["text"] = None
        return msgspec.json.encode(plain)

    def with_it(self, raw: bytes) -> bytes:
        """The line as it was before `without`."""
        if not raw.startswith(_SETTLED):
            return raw
        plain = msgspec.json.decode(raw)
        if plain["part"].get("text", "") is not None:
            return raw
        plain["part"]["text"] = "".join(self._words[plain["index"]])
        return msgspec.json.encode(plain)


def pack(rows: Sequence[bytes]) -> bytes:
    """All lines of a turn, from what `to_bytes` gave, in order."""
    columns, others, said = _Columns(), [], _Said()
    for raw in (line for data in rows for line in data.split(b"\n")):
        delta = _read_delta(raw) if raw.startswith(_DELTA) else None
        if delta is not None and delta.logprobs is None:
            columns.add(delta)
            said.add(delta.index, delta.text)
        else:
            said.pass_by(raw)
            others.append((_number_of(raw), said.without(raw)))
    return zlib.compress(msgspec.msgpack.encode([others, *columns.packed()]), _LEVEL)


def unpack(data: bytes, after: int = 0) -> Iterator[Line]:
    """The lines after number `after`, as they were before `pack`."""
    others, *columns = msgspec.msgpack.decode(zlib.decompress(data))
    deltas, said = _deltas(*columns), _Said()
    delta = next(deltas, None)
    for n, kept in others:
        while delta is not None and delta.n < n:
            said.add(delta.index, delta.text)
            if delta.n > after:
                yield _delta_line(delta)
            delta = next(deltas, None)
        raw = said.with_it(kept)
        said.pass_by(raw)
        if n > after:
            yield _line(raw)
    for left in () if delta is None else (delta, *deltas):
        if left.n > after:
            yield _delta_line(left)


def thin(data: bytes) -> bytes:
    """From what `pack` gave: only what happened, without the words. Returns compressed lines."""
    return zlib.compress(to_bytes(without_parts(unpack(data))), _LEVEL)


def without_parts(lines: Iterable[Line]) -> Iterator[Line]:
    """Those of the lines that are kept for good: edges, notices and seams; parts are in the message."""
    return (
        line
        for line in lines
        if isinstance(line.event, NoticeGiven | Seam)
        or (is_edge(line.event) and not isinstance(line.event, PartSettled))
    )


def with_snapshot(left: Sequence[Line], message: Message, after: int = 0) -> list[Line]:
    """The lines after number `after` of a settled turn of which `left` are left, and its message.

    In place of the last line that is gone stands a snapshot of the message as it was then: without what
    the notices and seams behind it add.
    """
    gone = left[-1].n
    for line in reversed(left):
        if line.n != gone:
            break
        gone -= 1
    before = [line for line in left if after < line.n < gone]
    behind = [line for line in left if line.n > max(after, gone)]
    if gone <= after:
        return behind
    added = sum(isinstance(line.event, NoticeGiven | Seam) for line in behind)
    parts = message.parts[: len(message.parts) - added]
    at = max(line.at for line in left if line.n < gone)
    stood = replace(message, parts=parts, n=gone, stop_reason=None, usage=None, price=None)
    event = Snapshot(message=stood)
    return [*before, Line(gone, at, event, codec.event_json(gone, at, event)), *behind]


def from_thin(data: bytes) -> list[Line]:
    """The lines that `thin` left."""
    return list(from_bytes(zlib.decompress(data)))


def _number_of(raw: bytes) -> int:
    return _read_number(raw).n


def _delta_line(delta: _Delta) -> Line:
    event = PartDelta(index=delta.index, text=delta.text)
    return Line(delta.n, delta.at, event, codec.event_json(delta.n, delta.at, event))


def _deltas(gaps: bytes, indexes: bytes, lengths: bytes, times: bytes, said: str) -> Iterator[_Delta]:
    n = time = start = 0
    columns = (_numbers(column) for column in (gaps, indexes, lengths, times))
    for gap, index, length, later in zip(*columns, strict=True):
        n, time = n + gap, time + later
        yield _Delta(n, from_number(time), index, said[start : start + length])
        start += length


# Whole numbers in as few bytes as they need: seven bits in each, the sign in the lowest bit of the first
# ("varint" and "zigzag" of https://protobuf.dev/programming-guides/encoding/).


def _put(column: bytearray, number: int) -> None:
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    while rest > 127:
        column.append(rest & 127 | 128)
        rest >>= 7
    column.append(rest)


def _numbers(column: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in column:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number >> 1 if not number & 1 else -((number + 1) >> 1)
            number = shift = 0

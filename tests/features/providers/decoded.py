"""Helpers for tests of decoders: run one over an answer, and fold its events to parts.

Not a fake: the decoders are the real ones; folding checks on the way that indexes are whole and that
every part that began settles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from windowseat.core.events import PartDelta, PartSettled, PartStarted
from windowseat.core.exchange import Decoded, Decoder, Finished
from windowseat.core.parts import Part, Text, Thinking, ToolCall, grown
from windowseat.features.providers.transport.sse import SseParser


@dataclass(frozen=True)
class Answer:
    """What came out of a decoder."""

    parts: tuple[Part, ...]
    finished: Finished | None

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def thinking(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Thinking))

    def calls(self, by: str) -> list[ToolCall]:
        return [part for part in self.parts if isinstance(part, ToolCall) and part.by == by]


def streamed(decoder: Decoder, body: bytes, cuts: Sequence[int] = ()) -> list[Decoded]:
    """The events of a stream whose bytes come in pieces, cut at the given places."""
    parser = SseParser()
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(body)), len(body)]
    events: list[Decoded] = []
    for start, end in pairwise(edges):
        for message in parser.feed(body[start:end]):
            events += decoder.feed("" if message.event == "message" else message.event, message.data)
    for message in parser.end():
        events += decoder.feed("" if message.event == "message" else message.event, message.data)
    return [*events, *decoder.end()]


def answer_of(events: Iterable[Decoded]) -> Answer:
    """The parts that the events make, each checked to have grown to what it settled as."""
    parts: list[Part] = []
    settled: set[int] = set()
    finished: Finished | None = None
    for event in events:
        assert finished is None, f"{event} came after the end"
        match event:
            case PartStarted(index=index, part=part):
                assert index == len(parts)
                parts.append(part)
            case PartDelta(index=index, text=text):
                assert index not in settled
                parts[index] = grown(parts[index], text)
            case PartSettled(index=index, part=part):
                assert index not in settled
                settled.add(index)
                before = parts[index]
                if isinstance(before, Text | Thinking):
                    assert isinstance(part, type(before))
                    assert part.text == before.text
                parts[index] = part
            case Finished():
                finished = event
    if finished is not None:
        assert settled == set(range(len(parts))), "a part that began did not settle"
    return Answer(tuple(parts), finished)

"""What a provider's answer decodes to, neutral in all dialects; and how a dialect looks to the house.

A decoder yields the same part events that a turn does, with indexes of its own that count from 0
within the answer, and at the end `Finished`. It is pure: bytes in, values out. Sending and
receiving is the transport's; times are stamped by the turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from windowseat.core.events import PartDelta, PartSettled, PartStarted, Waiting
from windowseat.core.message import StopReason, Usage
from windowseat.core.model import Dialect, Model, Options
from windowseat.core.request import Piece
from windowseat.core.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The provider's first byte is here."""

    type: Literal["answered"] = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The answer is complete."""

    stop_reason: StopReason
    usage: Usage | None
    type: Literal["finished"] = "finished"


Decoded = PartStarted | PartDelta | PartSettled | Finished
Received = Answered | Waiting | Decoded
"""What comes out of sending a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a dialect must know of a file that it encodes; `text` for documents that go in as words."""

    id: str
    media_type: str
    size: int
    name: str
    text: str | None = None


class Decoder(Protocol):
    """Decodes one answer. Raises ProviderFault for an error that the provider put in its stream."""

    def feed(self, event: str, data: bytes) -> Sequence[Decoded]:
        """One event of a stream: its SSE name ("" where it has none) and its data."""
        ...

    def whole(self, body: bytes) -> Sequence[Decoded]:
        """A whole answer that was not streamed, as the same events."""
        ...

    def end(self) -> Sequence[Decoded]:
        """The stream is over. Raises ProviderFault `provider_cut` where the answer is not complete."""
        ...


class DialectCodec(Protocol):
    """A wire format: pure encode and decode."""

    name: Dialect

    def address(self, base_url: str, model: str, *, stream: bool) -> str:
        """The URL that answers the model's requests, from the base that the provider documents."""
        ...

    def encode(
        self, window: Window, model: Model, options: Options, files: Mapping[str, FileFacts]
    ) -> tuple[Piece, ...]:
        """The body as pieces. The last piece only closes what frames the messages."""
        ...

    def go_on(self, pieces: tuple[Piece, ...], said: str, *, prefill: bool) -> tuple[Piece, ...]:
        """The same body, with `said` as the begun answer: to be gone on from, or asked to be continued."""
        ...

    def decoder(self, connection: str, model: str) -> Decoder:
        """A decoder for one answer; its parts' origins name this connection and model."""
        ...

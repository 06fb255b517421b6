"""Server-sent events, read from bytes as they come, however the network cut them.

The format is the WHATWG's (HTML, section 9.2.6 "Interpreting an event stream"): lines end with
LF, CRLF or CR, a blank line ends a message, a leading byte order mark is dropped, a line that
begins with a colon is a comment. Two things differ on purpose: a message that lacks its blank
line at a clean end of the stream is still given out (`end`), because some servers forget it, and
a line or message may be too long.

Not here: the network, JSON, and what a message means. Data stay bytes; whoever decodes the JSON
finds what is no UTF-8.
"""

from __future__ import annotations

from typing import NamedTuple

from windowseat.core.errors import ProviderFault

LONGEST = 16 * 1024 * 1024
"""Bytes that one line, and one message, may have."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SseMessage(NamedTuple):
    """One message: its kind, its data with the lines joined by LF, and the last id that was seen.

    A named tuple and not a dataclass, because one is made for every token, at less than half the cost.
    """

    event: str
    data: bytes
    id: str


class SseParser:
    """Turns bytes into messages; one parser serves one stream.

    >>> parser = SseParser()
    >>> parser.feed(b'data: {"a":1}\\n\\nda')
    [SseMessage(event='message', data=b'{"a":1}', id='')]
    >>> parser.feed(b"ta: [DONE]\\n\\n")
    [SseMessage(event='message', data=b'[DONE]', id='')]
    """

    def __init__(self, *, longest: int = LONGEST) -> None:
        self._longest = longest
        self._begun = False
        self._held: list[bytes] = []
        self._held_size = 0
        self._skip_newline = False
        self._data: list[bytes] = []
        self._size = 0
        self._event = ""
        self._id = ""

    def feed(self, data: bytes) -> list[SseMessage]:
        """Take what one read brought and give the messages that it completed.

        Raises ProviderFault `provider_line_too_long` when a line or a message passes the limit.
        """
        # What nearly every read brings: one whole message of one line.
        if (
            self._begun
            and not self._held
            and not self._size
            and not self._event
            and not self._skip_newline
            and data.startswith(b"data: ")
            and data.find(b"\n") == len(data) - 2
            and data.endswith(b"\n\n")
            and b"\r" not in data
            and len(data) <= self._longest
        ):
            return [SseMessage("message", data[6:-2], self._id)]
        if not self._begun:
            data = self._without_byte_order_mark(data)
        return self._lines(self._newlines_only(data))

    def end(self) -> list[SseMessage]:
        """The stream ended cleanly: give the message that still waits for its blank line, if there is one."""
        return self._lines(b"\n\n") if self._held or self._data else []

    def _without_byte_order_mark(self, data: bytes) -> bytes:
        data = b"".join(self._held) + data
        self._held.clear()
        self._held_size = 0
        if len(data) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(data):
            self._hold(data)
            return b""
        self._begun = True
        return data.removeprefix(_BYTE_ORDER_MARK)

    def _newlines_only(self, data: bytes) -> bytes:
        """LF for every line end; a CR ends its line at once, the LF of a pair cut in two is skipped."""
        if self._skip_newline and data:
            data = data.removeprefix(b"\n")
            self._skip_newline = False
        if b"\r" not in data:
            return data
        self._skip_newline = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _lines(self, data: bytes) -> list[SseMessage]:
        first, newline, rest = data.partition(b"\n")
        if not newline:
            self._hold(data)
            return []
        self._hold(first)
        lines = [b"".join(self._held)]
        self._held = []
        self._held_size = 0
        lines += rest.split(b"\n")
        self._hold(lines.pop())
        messages: list[SseMessage] = []
        for line in lines:
            if line:
                self._field(line)
            else:
                self._settle(messages)
        return messages

    def _hold(self, data: bytes) -> None:
        if data:
            self._held.append(data)
            self._held_size += len(data)
            if self._held_size > self._longest:
                raise self._too_long()

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            # The line end counts too, so that millions of empty lines are bounded as well.
            self._size += len(value) + 1
            if self._size > self._longest:
                raise self._too_long()
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _settle(self, messages: list[SseMessage]) -> None:
        if self._data:
            messages.append(SseMessage(self._event or "message", b"\n".join(self._data), self._id))
            self._data = []
            self._size = 0
        self._event = ""

    def _too_long(self) -> ProviderFault:
        return ProviderFault(
            "provider_line_too_long",
            f"The provider sent a line of more than {self._longest} bytes, which no answer needs.",
            hint="Try again; if it happens again, the provider or a proxy before it is broken.",
        )

"""The reference of every ratio: a relay in raw asyncio that passes bytes between client and provider.

    python benchmarks/raw_relay.py --upstream http://127.0.0.1:9100 [--port 0] [--with streams]

It listens, prints its address, opens one connection to the provider for each client, and passes on
whatever comes, either way. Nothing is parsed, kept or counted, so it is the least that a relay
in Python can cost. `--with protocols` (the default) stands on asyncio's protocol calls; `--with
streams` is the same as one would write it by hand with StreamReader and StreamWriter. uvloop serves
where it can be imported, as with our own server.

It is no server for anybody: no TLS, no limits, no word when something fails.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit

_READ = 64 * 1024

Address = tuple[str, int]


class Side(asyncio.Protocol):
    """One end of a relayed connection; what comes here is written to `other`."""

    def __init__(self, upstream: Address | None = None) -> None:
        self._upstream = upstream
        self._early: list[bytes] = []
        self._connecting: asyncio.Task[None] | None = None
        self.other: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._upstream is not None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect(self._upstream))

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
        else:
            self.other.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self.other is not None:
            self.other.close()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.resume_reading()

    async def _connect(self, upstream: Address) -> None:
        far_transport, far = await asyncio.get_running_loop().create_connection(Side, *upstream)
        far.other, self.other = self.transport, far_transport
        self.other.write(b"".join(self._early))


async def relay_streams(
    upstream: Address, near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter
) -> None:
    """One relayed connection with asyncio's streams."""
    far_reader, far_writer = await asyncio.open_connection(*upstream)
    await asyncio.gather(_pass_on(near_reader, far_writer), _pass_on(far_reader, near_writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_READ):
            writer.write(data)
            await writer.drain()
    writer.close()


async def serve(upstream: Address, host: str, port: int, *, streams: bool) -> None:
    """Relay until cancelled; the address is printed once it listens."""
    if streams:
        server = await asyncio.start_server(
            lambda reader, writer: relay_streams(upstream, reader, writer), host, port, backlog=1024
        )
    else:
        server = await asyncio.get_running_loop().create_server(
            lambda: Side(upstream), host, port, backlog=1024
        )
    print(f"http://{host}:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--with", dest="kind", choices=("protocols", "streams"), default="protocols")
    asked = parser.parse_args()
    told = urlsplit(asked.upstream)
    upstream = (told.hostname or "127.0.0.1", told.port or 80)
    run = asyncio.run
    with suppress(ImportError):
        import uvloop

        run = uvloop.run
    with suppress(KeyboardInterrupt):
        run(serve(upstream, asked.host, asked.port, streams=asked.kind == "streams"))
    sys.exit(130)


if __name__ == "__main__":
    main()

"""Files that users and tools put in: bytes shared by digest, a row per user, and their words.

Every read checks the user, here and nowhere else. Which parts a file makes and how it is served are
others' business; signatures and rules are in media.py, the disk is in blobs.py.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from windowseat.core.ask import User
from windowseat.core.errors import NotFound
from windowseat.core.exchange import FileFacts
from windowseat.features.files.blobs import Blobs, Coming
from windowseat.features.files.media import decoded, is_text, media_type_of, plain_name
from windowseat.features.files.store import FileRow, FileStore
from windowseat.platform.clock import Clock
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.moments import to_number

UNUSED_LASTS = timedelta(days=1)
MOST_TEXT = 200_000
"""Characters of a document that go into a window; `text` reads the rest."""

_MOST_TEXT_BYTES = 8_000_000
_WRITE_BYTES = 1 << 20


class Files:
    """The files of one home. `folder` holds the bytes, `most_bytes` is how large one may be.

    Belongs to one event loop.
    """

    def __init__(self, database: Database, folder: Path, clock: Clock, ids: Ids, *, most_bytes: int) -> None:
        self._store = FileStore(database)
        self._blobs = Blobs(folder)
        self._clock = clock
        self._ids = ids
        self._most_bytes = most_bytes
        # Bytes must not go between being found there and getting one more row.
        self._placing = asyncio.Lock()

    async def put(
        self,
        user: User,
        source: bytes | AsyncIterable[bytes],
        name: str | None = None,
        media_type: str | None = None,
        *,
        thread: str | None = None,
        used: bool = False,
    ) -> FileRow:
        """Keep bytes as a file of this user; what cannot be kept whole leaves nothing behind.

        `thread` where a tool of that thread made it. Unless `used` (or marked so within a day) it is
        removed again. Raises Refused `file_too_large` (413), StoreFault `disk_full` …
        """
        coming = await asyncio.to_thread(self._blobs.begin, self._most_bytes)
        try:
            await self._take(coming, source)
            kind = media_type_of(coming.start, media_type, name or "")
            row = FileRow(
                file=self._ids.new(),
                media_type=kind,
                size=coming.size,
                name=plain_name(name, kind),
                digest=coming.digest,
                thread=thread,
            )
            async with self._placing:
                await asyncio.to_thread(self._blobs.keep, coming)
                await self._store.add(row, user.id, used=used, at=to_number(self._clock.now()))
        finally:
            await asyncio.to_thread(coming.discard)
        return row

    async def get(self, user: User, file: str) -> FileRow:
        """The user's file. Raises NotFound `file_not_found`."""
        found = await self._store.rows([file], user.id)
        return found[file] if file in found else _raise_missing([file])

    async def open(self, user: User, file: str) -> tuple[FileRow, Path]:
        """The user's file and where its bytes lie, to be served from there. Raises NotFound."""
        row = await self.get(user, file)
        return row, self._blobs.path(row.digest)

    async def read(self, user: User, file: str) -> bytes:
        """All bytes of the user's file. Raises NotFound."""
        row = await self.get(user, file)
        return await asyncio.to_thread(self._blobs.read, row.digest)

    async def facts(self, ids: Sequence[str], user: User | None = None) -> dict[str, FileFacts]:
        """What a dialect must know of files, with the words of those that have some, cut at `MOST_TEXT`.

        Without a user for windows, whose files were checked when their message was written.
        Files that are gone are left out.
        """
        rows = await self._store.rows(ids, user.id if user else None)
        return {file: await asyncio.to_thread(self._facts, row) for file, row in rows.items()}

    async def text(self, user: User, file: str) -> str | None:
        """The words of the user's file, None where it has none; the first 8 MB of it. Raises NotFound."""
        row = await self.get(user, file)
        return await asyncio.to_thread(self._text, row)

    async def base64(self, file: str) -> bytes:
        """The bytes of a file in base64, for a request that was checked before. Raises NotFound."""
        rows = await self._store.rows([file], None)
        row = rows[file] if file in rows else _raise_missing([file])
        return await asyncio.to_thread(lambda: base64.b64encode(self._blobs.read(row.digest)))

    async def mark_used(self, user: User, ids: Iterable[str]) -> None:
        """A message names these files, so they stay. Raises NotFound unless all are the user's."""
        wanted = sorted(set(ids))
        found = await self._store.mark_used(user.id, wanted)
        if missing := [file for file in wanted if file not in found]:
            _raise_missing(missing)

    async def made_in(self, user: User, thread: str) -> tuple[FileRow, ...]:
        """The files that tools of the thread made."""
        return await self._store.made_in(user.id, thread)

    async def has_any(self, user: User) -> bool:
        """Whether the user has any file at all: one look at an index."""
        return await self._store.has_any(user.id)

    async def sweep(self) -> int:
        """Remove what nobody used within a day, and bytes that belong to no row; returns how many went.

        A crash can leave bytes without a row, never a row without its bytes.
        """
        before = self._clock.now() - UNUSED_LASTS
        async with self._placing:
            gone = await self._store.remove_unused(to_number(before))
            for digest in gone:
                await asyncio.to_thread(self._blobs.remove, digest)
            return len(gone) + await self._sweep_strays(before.timestamp())

    async def _sweep_strays(self, before: float) -> int:
        old = await asyncio.to_thread(lambda: list(self._blobs.older(before)))
        known = await self._store.known([path.name for path in old])
        strays = [path for path in old if path.name not in known]
        for path in strays:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return len(strays)

    async def _take(self, coming: Coming, source: bytes | AsyncIterable[bytes]) -> None:
        if isinstance(source, bytes):
            await asyncio.to_thread(coming.add, source)
        else:
            held = bytearray()
            async for data in source:
                held += data
                if len(held) >= _WRITE_BYTES:
                    await asyncio.to_thread(coming.add, bytes(held))
                    held.clear()
            await asyncio.to_thread(coming.add, bytes(held))
        await asyncio.to_thread(coming.finish)

    def _facts(self, row: FileRow) -> FileFacts:
        text = self._text(row)
        if text is not None and len(text) > MOST_TEXT:
            text = f"{text[:MOST_TEXT]}\n[Cut here: the file goes on; the tool open_file reads the rest.]"
        return FileFacts(id=row.file, media_type=row.media_type, size=row.size, name=row.name, text=text)

    def _text(self, row: FileRow) -> str | None:
        if not is_text(row.media_type):
            return None
        data = self._blobs.read(row.digest, _MOST_TEXT_BYTES)
        return decoded(data, whole=len(data) == row.size)


def _raise_missing(files: Sequence[str]) -> FileRow:
    raise NotFound(
        "file_not_found",
        f"There is no file {', '.join(files[:3])}.",
        hint="A file that no message uses is removed after a day; put it in again.",
    )

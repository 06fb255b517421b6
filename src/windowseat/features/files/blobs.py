"""Bytes on the disk, named by their SHA-256: `ab/cd/abcd…` under one folder.

Bytes are written to a file of their own, brought to the disk and renamed, so that a digest's file is
whole or not there. Everything here blocks; service.py calls it in a thread. It knows no user.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from windowseat.core.errors import NotFound, Refused, StoreFault
from windowseat.platform.sqlite import sync_folder

_COMING = "coming"


class Coming:
    """Bytes on their way in: `add` them, then `Blobs.keep` or `discard`."""

    def __init__(self, path: Path, most: int) -> None:
        self.path = path
        self.size = 0
        self.start = b""
        self._most = most
        self._hash = hashlib.sha256()
        with _translated(path):
            self._file: BinaryIO = path.open("xb")

    @property
    def digest(self) -> str:
        """SHA-256 of what has come, as 64 hexadecimal digits."""
        return self._hash.hexdigest()

    def add(self, data: bytes) -> None:
        """Write the next bytes. Raises Refused `file_too_large`, StoreFault."""
        self.size += len(data)
        if self.size > self._most:
            raise Refused(
                "file_too_large",
                f"The file is larger than {self._most // 1_000_000} MB.",
                hint="Put in a smaller one, or raise the setting upload_megabytes.",
                status=413,
            )
        if len(self.start) < 4096:
            self.start += data[: 4096 - len(self.start)]
        self._hash.update(data)
        with _translated(self.path):
            self._file.write(data)

    def finish(self) -> None:
        """Bring all of it to the disk."""
        with _translated(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        """Forget what has come; nothing of it stays. Harmless after it was kept."""
        with suppress(OSError):  # what could not be flushed is not wanted
            self._file.close()
        self.path.unlink(missing_ok=True)


class Blobs:
    """The folder of bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, most: int) -> Coming:
        """Room for bytes that come, `most` at the most."""
        coming = self._folder / _COMING
        with _translated(coming):
            coming.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Coming(coming / secrets.token_hex(16), most)

    def keep(self, coming: Coming) -> None:
        """Give finished bytes their name; where they are there already, those stay."""
        target = self.path(coming.digest)
        with _translated(target):
            if target.is_file() and target.stat().st_size == coming.size:
                coming.path.unlink()
                return
            for folder in (target.parent.parent, target.parent):
                if not folder.is_dir():
                    folder.mkdir(mode=0o700, exist_ok=True)
                    sync_folder(folder.parent)
            coming.path.replace(target)
            sync_folder(target.parent)

    def path(self, digest: str) -> Path:
        """Where the bytes of that digest lie."""
        return self._folder / digest[:2] / digest[2:4] / digest

    def read(self, digest: str, most: int = -1) -> bytes:
        """The bytes, or the first `most`. Raises NotFound `file_bytes_missing`, StoreFault."""
        path = self.path(digest)
        try:
            with _translated(path), path.open("rb") as file:
                return file.read(most)
        except FileNotFoundError:
            raise NotFound(
                "file_bytes_missing",
                "The bytes of this file are no longer in the home.",
                hint="Put the file in again, or restore the folder files/ from a backup.",
            ) from None

    def remove(self, digest: str) -> None:
        """Remove the bytes; harmless when they are gone."""
        with _translated(self._folder):
            self.path(digest).unlink(missing_ok=True)

    def older(self, before: float) -> Iterator[Path]:
        """Bytes, kept or on their way in, that were written before then (seconds since 1970)."""
        for path in self._folder.rglob("*"):
            try:
                if path.is_file() and path.stat().st_mtime < before:
                    yield path
            except FileNotFoundError:
                continue


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreFault(
                "disk_full",
                f"There is no room for the file: {reason}. Nothing of it was kept.",
                hint=f"Make room on the disk of {path.parent}, or raise its quota.",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StoreFault(
                "store_read_only",
                f"{path} cannot be written by this user.",
                hint="Give the user of this process the right to write the folder files/ of the home.",
            ) from error
        raise StoreFault(
            "store_failed", f"{path}: {reason}.", hint="See whether the disk is sound."
        ) from error

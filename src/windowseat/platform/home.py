"""The folder of one installation: where each thing lies, made when needed, private to its user.

It holds no setting and opens no file but `run/socket`; who owns the home is process_lock.py.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from windowseat.core.errors import Fault, StoreFault

# sockaddr_un holds 104 bytes on macOS and 108 on Linux, the closing zero included (unix(4), unix(7)).
_LONGEST_SOCKET_PATH_BYTES = 100
_SOCKET_NAME = "windowseat.sock"


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of one installation; `create()` makes the folders."""

    root: Path

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Home:
        """The home that WINDOWSEAT_HOME names (from here, when it is relative), else the platform's
        data folder for `windowseat`. Nothing is made."""
        named = environ.get("WINDOWSEAT_HOME", "")
        if named:
            return cls(Path(named).expanduser().absolute())
        from platformdirs import user_data_path

        return cls(user_data_path("windowseat", appauthor=False))

    @property
    def database(self) -> Path:
        return self.root / "windowseat.db"

    @property
    def files(self) -> Path:
        return self.root / "files"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def key_file(self) -> Path:
        return self.keys / "connections.key"

    @property
    def python(self) -> Path:
        return self.root / "python"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def lock(self) -> Path:
        return self.run / "process.lock"

    @property
    def settings_file(self) -> Path:
        return self.root / "settings.toml"

    def create(self) -> None:
        """Make the folders that are missing; what is made, and always `run` and `keys`, is 0700.

        Raises Fault `home_not_writable`, StoreFault `disk_full`.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.files, self.models, self.keys, self.python, self.backups, self.run):
                folder.mkdir(mode=0o700, exist_ok=True)
            for folder in (self.keys, self.run):
                if stat.S_IMODE(folder.stat().st_mode) & 0o077:
                    folder.chmod(0o700)
        except OSError as error:
            raise _fault_of(error, self.root) from error

    def socket_path(self) -> Path | None:
        """Where the owner of this home listens; None where its short folder is not made or not safe.

        It says nothing about whether somebody listens there.
        """
        plain = self.run / _SOCKET_NAME
        if len(os.fsencode(plain)) <= _LONGEST_SOCKET_PATH_BYTES:
            return plain
        try:
            named = Path((self.run / "socket").read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError):
            return None
        return named if named.name == _SOCKET_NAME and _is_ours_alone(named.parent) else None

    def make_socket_path(self) -> Path:
        """The same, for the owner: where the path is too long, a short folder is made and `run/socket`
        names it. A socket that a dead owner left is removed. Call it while holding the lock."""
        path = self.socket_path()
        try:
            if path is None:
                path = _make_short_folder() / _SOCKET_NAME
                pointer = self.run / "socket.part"
                pointer.write_text(f"{path}\n", "utf-8")
                pointer.replace(self.run / "socket")
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _fault_of(error, self.run) from error
        return path


def _make_short_folder() -> Path:
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="windowseat-"))
    if len(os.fsencode(folder / _SOCKET_NAME)) <= _LONGEST_SOCKET_PATH_BYTES:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="windowseat-", dir="/tmp"))


def _is_ours_alone(folder: Path) -> bool:
    # The temp folder is everybody's: a folder of the same name may be somebody else's trap.
    try:
        facts = folder.lstat()
    except OSError:
        return False
    ours = facts.st_uid == os.geteuid()
    return stat.S_ISDIR(facts.st_mode) and ours and stat.S_IMODE(facts.st_mode) == 0o700


def _fault_of(error: OSError, folder: Path) -> Fault:
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "Make room on that disk, or raise its quota."
        return StoreFault("disk_full", f"The home {folder} could not be made: {reason}.", hint=hint)
    return Fault(
        "home_not_writable",
        f"The home {folder} could not be made: {reason} ({error.filename}).",
        hint="Give this user the right to write there, or name another folder in WINDOWSEAT_HOME.",
    )

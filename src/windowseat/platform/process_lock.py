"""Who owns a home: a lock on a file that ends with its process, however that ends.

Liveness is the lock itself, not a heartbeat: death is known at once, and a process that is stopped keeps
what it has. The file's content only tells others about the owner; it proves nothing.
A child made by `exec` does not inherit the lock; a bare `fork` does, so no such child may outlive us.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from windowseat.core.errors import Fault

_POLL_SECONDS = 0.01
# Whoever asks for the owner holds a shared lock for an instant; one refusal proves nothing.
_LEAST_WAIT_SECONDS = 0.1
# Facts have this length always, so that they are replaced in one write and never read half.
_FACTS_BYTES = 1024


class ProcessLock:
    """The lock on one file. Not for two threads at once.

    >>> lock = ProcessLock(home.lock)
    >>> if not lock.acquire(wait=10, kind="serve"): print(lock.owner())
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None
        self._facts: dict[str, Any] = {}

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def acquire(self, wait: float = 0, *, kind: str = "serve", **facts: Any) -> bool:
        """Take the lock, waiting up to `wait` seconds (the calling thread sleeps); False: another has it.

        The facts `{"pid", "kind", …}` are what `owner()` tells others: plain JSON, no secret.
        Raises Fault `home_not_writable`.
        """
        if self._handle is not None:
            raise RuntimeError("This lock is already held.")
        handle = self._open(os.O_RDWR | os.O_CREAT)
        until = time.monotonic() + max(wait, _LEAST_WAIT_SECONDS)
        while not _try_lock(handle, fcntl.LOCK_EX):
            left = until - time.monotonic()
            if left <= 0:
                os.close(handle)
                return False
            time.sleep(min(_POLL_SECONDS, left))
        self._handle = handle
        self._facts = {"pid": os.getpid(), "kind": kind, **facts}
        self._write()
        return True

    def tell(self, **facts: Any) -> None:
        """Add to the facts what is known later, for instance `address="http://127.0.0.1:8321"`."""
        if self._handle is None:
            raise RuntimeError("Only the owner of the lock tells facts.")
        self._facts.update(facts)
        self._write()

    def owner(self) -> dict[str, Any] | None:
        """The facts of whoever holds the lock now, this process included; None when it is free.

        {} where it is held and the facts cannot be read.
        """
        if self._handle is not None:
            return dict(self._facts)
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._fault_of(error) from error
        try:
            if _try_lock(handle, fcntl.LOCK_SH):
                return None
            return _read_facts(handle)
        finally:
            os.close(handle)

    def release(self) -> None:
        """Give the lock up; twice does nothing."""
        if self._handle is not None:
            os.pwrite(self._handle, b" " * _FACTS_BYTES, 0)
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _write(self) -> None:
        assert self._handle is not None
        content = json.dumps(self._facts).encode()
        if len(content) > _FACTS_BYTES:
            raise ValueError("The facts of an owner are longer than 1024 bytes.")
        os.pwrite(self._handle, content.ljust(_FACTS_BYTES), 0)

    def _open(self, flags: int) -> int:
        try:
            # Python opens with O_CLOEXEC (PEP 446), so no program that we start keeps the lock.
            return os.open(self.path, flags, 0o600)
        except OSError as error:
            raise self._fault_of(error) from error

    def _fault_of(self, error: OSError) -> Fault:
        return Fault(
            "home_not_writable",
            f"The lock {self.path} could not be opened: {error.strerror}.",
            hint="Give this user the right to write there, or name another folder in WINDOWSEAT_HOME.",
        )


def _try_lock(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_facts(handle: int) -> dict[str, Any]:
    # A dead owner's facts stay until the next one has written its own, an instant after it took the lock.
    for _ in range(10):
        try:
            facts = dict(json.loads(os.pread(handle, _FACTS_BYTES, 0)))
            if _is_alive(int(facts["pid"])):
                return facts
        except (ValueError, KeyError, TypeError):
            pass
        time.sleep(0.02)
    return {}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
